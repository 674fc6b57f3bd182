"""``balances``, ``positions``, ``orders`` and ``trades`` on a paper exchange."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from toucan_execution.cli.app import program
from toucan_execution.errors import Incomplete
from toucan_execution.mock import MockFault
from toucan_execution.outcome import Reason
from toucan_instrument import Side
from toucan_instrument.errors import RequestFailed


def rows(result):
    return [json.loads(each) for each in result.stdout.splitlines()]


def test_balances_are_exact(spot) -> None:
    spot.place("main", Side.BUY, "50000.00", "0.010")
    result = spot.run("balances")
    assert result.exit_code == 0, result.output
    [line] = result.stdout.splitlines()
    assert line.split("\t")[0] == "USDT"
    assert line.split("\t")[1].startswith("100000.5")
    assert result.stderr == "1 asset in binance-spot testnet\n"
    [balance] = rows(spot.run("balances", "--json", "--account", "mine"))
    assert (balance["type"], balance["asset"]) == ("Balance", "USDT")
    assert float(balance["locked"]) == 500


def test_open_orders_are_shown_of_one_symbol_or_of_all(spot) -> None:
    spot.place("main", Side.BUY, "50000.00", "0.010", "hand-1")
    for args in ((), ("BTC/USDT",), ("btcusdt",)):
        result = spot.run("orders", *args)
        assert result.exit_code == 0, result.output
        cells = result.stdout.rstrip("\n").split("\t")
        assert cells[:3] == ["BTC/USDT", "buy", "limit"]
        assert cells[-1] == "hand-1"
        assert result.stderr == "1 open order in binance-spot testnet\n"
    [order] = rows(spot.run("orders", "--json"))
    assert (order["type"], order["client_order_id"], order["status"]) == ("limit", "hand-1", "open")


def test_a_misspelt_symbol_is_refused_with_near_ones(spot) -> None:
    result = spot.run("orders", "BTC/USTD")
    assert result.exit_code == 2
    assert "BTC/USDT" in result.stderr
    assert "Traceback" not in result.output


def test_positions_are_of_futures_alone(spot, usd_m) -> None:
    refused = spot.run("positions")
    assert refused.exit_code == 2
    assert "usd-m, coin-m" in refused.stderr
    assert usd_m.run("positions").stderr == "0 positions in binance-usd-m testnet\n"
    usd_m.other(Side.SELL, "50000.0", "0.010")
    usd_m.place("main", Side.BUY, "50000.0", "0.010")
    result = usd_m.run("positions", "BTC/USDT:USDT")
    assert result.exit_code == 0, result.output
    assert result.stdout.split("\t")[:3] == ["BTC/USDT:USDT", "both", "0.010"]
    [position] = rows(usd_m.run("positions", "--json"))
    assert (position["quantity"], position["type"]) == ("0.010", "Position")


def test_trades_are_all_fills_since_a_time(spot) -> None:
    spot.other(Side.SELL, "50000.0", "0.010")
    spot.place("main", Side.BUY, "50000.0", "0.010")
    result = spot.run("trades", "BTC/USDT", "--since", "1h")
    assert result.exit_code == 0, result.output
    cells = result.stdout.rstrip("\n").split("\t")
    assert cells[1:5] == ["BTC/USDT", "buy", "0.010", "50000.0"]
    assert "taker" in cells
    assert len(rows(spot.run("trades", "BTC/USDT", "--json"))) == 1
    assert spot.run("trades", "BTC/USDT", "--since", "2001-01-01", "--until", "2001-01-02").stdout == ""
    wrong = spot.run("trades", "BTC/USDT", "--since", "yesterday")
    assert (wrong.exit_code, "is no time" in wrong.stderr) == (2, True)


def test_a_history_that_ends_early_shows_what_there_is_and_fails(spot, monkeypatch) -> None:
    spot.other(Side.SELL, "50000.0", "0.010")
    spot.place("main", Side.BUY, "50000.0", "0.010")

    def plan(client) -> None:
        whole = client.fetch_trades

        async def cut(*args):
            error = RequestFailed("no answer", method="GET", url="https://x/trades", sent=None)
            raise Incomplete("trades", got=await whole(*args), stopped_at_ns=10**18, error=error)

        monkeypatch.setattr(client, "fetch_trades", cut)

    spot.plans.append(plan)
    result = spot.run("trades", "BTC/USDT")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert "complete up to 2001-09-09 01:46:40.000 UTC alone" in result.stderr


def test_a_network_or_a_venue_that_refuses_is_code_3(spot) -> None:
    spot.plans.append(lambda client: setattr(client, "offline", True))
    result = spot.run("balances")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ")
    spot.plans[:] = [
        lambda client: client.fail_next(MockFault.REFUSE, of="balances", reason=Reason.UNAVAILABLE, times=9)
    ]
    refused = spot.run("balances")
    assert refused.exit_code == 3, refused.output
    assert "refused on request" in refused.stderr


@pytest.mark.parametrize("command", ["balances", "positions", "orders", "watch", "doctor"])
def test_where_to_trade_has_no_default(spot, command: str) -> None:
    result = CliRunner().invoke(program, [command], env={**spot.secrets, "TOUCAN_ENVIRONMENT": ""})
    assert result.exit_code == 2
    assert "TOUCAN_ENVIRONMENT" in result.stderr
    assert not spot.configs
