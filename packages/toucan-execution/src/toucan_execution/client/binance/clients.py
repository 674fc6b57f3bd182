"""Binance's clients: spot, USD-M and COIN-M."""

from __future__ import annotations

import os
import random
from abc import abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from toucan_execution.account import (
    Income,
    LeverageBracket,
    LeverageSetting,
    MarginType,
    Position,
    PositionMode,
)
from toucan_execution.call import Auth, Call, Conversation, one
from toucan_execution.client.binance.config import BinanceConfig, Market, OrdersOver, UserData
from toucan_execution.client.binance.endpoints import CONNECT_WEIGHTS
from toucan_execution.client.binance.errors import LISTEN_KEY_GONE
from toucan_execution.client.binance.sessions import StreamConnection, WsApiSession
from toucan_execution.client.binance.venue import (
    BinanceCoinMVenue,
    BinanceSpotVenue,
    BinanceUsdMVenue,
    BinanceVenue,
)
from toucan_execution.errors import ConfigError
from toucan_execution.ids import ClientIds
from toucan_execution.live import LiveClient
from toucan_execution.orders import CancelReplaceRequest, OrderList, OrderListRequest, PositionSide
from toucan_execution.outcome import Outcome, ReplaceOutcome, Route
from toucan_execution.requesting import AccountSession, SessionEvents, SessionLimits
from toucan_instrument import Instrument
from toucan_instrument.errors import VenueError
from toucan_instrument.link import Clock, Network, open_network
from toucan_instrument.rest import Request, Response

__all__ = [
    "BinanceClient",
    "BinanceExecution",
    "BinanceFuturesClient",
    "BinanceFuturesCoinExecution",
    "BinanceFuturesUsdExecution",
    "BinanceSpotExecution",
]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
KEEP_ALIVE_NS = 30 * MINUTE
KEPT_NS = 58 * MINUTE
"""A listen key lives for 60 minutes from its last keep-alive (facts E.3)."""
HANDSHAKE_WEIGHT = 2
"""Of a log-on, and of a subscription to the account's events (facts E.2.2, F.3)."""

# A server pings every 20 s on spot and every 3 min on the futures (facts A.2, F.1): three that did not come,
# and two where they are rare, as nothing tells sooner that a line is dead.
SPOT_LIMITS = SessionLimits(idle_ns=65 * SECOND)
FUTURES_LIMITS = SessionLimits(idle_ns=400 * SECOND)


def _nothing(body: bytes, received_ns: int) -> None:
    del body, received_ns


def _handshake(method: str, auth: Auth) -> Call[None]:
    return Call(name=method, method="WS", path="", decode=_nothing, auth=auth, ws_method=method)


HANDSHAKES = {
    "session.logon": _handshake("session.logon", Auth.SIGNED),
    "userDataStream.subscribe": _handshake("userDataStream.subscribe", Auth.NONE),
    "userDataStream.subscribe.signature": _handshake("userDataStream.subscribe.signature", Auth.SIGNED),
}
"""How a connection to the WebSocket API begins (facts E.2.2, F.3)."""


