"""``watch``, ``book`` and ``instruments`` against the exchange on loopback, Ctrl-C included."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from click.testing import CliRunner, Result

from toucan_data.cli.app import program

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")


def run(*args: str) -> Result:
    return CliRunner().invoke(program, list(args))


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(each) for each in result.stdout.splitlines()]


def started(*args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "toucan_data", *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_watch_writes_json_lines_and_a_summary(spot: list[str]) -> None:
    result = run("watch", *spot, "BTC/USDT", "--kind", "trades", "--kind", "l1", "--json", "--count", "20")
    assert result.exit_code == 0, result.output
    types = [row["type"] for row in rows(result)]
    assert types[0] == "Connected"
    assert set(types) == {"Connected", "PublicTrade", "OrderBookL1"}
    assert sum(each != "Connected" for each in types) == 20
    assert result.stderr == "20 events, 0 gaps, 0 reconnects\n"


def test_watch_writes_a_line_an_event_where_nobody_looks(spot: list[str]) -> None:
    result = run("watch", *spot, "BTC/USDT", "--count", "5")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert all(" BTC/USDT " in each for each in lines)
    assert "\x1b" not in result.stdout
    assert "connected: binance-spot/stream/0" in result.stderr


def test_watch_takes_symbols_unchecked(spot: list[str]) -> None:
    result = run("watch", *spot, "btcusdt", "--unchecked", "--kind", "l1", "--count", "2")
    assert result.exit_code == 0, result.output


def test_a_misspelt_symbol_is_refused_with_near_ones(spot: list[str]) -> None:
    result = run("watch", *spot, "BTC/USTD")
    assert result.exit_code == 2
    assert "BTC/USDT" in result.stderr
    assert "Traceback" not in result.output


def test_too_few_events_in_the_time_is_code_1(spot: list[str]) -> None:
    result = run("watch", *spot, "BTC/USDT", "--count", "100000", "--seconds", "0.5")
    assert result.exit_code == 1
    assert "100000 events were wanted" in result.stderr


def test_verbose_logs_to_stderr(spot: list[str]) -> None:
    result = run("watch", *spot, "BTC/USDT", "--json", "--count", "1", "-v")
    assert result.exit_code == 0
    assert "INFO toucan_data: connected venue=binance-spot" in result.stderr
    assert all(row["type"] for row in rows(result))


def test_book_writes_ladders_that_are_in_sync(spot: list[str]) -> None:
    result = run("book", *spot, "BTC/USDT", "--depth", "3", "--count", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    head = next(index for index, each in enumerate(lines) if " in sync, update " in each)
    assert all(" STALE: " in each for each in lines[:head])
    asks, bids = lines[head + 1 : head + 4], lines[head + 4 : head + 7]
    assert all(each.startswith("  ask ") for each in asks)
    assert all(each.startswith("  bid ") for each in bids)
    prices = [float(each.split()[1]) for each in (*asks, *bids)]
    assert prices == sorted(prices, reverse=True)


def test_book_writes_json_and_no_levels_while_it_is_stale(spot: list[str]) -> None:
    result = run("book", *spot, "BTC/USDT", "--depth", "2", "--count", "2", "--json")
    assert result.exit_code == 0, result.output
    books = [row for row in rows(result) if row["type"] == "OrderBook"]
    assert sum(row["state"] == "in sync" for row in books) == 2
    for row in books:
        synced = row["state"] == "in sync"
        assert (len(row["bids"]), len(row["asks"])) == ((2, 2) if synced else (0, 0))


def test_instruments_are_filtered_by_the_catalogue(spot: list[str]) -> None:
    result = run("instruments", *spot, "--quote", "usdt", "--kind", "spot", "--json")
    assert result.exit_code == 0, result.output
    found = rows(result)
    assert found
    assert {row["quote"] for row in found} == {"USDT"}
    assert all(row["rules"]["tick_size"] for row in found)
    assert f"{len(found)} of " in result.stderr
    plain = run("instruments", *spot, "--quote", "usdt", "--top", "1")
    assert plain.exit_code == 0, plain.output
    assert len(plain.stdout.splitlines()) == 1


def test_an_asset_that_nothing_has_is_refused_with_near_ones(spot: list[str]) -> None:
    result = run("instruments", *spot, "--quote", "USTD")
    assert result.exit_code == 2
    assert "USDT" in result.stderr


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["watch", "book"])
def test_ctrl_c_ends_it_clean_and_soon(spot: list[str], command: str, how: signal.Signals) -> None:
    with started(command, *spot, "BTC/USDT", "--json") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(how)
        begun = time.monotonic()
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - begun < 2
        assert process.returncode == 0, err
    assert [each for each in err.splitlines() if each] == err.splitlines()[-1:]
    assert " events, " in err or " event, " in err
    assert "reconnects" in err
    assert all(json.loads(each) for each in out.splitlines())


@posix
def test_ctrl_c_while_nothing_can_be_reached() -> None:
    dead = ("--ws-url", "ws://127.0.0.1:1", "--rest-url", "http://127.0.0.1:1", "--unchecked")
    with started("watch", "binance-spot", "BTCUSDT", "--json", *dead) as process:
        assert process.stdout is not None
        assert "Retrying" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 0
    assert err == "0 events, 0 gaps, 0 reconnects\n"


@posix
def test_a_reader_that_leaves_ends_watch_quietly(spot: list[str]) -> None:
    with started("watch", *spot, "BTC/USDT", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(10) == 0
    assert err == ""


def test_ask_writes_candles_of_the_past(spot: list[str]) -> None:
    window = ("--start", "2026-01-31T12:00:00Z", "--end", "2026-01-31T15:00:00Z")
    result = run("ask", *spot, "BTC/USDT", "--kind", "candles:1h", *window, "--json")
    assert result.exit_code == 0, result.output
    assert {(row["type"], row["interval"], row["closed"]) for row in rows(result)} == {("Candle", "1h", True)}
    assert len(rows(result)) == 3
    result = run("ask", *spot, "BTC/USDT", "--kind", "candles:1h", *window)
    assert len(result.stdout.splitlines()) == 3
    assert all("BTC/USDT candle 1h" in line for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--kind", "interest"), "a venue with it over REST"),
        (("--kind", "funding"), "a venue with it over REST"),
        (("--kind", "trades"), "interest, funding"),
        (("--kind", "candles:7m"), "15m"),
        (("--kind", "interest", "--start", "2026-01-31T12:00:00Z"), "candles:1h"),
    ],
)
def test_ask_refuses_what_is_not_asked_for(spot: list[str], args: tuple[str, ...], said: str) -> None:
    result = run("ask", *spot, "BTC/USDT", *args)
    assert result.exit_code == 2
    assert said in result.stderr
