"""The pytest fixtures, as a user's own project has them: in this process, and in a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal

import pytest
from yarl import URL

from toucan_execution import (
    Accepted,
    BinanceExecution,
    OrderRequest,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    Unknown,
)
from toucan_execution.testing.sandbox import Sandbox, reply_lost

MARKETS = ("spot", "usd-m", "coin-m")
SYMBOL = {"spot": "BTCUSDT", "usd-m": "BTCUSDT", "coin-m": "BTCUSD_PERP"}
LOT = {"spot": "0.010", "usd-m": "0.010", "coin-m": "2"}

PROJECT = """
from decimal import Decimal

import pytest

from toucan_execution import Accepted, BinanceExecution, OrderRequest, OrderType, Side, Unknown
from toucan_execution.testing.sandbox import reply_lost


async def buy(client, price):
    btc = (await client.instruments())["BTCUSDT"]
    return await client.place_order(
        OrderRequest(
            instrument=btc,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("0.01"),
            price=Decimal(price),
        )
    )


async def test_my_bot(sandbox):
    async with BinanceExecution.new_with_config(sandbox.config("spot")) as client:
        await client.ready(10)
        assert isinstance(await buy(client, 50_000), Accepted)
    [order] = sandbox.market("spot").engine.open_orders("main")
    assert order.price == 50_000


async def test_a_lost_reply(make_sandbox):
    sandbox = await make_sandbox(["usd-m"], pace_ms=None, faults=[reply_lost("order")])
    async with BinanceExecution.new_with_config(sandbox.config("usd-m")) as client:
        await client.ready(10)
        outcome = await buy(client, 50_000)
        assert isinstance(outcome, Unknown)
        assert isinstance(await client.settle(outcome, timeout=20), Accepted)


@pytest.mark.parametrize("number", range(2))
async def test_each_has_its_own(sandbox, number):
    assert sandbox.market("spot").engine.open_orders("main" if sandbox.key() else "") == ()


def test_that_needs_none():
    pass
"""
WITHOUT = """
def test_one(sandbox):
    pass


def test_two(make_sandbox):
    pass


def test_that_needs_none():
    pass
"""
LIGHT = """
import sys


def test_it():
    assert "toucan_execution.testing.plugin" in sys.modules
    assert "toucan_execution.testing.sandbox" not in sys.modules
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
BLOCKER = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pytest_asyncio":
            raise ImportError(f"{name} is not installed")


sys.meta_path.insert(0, Blocker())
"""


# In this process.


@pytest.mark.parametrize("market", MARKETS)
async def test_a_sandbox_has_all_markets_and_moves_by_itself(sandbox, market):
    async with BinanceExecution.new_with_config(sandbox.config(market)) as client:
        await client.ready(10)
        instrument = (await client.instruments())[SYMBOL[market]]
        held = sandbox.market(market)
        before = held.tape(SYMBOL[market]).trade_id
        outcome = await client.place_order(
            OrderRequest(
                instrument=instrument, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(LOT[market])
            )
        )
        assert isinstance(outcome, Accepted)
        assert held.tape(SYMBOL[market]).trade_id > before
        [order] = held.engine.orders("main", instrument, 0, 2**63)
        assert order.status is OrderStatus.FILLED


async def test_sandboxes_are_made_as_they_are_wanted(make_sandbox):
    first = await make_sandbox(["spot"], pace_ms=None, symbols={"spot": ["ABCUSDT"]})
    second = await make_sandbox(["usd-m"], pace_ms=None, faults=[reply_lost("order")])
    assert (type(first), list(first.market("spot").instruments)) == (Sandbox, ["ABCUSDT"])
    assert URL(first.rest_url("spot")).port != URL(second.rest_url("usd-m")).port
    assert repr(second).startswith("Sandbox(binance-usd-m at http://127.0.0.1:")
    async with BinanceExecution.new_with_config(second.config("usd-m")) as client:
        await client.ready(10)
        instrument = (await client.instruments())["BTCUSDT"]
        order = OrderRequest(
            instrument=instrument, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal("0.010")
        )
        outcome = await client.place_order(order)
        assert isinstance(outcome, Unknown)
        settled = await client.settle(outcome, timeout=20)
        assert isinstance(settled, Accepted)
        poor = await client.place_order(
            OrderRequest(
                instrument=instrument, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(100),
                price=Decimal(59_000),
            )
        )  # fmt: skip
        assert isinstance(poor, Rejected)


@pytest.fixture
async def kept(make_sandbox):
    """Give an address that only a running sandbox answers at."""
    sandbox = await make_sandbox(["spot"], pace_ms=None)
    return sandbox, URL(sandbox.rest_url("spot")).port


async def test_a_fixture_of_a_user_s_own_may_be_built_on_it(kept):
    sandbox, port = kept
    assert port
    assert sandbox.market("spot").engine.depth(sandbox.market("spot").instruments["BTCUSDT"], 1)[0]


# In a project of its own.


def run(folder, *options, **env):
    """Run pytest in a folder, as its owner would."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-c", "pytest.ini", *options],
        cwd=folder,
        env=settings | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pytest.ini").write_text(INI, "utf-8")
    (tmp_path / "test_mine.py").write_text(PROJECT, "utf-8")
    return tmp_path


def test_a_project_uses_the_fixtures_without_naming_them(project):
    done = run(project, "-p", "no:randomly")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_fixtures_are_listed_with_what_they_are(project):
    done = run(project, "--fixtures")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for name, words in (("sandbox", "all three markets"), ("make_sandbox", "factory of sandboxes")):
        [at] = [number for number, line in enumerate(lines) if line.split()[:1] == [name]]
        assert words in lines[at + 1], lines[at : at + 3]


def test_who_lacks_pytest_asyncio_is_told(project):
    (project / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (project / "blocker.py").write_text(BLOCKER, "utf-8")
    (project / "test_mine.py").write_text(WITHOUT, "utf-8")
    paths = [str(project), *filter(None, [os.environ.get("PYTHONPATH")])]
    plugins = ("-p", "blocker", "-p", "toucan_execution.testing.plugin")
    done = run(project, *plugins, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONPATH=os.pathsep.join(paths))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("need pytest-asyncio: pip install pytest-asyncio") >= 2
    assert "1 passed, 2 errors" in done.stdout


def test_a_plugin_that_is_loaded_loads_nothing_heavy(project):
    (project / "test_mine.py").write_text(LIGHT, "utf-8")
    done = run(project)
    assert done.returncode == 0, done.stdout + done.stderr