class BinanceClient(LiveClient):
    """An account on one of Binance's markets.

    Args:
        config: How it is set up.
        network: The way out, None for the usual one; it is closed with the client.
        clock: Where time comes from, None for the machine's.
        rng: Where jitter comes from.
    """

    MARKET: Market
    """The market of the class."""

    def __init__(
        self,
        config: BinanceConfig,
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        rng: Callable[[], float] = random.random,
    ) -> None:
        if config.market is not self.MARKET:
            raise ConfigError(
                f"{type(self).__name__} is for another market",
                field="market",
                value=config.market.value,
                accepted=self.MARKET.value,
            )
        self.config: BinanceConfig = config
        self.binance: BinanceVenue = self.make_venue(config)
        over = Route.WEBSOCKET if config.orders_over is OrdersOver.WEBSOCKET else Route.REST
        self._session_limits = SPOT_LIMITS if config.market is Market.SPOT else FUTURES_LIMITS
        self._draw = rng
        self._listen_key = ""
        super().__init__(
            self.binance,
            network=network or open_network(proxy=config.proxy, trust_env=config.trust_env, ssl=config.ssl),
            account_id=config.credentials.account_id,
            ids=ClientIds(config.client_id_prefix, os.urandom),
            timeout_ns=config.timeout_ns,
            receive_window_ns=self.binance.recv_window_ns,
            over=over,
            clock=clock,
            rng=rng,
            share=config.budget_share,
            stall_at=config.stall_at,
            instruments=config.instruments,
            prices=config.prices,
        )
        connecting = CONNECT_WEIGHTS[config.market.exchange] + HANDSHAKE_WEIGHT
        if config.user_data is UserData.LISTEN_KEY:
            self.keep_alive_ns: int = KEEP_ALIVE_NS
            self.kept_ns: int = KEPT_NS
            self.request_weight: int = connecting
        else:
            handshakes = 2 if config.user_data is UserData.SESSION else 1
            self.account_weight: int = connecting + HANDSHAKE_WEIGHT * (handshakes - 1)

    @abstractmethod
    def make_venue(self, config: BinanceConfig) -> BinanceVenue:
        """Return the market's venue."""

    # Connections.

    async def account_url(self) -> str:
        """Return the address of the account's events; a listen key is had first where one is needed."""
        if self.config.user_data is not UserData.LISTEN_KEY:
            return self.binance.ws_api_url
        self._listen_key = await self.call(self.binance.create_listen_key())
        return self.binance.private_url(self._listen_key, base=self.config.stream_url or "")

    def account_session(self, events: SessionEvents) -> AccountSession:
        """Return the protocol of the connection that carries the account's events."""
        if self.config.user_data is UserData.LISTEN_KEY:
            return StreamConnection(events, self._session_limits, rng=self._draw)
        logon = self.config.user_data is UserData.SESSION
        return self._ws_api(events, logon=logon, user_data="session" if logon else "signature")

    def request_session(self, events: SessionEvents) -> AccountSession | None:
        """Return the protocol of a connection for requests, where the account's events have their own."""
        logon = self.config.credentials.kind.value == "ed25519"
        return self._ws_api(events, logon=logon, user_data="")

    def request_url(self) -> str:
        """Return the address of the connection for requests, empty where there is none."""
        apart = self.config.user_data is UserData.LISTEN_KEY
        over = self.config.orders_over is OrdersOver.WEBSOCKET
        return self.binance.ws_api_url if apart and over else ""

    def keep_alive(self) -> Conversation[None] | None:
        """Return what keeps the listen key, None where there is none."""
        return one(self.binance.keep_listen_key(self._listen_key)) if self._listen_key else None

    def is_gone(self, error: VenueError) -> bool:
        """Tell whether an error says that the listen key has expired: keeping it is pointless then (E.3)."""
        return error.code == LISTEN_KEY_GONE

    def farewell(self) -> Conversation[None] | None:
        """Return what closes the listen key: only where this process alone uses it."""
        if not (self._listen_key and self.config.owns_listen_key):
            return None
        return one(self.binance.close_listen_key(self._listen_key))

    def _ws_api(self, events: SessionEvents, *, logon: bool, user_data: str) -> WsApiSession:
        venue = self.binance

        def frame(request_id: int, method: str, now: int) -> bytes:
            return venue.ws_frame(HANDSHAKES[method], request_id, self.venue_time(now))

        def refusal(method: str, status: int, body: bytes) -> VenueError:
            call = HANDSHAKES.get(method) or _handshake(method, Auth.NONE)
            request, response = Request(method, venue.ws_api_url), Response(status, {}, body)
            error = venue.error_of(call, request, response)
            if error is not None:
                return error
            return VenueError(
                method=method, url=venue.ws_api_url, status=status, code=None, venue_message="refused"
            )

        return WsApiSession(
            events,
            self._session_limits,
            rng=self._draw,
            frame=frame,
            error_of=refusal,
            logon=logon,
            user_data=user_data,
        )


class BinanceSpotExecution(BinanceClient):
    """An account on Binance spot."""

    MARKET: Market = Market.SPOT
    binance: BinanceSpotVenue

    def make_venue(self, config: BinanceConfig) -> BinanceSpotVenue:
        """See `BinanceClient.make_venue`."""
        return BinanceSpotVenue(
            Market.SPOT.exchange, config.environment, config.credentials, **_options(config)
        )

    async def place_order_list(self, request: OrderListRequest, *, allow_unsynced: bool = False) -> Outcome:
        """Place a list of orders that depend on one another."""
        return await self.desk.place_list(request, allow_unsynced=allow_unsynced)

    async def cancel_order_list(
        self, instrument: Instrument, *, list_id: str = "", client_list_id: str = ""
    ) -> Outcome:
        """Cancel all orders of a list."""
        call = self.binance.cancel_list(instrument, list_id=list_id, client_list_id=client_list_id)
        return await self.desk.cancel_list(instrument, client_list_id or list_id, one(call))

    async def fetch_open_order_lists(self) -> tuple[OrderList, ...]:
        """Fetch the lists that are open."""
        found = await self.call(self.binance.open_lists())
        return tuple(found)

    async def cancel_replace(
        self, request: CancelReplaceRequest, *, allow_unsynced: bool = False
    ) -> ReplaceOutcome:
        """Cancel an order and place another, in one request; one outcome for each half."""
        return await self.desk.cancel_replace(request, allow_unsynced=allow_unsynced)


class BinanceFuturesClient(BinanceClient):
    """An account on one of Binance's futures markets."""

    binance: BinanceUsdMVenue | BinanceCoinMVenue

    async def fetch_positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Fetch the positions that are not flat."""
        return tuple(await self.converse(self.binance.positions(instrument)))

    async def set_leverage(self, instrument: Instrument, leverage: int) -> LeverageSetting:
        """Set the leverage of an instrument."""
        return await self.converse(self.binance.set_leverage(instrument, leverage))

    async def fetch_leverage_brackets(
        self, instrument: Instrument | None = None
    ) -> tuple[LeverageBracket, ...]:
        """Fetch how much leverage positions of which size may have."""
        return tuple(await self.converse(self.binance.leverage_brackets(instrument)))

    async def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> bool:
        """Set cross or isolated margin; return whether that changed anything."""
        return await self.converse(self.binance.set_margin_type(instrument, margin_type))

    async def change_isolated_margin(
        self, instrument: Instrument, amount: Decimal, *, position_side: PositionSide | None = None
    ) -> None:
        """Add to the margin of an isolated position, or take from it (below zero)."""
        await self.converse(
            self.binance.change_isolated_margin(instrument, amount, position_side=position_side)
        )

    async def fetch_position_mode(self) -> PositionMode:
        """Fetch whether an instrument has one position or one for each side."""
        mode = await self.converse(self.binance.fetch_position_mode())
        self.account.position_mode = mode
        return mode

    async def set_position_mode(self, mode: PositionMode) -> bool:
        """Set it, for all instruments of USD-M and COIN-M alike; return whether that changed anything."""
        changed = await self.converse(self.binance.set_position_mode(mode))
        self.account.position_mode = mode
        return changed

    async def fetch_income(
        self, since: int, until: int | None = None, *, instrument: Instrument | None = None, kind: str = ""
    ) -> tuple[Income, ...]:
        """Fetch the account's ledger since a time (nanoseconds since the epoch): complete.

        Raises:
            Incomplete: It ended early; the error holds what was got and says where it stopped.
        """
        end = await self.until(until)
        return tuple(await self.converse(self.binance.income(since, end, instrument=instrument, kind=kind)))

    async def countdown_cancel_all(self, instrument: Instrument, countdown_ms: int) -> int:
        """Have all open orders of an instrument cancelled unless this is said again in time; 0 stops it."""
        return await self.converse(self.binance.countdown_cancel_all(instrument, countdown_ms))


class BinanceFuturesUsdExecution(BinanceFuturesClient):
    """An account on Binance USD-M futures."""

    MARKET: Market = Market.USD_M
    binance: BinanceUsdMVenue

    def make_venue(self, config: BinanceConfig) -> BinanceUsdMVenue:
        """See `BinanceClient.make_venue`."""
        return BinanceUsdMVenue(
            Market.USD_M.exchange, config.environment, config.credentials, **_options(config)
        )


class BinanceFuturesCoinExecution(BinanceFuturesClient):
    """An account on Binance COIN-M futures."""

    MARKET: Market = Market.COIN_M
    binance: BinanceCoinMVenue

    def make_venue(self, config: BinanceConfig) -> BinanceCoinMVenue:
        """See `BinanceClient.make_venue`."""
        return BinanceCoinMVenue(
            Market.COIN_M.exchange,
            config.environment,
            config.credentials,
            conditional_over_algo=config.conditional_over_algo,
            **_options(config),
        )


def _options(config: BinanceConfig) -> dict[str, Any]:
    """Return what all venues are given of a configuration."""
    return {
        "account": config.account,
        "prefix": config.client_id_prefix,
        "base_url": config.base_url,
        "ws_api_url": config.ws_api_url,
        "recv_window": config.receive_window,
        "timeout_ns": config.timeout_ns,
    }


class BinanceExecution:
    """Chooses the client of a market."""

    @staticmethod
    def new_with_config(
        config: BinanceConfig, *, network: Network | None = None, clock: Clock | None = None
    ) -> BinanceSpotExecution | BinanceFuturesUsdExecution | BinanceFuturesCoinExecution:
        """Return the client of the configuration's market."""
        if config.market is Market.USD_M:
            return BinanceFuturesUsdExecution(config, network=network, clock=clock)
        if config.market is Market.COIN_M:
            return BinanceFuturesCoinExecution(config, network=network, clock=clock)
        return BinanceSpotExecution(config, network=network, clock=clock)
