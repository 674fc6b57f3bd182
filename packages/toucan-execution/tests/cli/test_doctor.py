"""``doctor``: a line for each check, good and bad, and nothing is changed."""

from __future__ import annotations

import json
import time

import pytest

from toucan_execution.mock import MockFault
from toucan_execution.outcome import Reason


def checks(result):
    return {row["check"]: row for row in map(json.loads, result.stdout.splitlines())}


def test_a_sound_account_is_well(spot) -> None:
    result = spot.run("doctor")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    names = ["key", "rest", "clock", "instruments", "permissions", "stream", "weight"]
    assert [line.split()[1] for line in lines][:7] == names
    assert all(line.startswith("ok ") for line in lines)
    assert "hmac, from the environment's variables" in lines[0]
    assert "give or take" in lines[2]
    assert "in sync" in lines[5]
    assert result.stderr == "binance-spot testnet: all is well\n"
    assert not spot.open_ids


def test_json_has_a_check_a_line(usd_m) -> None:
    found = checks(usd_m.run("doctor", "--json"))
    assert found["clock"]["ok"] is True
    assert found["clock"]["type"] == "Check"
    assert "one-way mode" in found["permissions"]["said"]


def test_a_venue_out_of_reach_is_bad(spot, monkeypatch) -> None:
    monkeypatch.setattr("toucan_execution.cli.doctor.READY_S", 0.05)
    spot.plans.append(lambda client: setattr(client, "offline", True))
    result = spot.run("doctor", "--json")
    assert result.exit_code == 1
    found = checks(result)
    bad = {name for name, row in found.items() if not row["ok"]}
    assert bad == {"rest", "instruments", "permissions", "stream"}
    assert "bad: rest, instruments, permissions, stream" in result.stderr


def test_a_key_that_is_refused_is_bad(spot) -> None:
    def plan(client) -> None:
        client.fail_next(
            MockFault.REFUSE, of="account", times=99, reason=Reason.AUTHENTICATION, message="bad key"
        )

    spot.plans.append(plan)
    found = checks(spot.run("doctor", "--json"))
    assert found["rest"]["ok"]
    assert not found["permissions"]["ok"]
    assert "bad key" in found["permissions"]["said"]
    assert not found["stream"]["ok"]


def test_a_key_that_may_not_trade_is_bad(spot) -> None:
    spot.engine.set_can_trade("main", allowed=False)
    result = spot.run("doctor")
    assert result.exit_code == 1
    assert "bad  permissions  the key may read; MAY NOT trade" in result.stdout


@pytest.mark.parametrize("ahead_s", [-5, 5])
def test_a_clock_that_is_wrong_is_bad(spot, monkeypatch, ahead_s: int) -> None:
    real = time.time_ns
    monkeypatch.setattr("toucan_execution.cli.doctor.time.time_ns", lambda: real() + ahead_s * 10**9)
    found = checks(spot.run("doctor", "--json"))
    assert not found["clock"]["ok"]
    word = "ahead of" if ahead_s > 0 else "behind"
    assert f"ms {word} the venue's" in found["clock"]["said"]
