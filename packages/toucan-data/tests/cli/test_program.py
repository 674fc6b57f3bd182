"""The program as a whole: help, the missing extra, bad input, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toucan_data.cli.app import program
from toucan_data.cli.market import KINDS
from toucan_data.kinds import ALL_KINDS
from toucan_data.registry import VENUES, venue_class
from toucan_data.support import support

COMMANDS = ("ask", "book", "decode", "demo", "instruments", "venues", "watch")


def run(*args: str) -> Result:
    return CliRunner().invoke(program, list(args))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_python_m_is_the_same_program() -> None:
    command = [sys.executable, "-m", "toucan_data", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str, tmp_path: Path) -> None:
    # What `find_spec` does not find is not installed, as far as the program can tell.
    program_text = (
        "import importlib.util as u, sys\n"
        "found = u.find_spec\n"
        f"u.find_spec = lambda name, *rest: None if name == {missing!r} else found(name, *rest)\n"
        "from toucan_data.cli import main\n"
        "assert not {'click', 'rich'} & set(sys.modules)\n"
        "main()\n"
    )
    command = [sys.executable, "-W", "error", "-c", program_text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == 2
    assert "toucan-data[cli]" in done.stderr
    assert missing in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["watch", "binance", "BTC/USDT"], "binance-us-spot"),
        (["watch", "binance-spot"], "SYMBOL"),
        (["watch", "binance-spot", "BTC/USDT", "--kind", "trade"], "did you mean trades"),
        (["watch", "binance-spot", "BTC/USDT", "--kind", "trades:5"], "candles:1m"),
        (["watch", "binance-spot", "BTC/USDT", "--kind", "candles:7m", "--unchecked"], "15m"),
        (["watch", "binance-spot", "BTCUSDT", "--kind", "marks", "--unchecked"], "OrderBooksL1"),
        (["watch", "binance-spot", "BTCUSDT", "BTCUSDT", "--unchecked"], "subscribed already"),
        (["ask", "binance-spot", "BTC/USDT"], "--kind"),
        (["ask", "binance-spot", "BTC/USDT", "--kind", "candle"], "did you mean candles"),
        (["ask", "binance-spot", "BTC/USDT", "--kind", "candles:1h", "--start", "noon"], "noon"),
        (["watch", "binance-spot", "BTCUSDT", "--kind", "l2:7", "--unchecked"], "5, 10, 20"),
        (["watch", "binance-spot", "BTCUSDT", "--ws-url", "http://x"], "ws_url"),
        (["watch", "binance-us-spot", "BTCUSDT", "--environment", "demo"], "environment"),
        (["watch", "binance-spot", "BTCUSDT", "--proxy", "nonsense", "--unchecked"], "proxy"),
        (["watch", "binance-spot", "BTCUSDT", "--seconds", "-1"], "--seconds"),
        (["book", "binance-spot", "BTCUSDT", "--unchecked", "--snapshot-levels", "7"], "5000"),
        (["demo", "--capture", "no-such-folder"], "no-such-folder"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_command_is_refused_with_what_is_accepted(args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_network_that_refuses_is_code_3() -> None:
    dead = ["--ws-url", "ws://127.0.0.1:1", "--rest-url", "http://127.0.0.1:1"]
    result = run("instruments", "binance-spot", *dead)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.output


def test_streams_that_never_connect_are_code_3() -> None:
    dead = ["--ws-url", "ws://127.0.0.1:1", "--rest-url", "http://127.0.0.1:1"]
    result = run("watch", "binance-spot", "BTCUSDT", "--unchecked", "--seconds", "0.5", *dead)
    assert result.exit_code == 3, result.output
    assert "there was no connection" in result.stderr


def test_venues_is_generated_from_the_registry() -> None:
    result = run("venues", "--json")
    assert result.exit_code == 0
    rows = [json.loads(each) for each in result.stdout.splitlines()]
    assert [row["venue"] for row in rows] == [exchange.value for exchange in VENUES]
    for exchange, row in zip(VENUES, rows, strict=True):
        offered = {kind.name for kind in venue_class(exchange)().kinds}  # type: ignore[abstract]
        assert set(row["kinds"]) == offered
        assert all(rule["value"] and rule["document"] for rule in row["rules"])
    usd_m = next(row for row in rows if row["venue"] == "binance-usd-m")
    assert any(rule["rule"] == "route /public" and rule["since"] for rule in usd_m["rules"])


def test_every_kind_has_a_word_and_a_row() -> None:
    assert {kind.name for kind in ALL_KINDS} == {kind.name for kind in KINDS.values()}
    for exchange in VENUES:
        assert {kind.name for kind in venue_class(exchange)().kinds} <= set(support()[exchange])  # type: ignore[abstract]


def test_plain_venues_are_without_colours() -> None:
    result = run("venues", "--plain")
    assert "\x1b" not in result.stdout
    assert "  MarkPrices: no" in result.stdout
    assert result.stdout.isascii()


def test_help_does_not_need_a_terminal_or_utf_8() -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "toucan_data", "venues"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout
