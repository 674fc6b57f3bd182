"""What Binance's three markets have in common as venues: how calls are written, and what answers mean."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from toucan_execution.account import PositionMode
from toucan_execution.call import Auth, Call, Params, Value
from toucan_execution.client.binance import endpoints, errors, venue_answers as answers
from toucan_execution.client.binance.decoder import BinanceAccountDecoder
from toucan_execution.client.binance.endpoints import OPERATIONS, Op, PrivateForm
from toucan_execution.client.binance.normalise import Scope, unchecked
from toucan_execution.client.binance.requests_check import check, check_instrument
from toucan_execution.client.binance.signing_rules import (
    RecvWindow,
    encode_params,
    signed_query,
    signed_ws_params,
    wire_time,
)
from toucan_execution.credentials import Credentials
from toucan_execution.events import AccountEvent
from toucan_execution.ids import is_own
from toucan_execution.orders import OrderRequest, SelfTradePrevention
from toucan_execution.venue import ExecutionVenue, Verdict
from toucan_instrument import Environment, Exchange, Instrument, Pool
from toucan_instrument.errors import UnsupportedKind, VenueError
from toucan_instrument.exchange.binance import (
    LimitNote,
    connection_pool,
    decode_instruments,
    read_limits,
    request_pool,
    rest_base,
)
from toucan_instrument.link import Lane
from toucan_instrument.rest import Request, Response

__all__ = ["BinanceVenue"]

T = TypeVar("T")

FORM = "application/x-www-form-urlencoded"
IN_BODY = frozenset({"POST", "PUT"})


class BinanceVenue(ExecutionVenue):
    """One of Binance's markets, in one environment, for one account.

    It holds what the venue has said of itself: the instruments with their rules, which self-trade
    prevention they allow, and the account's position mode. All of that comes with the answers.

    Args:
        exchange: Which market.
        environment: Which of its worlds.
        credentials: Who asks, and what signs.
        account: The label that all events carry.
        prefix: What client order ids of this client begin with.
        base_url: The REST address instead of the environment's.
        ws_api_url: The address of the WebSocket API instead of the environment's.
        recv_window: How old a request may be when the venue gets it, milliseconds.
        timeout_ns: How long a request may take.
        instrument_of: Finds an instrument by the venue's symbol and never raises; None: among those that
            `instruments` has brought, else by its spelling.
    """

    def __init__(
        self,
        exchange: Exchange,
        environment: Environment,
        credentials: Credentials,
        *,
        account: str = "",
        prefix: str = "toucan",
        base_url: str | None = None,
        ws_api_url: str | None = None,
        recv_window: RecvWindow = 5_000,
        timeout_ns: int = 10_000_000_000,
        instrument_of: Callable[[str], Instrument] | None = None,
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.account = account
        self.prefix = prefix
        self.position_mode: PositionMode | None = None
        """The account's, as the venue said last; None on spot, and before it has said."""
        self._credentials = credentials
        self._own = base_url or ""
        self._rest_base = (base_url or rest_base(exchange, environment)).rstrip("/")
        self._ws_api_url = ws_api_url or endpoints.ws_api_url(exchange, environment)
        self._recv_window = recv_window
        self._timeout_ns = timeout_ns
        self._operations = OPERATIONS[exchange]
        self._known: dict[str, Instrument] = {}
        self._spelling = unchecked(exchange)
        self._self_trade: dict[str, frozenset[SelfTradePrevention]] = {}
        self._decoder = BinanceAccountDecoder(
            exchange,
            account,
            is_own=lambda client_id: is_own(client_id, prefix),
            instrument_of=instrument_of or self.instrument_of,
        )
        self._scope: Scope = self._decoder.scope

    def __repr__(self) -> str:
        """Show which market, and nothing of the key."""
        return f"{type(self).__name__}({self.environment.value}, account={self.account!r})"

    def instrument_of(self, symbol: str) -> Instrument:
        """Return the instrument of a symbol: with its rules where they are known; it never fails."""
        return self._known.get(symbol) or self._spelling(symbol)

    def learn_mode(self, mode: PositionMode | None) -> None:
        """Remember the account's position mode, if an answer said it."""
        self.position_mode = mode or self.position_mode

    @property
    def recv_window_ns(self) -> int:
        """How long after its time a request is good, nanoseconds."""
        return int(Decimal(self._recv_window) * 1_000_000)

    # What it is.

    @property
    def request_pool(self) -> Pool:
        """See `ExecutionVenue.request_pool`; an address of the user's own has a pool of its own."""
        return request_pool(self.exchange, self.environment).at(self._own)

    @property
    def connection_pool(self) -> Pool:
        """See `ExecutionVenue.connection_pool`; likewise."""
        pool = connection_pool(self.exchange, self.environment)
        return pool.at(self._ws_api_url) if self._own else pool

    @property
    def order_pools(self) -> tuple[Pool, ...]:
        """See `ExecutionVenue.order_pools`; USD-M and COIN-M share them (facts C.4)."""
        pools = endpoints.order_pools(self.exchange, self.environment)
        return tuple(pool.at(self._own) for pool in pools)

    @property
    def ws_api_url(self) -> str:
        """See `ExecutionVenue.ws_api_url`."""
        return self._ws_api_url

    @property
    def batch_limit(self) -> int:
        """See `ExecutionVenue.batch_limit`."""
        return endpoints.BATCH_LIMITS[self.exchange][0]

    @property
    def cancel_batch_limit(self) -> int:
        """See `ExecutionVenue.cancel_batch_limit`."""
        return endpoints.BATCH_LIMITS[self.exchange][1]

    def private_url(self, listen_key: str, *, base: str = "", form: PrivateForm | None = None) -> str:
        """Return the address of a listen key's events, which holds the key; see `endpoints.private_url`."""
        return endpoints.private_url(self.exchange, self.environment, listen_key, base=base, form=form)

    # Calls that all markets have.

    def server_time(self) -> Call[int]:
        """See `ExecutionVenue.server_time`."""
        return self._call(Op.TIME, (), lambda body, _: answers.server_time(body))

    def instruments(self) -> Call[list[Instrument]]:
        """See `ExecutionVenue.instruments`; what the answer says is remembered."""

        def decode(body: bytes, _: int) -> list[Instrument]:
            found, _skipped = decode_instruments(self.exchange, body)
            self._self_trade = answers.allowed_self_trade(body)
            self._known = {each.symbol: each for each in found}
            return found

        return self._call(Op.INSTRUMENTS, (), decode)

    def create_listen_key(self) -> Call[str]:
        """Return the call that makes a listen key, or gives the account's and keeps it for an hour (E.3).

        The result is a secret. On spot only where the host still serves it: else it is `EndpointGone`.
        """
        return self._call(Op.KEY_CREATE, (), lambda body, _: answers.listen_key(body))

    def keep_listen_key(self, listen_key: str = "") -> Call[None]:
        """Return the call that keeps a listen key for another hour; only spot has to be told which (E.3).

        Where the key is gone (-1125) make another, and connect with that.
        """
        return self._call(Op.KEY_KEEP, self._key_params(listen_key), lambda body, _: answers.nothing(body))

    def close_listen_key(self, listen_key: str = "") -> Call[None]:
        """Return the call that ends a listen key, for **all** programs that use the account (E.3)."""
        return self._call(Op.KEY_CLOSE, self._key_params(listen_key), lambda body, _: answers.nothing(body))

    def _key_params(self, listen_key: str) -> Params:
        spot = self.exchange is Exchange.BINANCE_SPOT
        return (("listenKey", listen_key),) if spot and listen_key else ()

    # Checks.

    def check(
        self,
        request: OrderRequest,
        position_mode: PositionMode | None = None,
        *,
        needs_quantity: bool = True,
    ) -> None:
        """See `ExecutionVenue.check`.

        Args:
            request: The order.
            position_mode: The account's; None: as the venue said last.
            needs_quantity: Whether it has to say how much; not the later orders of OPO and OPOCO lists.
        """
        check(
            request,
            position_mode or self.position_mode,
            exchange=self.exchange,
            self_trade=self._self_trade_of(request.instrument),
            needs_quantity=needs_quantity,
        )

    def _self_trade_of(self, instrument: Instrument) -> frozenset[SelfTradePrevention] | None:
        return self._self_trade.get(instrument.symbol)

    def _check_instrument(self, instrument: Instrument) -> tuple[str, Value]:
        """Return the instrument as a parameter, if it is of this market."""
        check_instrument(self.exchange, instrument)
        return ("symbol", instrument.symbol)

    def _unsupported(self, what: str, accepted: str) -> UnsupportedKind:
        return UnsupportedKind(
            f"{self.exchange.value} has no such thing", field="request", value=what, accepted=accepted
        )

    # The wire.

    def _call(
        self,
        op: Op,
        params: Params,
        decode: Callable[[bytes, int], T],
        *,
        everything: bool = False,
        slots: int | None = None,
        lane: Lane | None = None,
    ) -> Call[T]:
        """Return a call by the table: `everything` where no symbol narrows it down."""
        row = self._operations[op]
        return Call(
            name=op.value,
            method=row.method,
            path=row.path,
            decode=decode,
            params=params,
            auth=row.auth,
            weight=row.weight_all if everything and row.weight_all is not None else row.weight,
            free=row.free,
            lane=row.lane if lane is None else lane,
            slots=row.slots if slots is None else slots,
            ws_method=row.ws_method,
            changes=row.changes,
        )

    def url_of(self, call: Call[Any]) -> str:
        """See `ExecutionVenue.url_of`."""
        return self._rest_base + call.path

    def rest_request(self, call: Call[Any], timestamp_ns: int) -> Request:
        """See `ExecutionVenue.rest_request`: all parameters in the query, or all in the body (facts C.6)."""
        text = self._written(call, timestamp_ns)
        headers = {}
        if call.auth is not Auth.NONE:
            headers["X-MBX-APIKEY"] = self._credentials.api_key.reveal()
        url, body = self.url_of(call), b""
        if text and call.method in IN_BODY:
            headers["Content-Type"] = FORM
            body = text.encode("ascii")
        elif text:
            url = f"{url}?{text}"
        return Request(
            method=call.method,
            url=url,
            headers=headers,
            body=body,
            weight=call.weight,
            timeout_ns=self._timeout_ns,
        )

    def _written(self, call: Call[Any], timestamp_ns: int) -> str:
        if call.auth is not Auth.SIGNED:
            return encode_params(call.params)
        return signed_query(
            call.params,
            self._credentials.signer,
            timestamp=wire_time(timestamp_ns),
            recv_window=self._recv_window,
        )

    def ws_frame(self, call: Call[Any], request_id: int, timestamp_ns: int, *, signed: bool = True) -> bytes:
        """See `ExecutionVenue.ws_frame` (facts F.2, F.3)."""
        params = call.params if call.ws_params is None else call.ws_params
        return msgspec.json.encode(
            {
                "id": request_id,
                "method": call.ws_method,
                "params": self._ws_params(call.auth, params, timestamp_ns, signed=signed),
            }
        )

    def _ws_params(self, auth: Auth, params: Params, timestamp_ns: int, *, signed: bool) -> dict[str, Value]:
        if auth is Auth.NONE:
            return dict(params)
        if auth is Auth.KEY:
            return {**dict(params), "apiKey": self._credentials.api_key.reveal()}
        timestamp = wire_time(timestamp_ns)
        if signed:
            return signed_ws_params(
                params,
                self._credentials.api_key,
                self._credentials.signer,
                timestamp=timestamp,
                recv_window=self._recv_window,
            )
        window = Decimal(self._recv_window)
        whole = window == window.to_integral_value()
        # On a session that was logged on the time is still needed (facts F.3).
        return {
            **dict(params),
            "recvWindow": int(window) if whole else format(window, "f"),
            "timestamp": timestamp,
        }

    def order_counts(self, response: Response) -> tuple[tuple[int, int], ...]:
        """See `ExecutionVenue.order_counts`."""
        return errors.order_counts(response.headers)

    def error_of(self, call: Call[Any], request: Request, response: Response) -> VenueError | None:
        """See `ExecutionVenue.error_of`."""
        return errors.error_of(self.exchange, call, request, response)

    def read_limits(self, response: Response) -> LimitNote:
        """See `ExecutionVenue.read_limits`."""
        return read_limits(self.exchange, response)

    def verdict(self, error: VenueError) -> Verdict:
        """See `ExecutionVenue.verdict`."""
        return errors.verdict(self.exchange, error)

    def decode_event(self, frame: bytes, received_ns: int) -> list[AccountEvent]:
        """See `ExecutionVenue.decode_event`."""
        return self._decoder.read(frame, received_ns)
