"""How a Binance client is set up."""

from __future__ import annotations

import os
import ssl as tls
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from toucan_execution.credentials import Credentials, load_credentials, read_environment
from toucan_execution.errors import ConfigError
from toucan_execution.secret import hide
from toucan_instrument import Environment, Exchange, Instrument

__all__ = ["BinanceConfig", "Market", "OrdersOver", "UserData"]

C = TypeVar("C", bound=StrEnum)

MOST_RECEIVE_WINDOW_MS = 60_000


class Market(StrEnum):
    """Which of Binance's markets."""

    SPOT = "spot"
    USD_M = "usd-m"
    COIN_M = "coin-m"

    @property
    def exchange(self) -> Exchange:
        """The exchange id of the market."""
        return _EXCHANGES[self]


_EXCHANGES = {
    Market.SPOT: Exchange.BINANCE_SPOT,
    Market.USD_M: Exchange.BINANCE_USD_M,
    Market.COIN_M: Exchange.BINANCE_COIN_M,
}


class OrdersOver(StrEnum):
    """The way that orders take; what a market lacks on the WebSocket API goes over REST."""

    REST = "rest"
    WEBSOCKET = "websocket"


class UserData(StrEnum):
    """How the account's events are had."""

    AUTO = "auto"
    """Spot: a signed subscription; futures: a listen key."""
    SIGNATURE = "signature"
    """Spot: a subscription that is signed, with any kind of key."""
    SESSION = "session"
    """Spot: a subscription on a session that was logged on, with an Ed25519 key."""
    LISTEN_KEY = "listen_key"
    """Futures; on spot only on hosts that still serve it: the live exchange has answered 410 since
    2026-02-20."""


class BinanceConfig:
    """The configuration of a client. Its repr shows neither key nor secret, and it cannot be pickled.

    Args:
        api_key: The key.
        secret_key: The secret (HMAC), or the private key (RSA, Ed25519) as PEM text or the path of a file.
        base_url: The REST address instead of the environment's, such as of a local exchange.
        testnet: True for the test network, False for the live exchange. Either this or `environment` has
            to be given: live trading is chosen by name, never by omission.
        timeout_ms: How long a request may take, milliseconds.
        market: Spot, USD-M or COIN-M.
        environment: Live, testnet or demo.
        key_kind: ``hmac``, ``rsa`` or ``ed25519``; None recognises it.
        passphrase: Of an encrypted private key.
        receive_window_ms: How old a request may be when the venue gets it, milliseconds; spot allows
            three decimals.
        account: The label of the account: it is on every event, log record and order.
        client_id_prefix: What the ids of this client's orders begin with; `cancel_own` goes by it.
        orders_over: REST or the WebSocket API.
        user_data: How the account's events are had.
        ws_api_url: The address of the WebSocket API instead of the environment's.
        stream_url: The address of the futures' private streams instead of the environment's; a
            ``{listen_key}`` in it is replaced, else the key is appended in the way of the facts.
        instruments: Symbols whose fills are always asked for after a reconnect.
        conditional_over_algo: COIN-M: whether conditional orders go to the algo service first.
        budget_share: The part of the address' request weight that this client keeps to, over 0 up to 1.
        stall_at: How many events may wait for a reader of the stream before it counts as stalled.
        owns_listen_key: Whether this process alone uses the account's listen key, so that it is closed
            with the client; else it never is: that would end every other stream of the account.
        proxy: The address of an HTTP proxy.
        trust_env: Whether to use the proxy that the environment names.
        ssl: Your own TLS context. Certificates are verified unless your context says otherwise.
        prices: Gives a reference price of an instrument for the check of orders before they are sent.

    Raises:
        ConfigError: Which field is wrong, and what would be accepted; never with a secret in it.
    """

    def __init__(
        self,
        api_key: str,
        secret_key: str | os.PathLike[str],
        base_url: str | None = None,
        testnet: bool | None = None,  # noqa: FBT001 - the original's order of arguments
        timeout_ms: int = 10_000,
        *,
        market: Market | str = Market.SPOT,
        environment: Environment | str | None = None,
        key_kind: str | None = None,
        passphrase: str | None = None,
        receive_window_ms: int | str | Decimal = 5_000,
        account: str = "",
        client_id_prefix: str = "toucan",
        orders_over: OrdersOver | str = OrdersOver.REST,
        user_data: UserData | str = UserData.AUTO,
        ws_api_url: str | None = None,
        stream_url: str | None = None,
        instruments: Sequence[str] = (),
        conditional_over_algo: bool = True,
        budget_share: float = 1.0,
        stall_at: int = 10_000,
        owns_listen_key: bool = False,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl: tls.SSLContext | None = None,
        prices: Callable[[Instrument], Decimal | None] | None = None,
    ) -> None:
        # First of all: no error below may find a secret in the variables of this frame.
        api_key, secret_key, passphrase = hide(api_key), hide(secret_key), hide(passphrase)
        self.market: Market = _choice(Market, "market", market)
        self.environment: Environment = _environment(testnet, environment)
        self.credentials: Credentials = load_credentials(
            api_key,
            secret_key,
            kind=key_kind,
            passphrase=passphrase,
            called=("api_key", "secret_key", "passphrase"),
        )
        self.base_url: str | None = base_url
        self.timeout_ns: int = _positive("timeout_ms", timeout_ms) * 1_000_000
        self.receive_window: Decimal = _window(receive_window_ms, self.market)
        self.account: str = account
        self.client_id_prefix: str = client_id_prefix
        self.orders_over: OrdersOver = _choice(OrdersOver, "orders_over", orders_over)
        self.user_data: UserData = self._user_data(_choice(UserData, "user_data", user_data))
        self.ws_api_url: str | None = ws_api_url
        self.stream_url: str | None = stream_url
        self.instruments: tuple[str, ...] = tuple(instruments)
        self.conditional_over_algo: bool = conditional_over_algo
        self.budget_share: float = budget_share
        self.stall_at: int = stall_at
        self.owns_listen_key: bool = owns_listen_key
        self.proxy: str | None = proxy
        self.trust_env: bool = trust_env
        self.ssl: tls.SSLContext | None = ssl
        self.prices: Callable[[Instrument], Decimal | None] | None = prices
        if not 0 < budget_share <= 1:
            raise ConfigError(
                "not a share", field="budget_share", value=budget_share, accepted="over 0, up to 1"
            )

    @classmethod
    def from_environment(
        cls, *, testnet: bool | None = None, environment: Environment | str | None = None, **options: object
    ) -> BinanceConfig:
        """Make a configuration whose keys come from the environment's variables.

        Live: ``BINANCE_API_KEY`` and ``BINANCE_API_SECRET``; testnet and demo: ``BINANCE_TESTNET_…`` and
        ``BINANCE_DEMO_…``; a passphrase in ``…_API_PASSPHRASE``.

        Args:
            testnet: As for the class.
            environment: As for the class; one of the two has to be given.
            options: The other arguments of the class.

        Raises:
            ConfigError: A variable is missing or empty, or as for the class.
        """
        chosen = _environment(testnet, environment)
        key, secret, passphrase = read_environment("BINANCE", chosen)
        arguments: dict[str, object] = {"passphrase": passphrase, **options}
        return cls(key, secret, environment=chosen, **arguments)  # type: ignore[arg-type] # checked there

    def _user_data(self, wanted: UserData) -> UserData:
        spot = self.market is Market.SPOT
        if wanted is UserData.AUTO:
            return UserData.SIGNATURE if spot else UserData.LISTEN_KEY
        if not spot and wanted is not UserData.LISTEN_KEY:
            raise ConfigError(
                f"{self.market.value} has no such subscription",
                field="user_data",
                value=wanted.value,
                accepted="auto or listen_key",
            )
        kind = self.credentials.kind.value
        if wanted is UserData.SESSION and kind != "ed25519":
            raise ConfigError(
                f"a session needs an Ed25519 key, and this one is {kind}",
                field="user_data",
                value=wanted.value,
                accepted="signature",
            )
        return wanted

    def __repr__(self) -> str:
        """Show what is safe to show."""
        return (
            f"BinanceConfig({self.market.value}, {self.environment.value}, account={self.account!r}, "
            f"{self.credentials.kind.value} key)"
        )

    def __reduce__(self) -> str:
        """Refuse to be pickled: a pickle would hold the secret."""
        raise ConfigError("a configuration holds a secret", field="config", value=repr(self))


def _choice(kind: type[C], field: str, value: C | str) -> C:
    try:
        return kind(value)
    except ValueError as error:
        accepted = ", ".join(each.value for each in kind)
        raise ConfigError("there is no such choice", field=field, value=value, accepted=accepted) from error


def _environment(testnet: bool | None, environment: Environment | str | None) -> Environment:  # noqa: FBT001
    named = None if environment is None else _choice(Environment, "environment", environment)
    accepted = "environment='live', 'testnet' or 'demo' (or testnet=True, testnet=False)"
    if testnet is None and named is None:
        raise ConfigError("where to trade is not chosen", field="environment", value=None, accepted=accepted)
    if testnet is None:
        assert named is not None  # noqa: S101 - for the type checker
        return named
    if not isinstance(testnet, bool):
        raise ConfigError("that is no choice", field="testnet", value=testnet, accepted="True or False")
    chosen = Environment.TESTNET if testnet else Environment.LIVE
    if named is not None and named is not chosen:
        raise ConfigError(
            f"testnet={testnet} says otherwise", field="environment", value=named.value, accepted=accepted
        )
    return chosen


def _positive(field: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ConfigError("that is no length of time", field=field, value=value, accepted="1 or more")
    return value


def _window(value: int | str | Decimal, market: Market) -> Decimal:
    """Read a receive window, facts C.5."""
    try:
        window = Decimal(value) if not isinstance(value, (bool, float)) else Decimal("NaN")
    except (ArithmeticError, TypeError, ValueError):
        window = Decimal("NaN")
    finest = Decimal("0.001") if market is Market.SPOT else Decimal(1)
    if not window.is_finite() or not 0 < window <= MOST_RECEIVE_WINDOW_MS or window % finest:
        raise ConfigError(
            "that is no receive window",
            field="receive_window_ms",
            value=value,
            accepted=f"over 0, up to {MOST_RECEIVE_WINDOW_MS}, in steps of {finest}",
        )
    return window
