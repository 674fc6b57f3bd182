"""``sandbox``: a local Binance as a process of its own, and another command that trades on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from toucan_execution.cli.app import program

PROGRAM = (sys.executable, "-c", "from toucan_execution.cli import main; main()")


@contextmanager
def served(*options: str) -> Iterator[dict[str, str]]:
    """Run the command, and give the variables that it writes."""
    command = [*PROGRAM, "sandbox", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def trade(variables: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    """Run another command with these variables, and nothing else of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE", "TOUCAN"))}
    done = subprocess.run(
        [*PROGRAM, *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env=clean | variables,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_serves_other_commands_with_nothing_but_its_variables() -> None:
    with served("--market", "spot", "--balance", "spot:USDT=5000", "--seconds", "60") as variables:
        assert variables["TOUCAN_ENVIRONMENT"] == "demo"
        where = ("--url", variables["TOUCAN_SANDBOX_SPOT_REST_URL"])
        [balance] = trade(variables, "balances", *where)
        assert (balance["asset"], balance["total"]) == ("USDT", "5000.00000000")
        order = ("buy", "BTCUSDT", "0.01", "--price", "50000", "--yes")
        [placed] = trade(variables, "order", *order, *where)
        assert placed["type"] == "Accepted"
        [found] = trade(variables, "orders", *where)
        assert found["client_order_id"] == placed["client_order_id"]


def test_several_accounts_and_the_other_kinds_of_keys() -> None:
    options = ("--account", "one", "--account", "two", "--signing", "ed25519", "--market", "usd-m")
    with served(*options, "--seconds", "30") as variables:
        keys = {name for name in variables if name.startswith("BINANCE")}
        assert keys == {
            "BINANCE_DEMO_API_KEY", "BINANCE_DEMO_API_SECRET", "BINANCE_DEMO_TWO_API_KEY",
            "BINANCE_DEMO_TWO_API_SECRET",
        }  # fmt: skip
        assert "PRIVATE KEY" in variables["BINANCE_DEMO_API_SECRET"]
        rest = {name for name in variables if name.endswith("_REST_URL")}
        assert rest == {"TOUCAN_SANDBOX_USD_M_REST_URL"}
        where = ("--market", "usd-m", "--url", variables["TOUCAN_SANDBOX_USD_M_REST_URL"])
        assert trade(variables, "balances", *where)[0]["asset"] == "USDT"


def test_without_json_it_writes_lines_for_a_shell() -> None:
    result = CliRunner().invoke(program, ["sandbox", "--market", "coin-m", "--seconds", "0.01"])
    assert result.exit_code == 0
    *lines, _ = result.stdout.splitlines()
    form = re.compile(r"(export |\$env:)[A-Z0-9_]+ ?= ?'[^']+'")
    assert lines
    assert all(form.fullmatch(line) for line in lines)
    assert "Ctrl-C" in result.stderr


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--symbol", "BTCUSDT"), "--symbol"),
        (("--balance", "spot:USDT"), "--balance"),
        (("--balance", "spot:USDT=many"), "USDT"),
        (("--symbol", "margin:BTCUSDT"), "market"),
    ],
)
def test_what_cannot_be_meant_is_said(options: tuple[str, ...], field: str) -> None:
    result = CliRunner().invoke(program, ["sandbox", "--seconds", "0.01", *options])
    assert result.exit_code == 2
    assert field in result.stderr
