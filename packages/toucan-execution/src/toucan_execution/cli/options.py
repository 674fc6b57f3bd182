"""The options that every command has, and those that name an account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import click

from toucan_execution.client.binance.config import BinanceConfig, Market
from toucan_execution.client.binance.endpoints import ws_api_url
from toucan_execution.client.protocol import ExecutionClient
from toucan_instrument import Environment
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.network import Way, network
from toucan_instrument.console.output import common_options, shown
from toucan_instrument.console.running import run
from toucan_instrument.errors import InvalidInput

__all__ = ["Clients", "MakeClient", "Setup", "account_options", "common", "settle_option", "yes_option"]

R = TypeVar("R")
T = TypeVar("T")

MakeClient: TypeAlias = Callable[[BinanceConfig], ExecutionClient]

ANY_NETWORK = {"http": "ws", "https": "wss"}


def _binance(config: BinanceConfig) -> ExecutionClient:
    from toucan_execution.client.binance.clients import BinanceExecution  # noqa: PLC0415 - loads aiohttp

    return BinanceExecution.new_with_config(config)


class Clients:
    """Makes the client of a command: the exchange's, or as the context's ``obj`` another, such as a mock.

    Args:
        make: Makes a client of a configuration.
    """

    def __init__(self, make: MakeClient = _binance) -> None:
        self.make: MakeClient = make


class Setup:
    """Which account a command is for.

    Args:
        config: The configuration, with the keys.
        make: Makes a client of it.
    """

    def __init__(self, config: BinanceConfig, make: MakeClient) -> None:
        self.config = config
        self._make = make

    @property
    def is_live(self) -> bool:
        """Whether it is about real money."""
        return self.config.environment is Environment.LIVE

    @property
    def place(self) -> str:
        """The market, its environment and the account in words; nothing secret."""
        config = self.config
        account = f", account {shown(config.account)}" if config.account else ""
        where = f" at {shown(config.base_url)}" if config.base_url else ""
        return f"{config.market.exchange.value} {config.environment.value}{where}{account}"

    @asynccontextmanager
    async def client(self) -> AsyncIterator[ExecutionClient]:
        """Make a client that is not started, and close it in the end."""
        client = self._make(self.config)
        try:
            yield client
        finally:
            await client.close()

    def result(self, work: Callable[[ExecutionClient], Coroutine[Any, Any, T]]) -> T:
        """Run some work with a client to its end; Ctrl-C ends the command."""
        found: list[T] = []

        async def whole() -> None:
            async with self.client() as client:
                found.append(await work(client))

        if run(whole()) or not found:
            click.get_current_context().exit(ExitCode.INTERRUPTED)
        return found[0]


def common(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that all have: ``--json``, ``--plain`` and ``-v``."""
    return common_options("toucan_execution", "toucan_instrument")(command)


def yes_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command ``--yes``."""
    return click.option("--yes", is_flag=True, help="Send without asking.")(command)


def settle_option(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command ``--settle``."""
    return click.option(
        "--settle",
        type=click.FloatRange(min=0),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="For how long to find out what became of it where that is unknown.",
    )(command)


def account_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that name an account; it takes a ``setup``."""

    @click.option(
        "--environment",
        type=click.Choice([environment.value for environment in Environment]),
        required=True,
        envvar="TOUCAN_ENVIRONMENT",
        show_envvar=True,
        help="Which of the venue's worlds; there is no default.",
    )
    @click.option(
        "--market",
        type=click.Choice([market.value for market in Market]),
        default=Market.SPOT.value,
        show_default=True,
        envvar="TOUCAN_MARKET",
        show_envvar=True,
        help="Which of the venue's markets.",
    )
    @click.option("--account", default="", metavar="LABEL", help="A label of yours for the account.")
    @click.option(
        "--prefix",
        default="toucan",
        metavar="TEXT",
        show_default=True,
        help="What the client ids of own orders begin with.",
    )
    @click.option("--url", metavar="URL", help="A local exchange's address, as http://HOST:PORT/PATH.")
    @click.option("--ws-url", metavar="URL", help="Its address for streams; else the same place.")
    @click.option(
        "--timeout",
        type=click.FloatRange(min=0.001),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long a request may take.",
    )
    @network
    @wraps(command)
    def wrapped(
        *args: Any,
        environment: str,
        market: str,
        account: str,
        prefix: str,
        url: str | None,
        ws_url: str | None,
        timeout: float,
        way: Way,
        **kwargs: Any,
    ) -> R:
        config = BinanceConfig.from_environment(
            environment=environment,
            market=market,
            account=account,
            client_id_prefix=prefix,
            timeout_ms=max(1, round(timeout * 1000)),
            proxy=way.proxy,
            trust_env=way.trust_env,
            **_addresses(Market(market), Environment(environment), url, ws_url),
        )
        found = click.get_current_context().find_object(Clients) or Clients()
        kwargs["setup"] = Setup(config, found.make)
        return command(*args, **kwargs)

    return wrapped


def _addresses(
    market: Market, environment: Environment, url: str | None, ws_url: str | None
) -> dict[str, Any]:
    """Return where a local exchange is found. What is not named goes to the same host, and nowhere else."""
    found: dict[str, Any] = {}
    if url is not None:
        scheme = _checked("--url", url, tuple(ANY_NETWORK))
        found["base_url"] = url.rstrip("/")
        parts = urlsplit(url)
        ws_url = ws_url or f"{ANY_NETWORK[scheme]}://{parts.netloc}{parts.path.rstrip('/')}"
    if ws_url is not None:
        _checked("--ws-url", ws_url, tuple(ANY_NETWORK.values()))
        base = ws_url.rstrip("/")
        found["stream_url"] = base
        found["ws_api_url"] = base + urlsplit(ws_api_url(market.exchange, environment)).path
    return found


def _checked(field: str, url: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.username is not None:
        raise InvalidInput(
            "that is no address",
            field=field,
            value=url.partition("?")[0].rpartition("@")[2],
            accepted=" or ".join(f"{scheme}://HOST:PORT" for scheme in schemes),
        )
    return parts.scheme
