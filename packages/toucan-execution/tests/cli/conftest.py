"""The real commands on a paper exchange in this process; the keys are made at run time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from click.testing import CliRunner, Result

from toucan_execution.cli.app import program
from toucan_execution.cli.options import Clients
from toucan_execution.client.binance.config import BinanceConfig
from toucan_execution.mock import Engine, MockExecution
from toucan_execution.orders import OrderRequest, OrderType
from toucan_instrument import (
    Exchange,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Side,
    TradingRules,
)

RULES = TradingRules(
    tick_size=Decimal("0.10"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)
MARKETS = {
    "spot": (Exchange.BINANCE_SPOT, InstrumentKind.SPOT, ""),
    "usd-m": (Exchange.BINANCE_USD_M, InstrumentKind.PERPETUAL, "USDT"),
}


class Paper:
    """A paper exchange with some money, and the command line on it.

    Attributes:
        engine: The exchange.
        btc: Its instrument.
        configs: What the clients of the commands were configured with.
        plans: What is done with every client before a command has it.
    """

    def __init__(self, market: str) -> None:
        exchange, kind, settle = MARKETS[market]
        self.market = market
        self.btc = Instrument(
            exchange=exchange,
            symbol="BTCUSDT",
            kind=kind,
            base="BTC",
            quote="USDT",
            settle=settle,
            status=InstrumentStatus.TRADING,
            rules=RULES,
        )
        self.engine = Engine(exchange, [self.btc], now_ns=time.time_ns())
        self.engine.open_account("main")
        self.engine.deposit("main", "USDT", Decimal("100000.50"), time.time_ns())
        self.engine.open_account("other")
        self.engine.deposit("other", "USDT", Decimal(100_000), time.time_ns())
        if market == "spot":
            self.engine.deposit("other", "BTC", Decimal(100), time.time_ns())
        self.configs: list[BinanceConfig] = []
        self.plans: list[Callable[[MockExecution], None]] = []
        self.secrets = {
            "BINANCE_TESTNET_API_KEY": secrets.token_hex(32),
            "BINANCE_TESTNET_API_SECRET": secrets.token_hex(32),
            "BINANCE_API_KEY": secrets.token_hex(32),
            "BINANCE_API_SECRET": secrets.token_hex(32),
        }

    def make(self, config: BinanceConfig) -> MockExecution:
        """Make the client of a command."""
        self.configs.append(config)
        client = MockExecution(
            self.engine, account="main", client_id_prefix=config.client_id_prefix, rng=lambda: 0.0
        )
        for plan in self.plans:
            plan(client)
        return client

    def run(
        self, *args: str, live: bool = False, stdin: str | None = None, market: str | None = None
    ) -> Result:
        """Run a command."""
        command, *rest = args
        where = ["--environment", "live" if live else "testnet", "--market", market or self.market]
        result = CliRunner().invoke(
            program,
            [command, *where, *rest],
            input=stdin,
            env={**self.secrets, "TOUCAN_ENVIRONMENT": "", "TOUCAN_MARKET": ""},
            obj=Clients(self.make),
        )
        assert not [secret for secret in self.secrets.values() if secret in result.output]
        return result

    def other(self, side: Side, price: str, quantity: str) -> None:
        """Let somebody else place a limit order."""
        self.place("other", side, price, quantity)

    def place(self, name: str, side: Side, price: str, quantity: str, client_id: str = "") -> None:
        """Place a limit order by hand."""
        request = OrderRequest(
            instrument=self.btc,
            side=side,
            type=OrderType.LIMIT,
            price=Decimal(price),
            quantity=Decimal(quantity),
            client_order_id=client_id or f"hand-{secrets.token_hex(4)}",
        )
        self.engine.place(name, request, time.time_ns())

    @property
    def open_ids(self) -> list[str]:
        """The client ids of the account's open orders."""
        return [order.client_order_id for order in self.engine.open_orders("main")]


@pytest.fixture
def spot() -> Paper:
    """Give a spot market."""
    return Paper("spot")


@pytest.fixture
def usd_m() -> Paper:
    """Give a futures market."""
    return Paper("usd-m")
