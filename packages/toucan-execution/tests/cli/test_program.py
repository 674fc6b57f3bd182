"""The program as a whole: help, the missing extra, where keys come from, where requests go, secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from toucan_execution.cli import sending
from toucan_execution.cli.app import program
from toucan_execution.cli.options import Clients
from toucan_execution.mock import MockFault
from toucan_instrument import Environment
from toucan_instrument.console.exits import ExitCode

COMMANDS = (
    "balances", "cancel", "cancel-all", "decode", "doctor", "order", "orders", "positions", "sandbox",
    "trades", "watch",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(program, [command, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_there_are_no_others() -> None:
    assert sorted(program.commands) == sorted(COMMANDS)


def test_no_option_takes_a_key_or_a_secret() -> None:
    for command in program.commands.values():
        names = {name for parameter in command.params for name in parameter.opts}
        assert not {name for name in names if "key" in name or "secret" in name or "pass" in name}


def test_the_code_for_unknown_is_no_other() -> None:
    assert sending.OUTCOME_UNKNOWN not in {code.value for code in ExitCode}


def test_python_m_is_the_same_program() -> None:
    command = [sys.executable, "-m", "toucan_execution", "--help"]
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
        "from toucan_execution.cli import main\n"
        "assert not {'click', 'rich'} & set(sys.modules)\n"
        "main()\n"
    )
    command = [sys.executable, "-W", "error", "-c", program_text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == 2
    assert "toucan-execution[cli]" in done.stderr
    assert missing in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_missing_keys_are_named_and_not_asked_for() -> None:
    env = {name: "" for name in os.environ if name.startswith("BINANCE")}
    result = CliRunner().invoke(program, ["balances", "--environment", "demo"], env=env)
    assert result.exit_code == 2
    assert "BINANCE_DEMO_API_KEY" in result.stderr
    assert "Traceback" not in result.output


def test_the_environment_may_be_named_by_a_variable(spot) -> None:
    env = {**spot.secrets, "TOUCAN_ENVIRONMENT": "testnet"}
    result = CliRunner().invoke(program, ["balances"], env=env, obj=Clients(spot.make))
    assert result.exit_code == 0, result.output
    assert spot.configs[0].environment is Environment.TESTNET


def test_the_options_reach_the_configuration(usd_m) -> None:
    result = usd_m.run(
        "balances",
        "--account",
        "mine",
        "--prefix",
        "bot",
        "--timeout",
        "2.5",
        "--proxy",
        "http://127.0.0.1:9",
    )
    assert result.exit_code == 0, result.output
    [config] = usd_m.configs
    assert (config.account, config.client_id_prefix, config.timeout_ns) == ("mine", "bot", 2_500_000_000)
    assert (config.market.value, config.proxy, config.base_url) == ("usd-m", "http://127.0.0.1:9", None)
    assert result.stderr.endswith("in binance-usd-m testnet, account mine\n")


@pytest.mark.parametrize("market", ["spot", "usd-m", "coin-m"])
def test_a_local_exchange_is_the_only_place_that_is_asked(spot, market: str) -> None:
    spot.run("balances", "--url", "http://127.0.0.1:8080/", market=market)
    [config] = spot.configs
    assert config.base_url == "http://127.0.0.1:8080"
    assert config.stream_url == "ws://127.0.0.1:8080"
    assert config.ws_api_url is not None
    assert config.ws_api_url.startswith("ws://127.0.0.1:8080/ws-")
    spot.run("balances", "--url", "https://one.example", "--ws-url", "wss://two.example/base", market=market)
    assert spot.configs[1].stream_url == "wss://two.example/base"
    assert str(spot.configs[1].ws_api_url).startswith("wss://two.example/base/ws-")


def test_a_wrong_address_is_refused_without_what_may_be_secret_in_it(spot) -> None:
    result = spot.run("balances", "--url", "http://user:word@host/?token=hidden")
    assert result.exit_code == 2
    assert "word" not in result.output
    assert "hidden" not in result.output


def test_no_secret_is_shown_whatever_happens(spot) -> None:
    # `Paper.run` looks for every key and secret in everything that is written.
    spot.plans.append(lambda client: client.fail_next(MockFault.REPLY_LOST, of="place order"))
    for args in (
        ("order", "buy", "BTC/USDT", "0.010", "--price", "50000.0", "--settle", "0", "-vv"),
        ("order", "buy", "BTC/USDT", "0.010", "--price", "50000.0", "--settle", "0", "--json", "-vv"),
        ("balances", "-vv"),
        ("doctor", "-vv"),
        ("watch", "--seconds", "0.1", "--json", "-vv"),
    ):
        assert spot.run(*args).output
