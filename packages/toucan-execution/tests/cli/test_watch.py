"""``watch``: the stream as lines and as JSON, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from toucan_execution.mock import MockFault
from toucan_execution.outcome import Reason
from toucan_instrument import Side


def rows(result):
    return [json.loads(each) for each in result.stdout.splitlines()]


posix = pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")


def trading(paper):
    """Return a plan that lets the account trade as soon as its client is in sync."""

    def plan(client) -> None:
        ready = client.ready

        async def ready_and_trade() -> None:
            await ready()
            paper.other(Side.SELL, "50000.0", "0.010")
            paper.place("main", Side.BUY, "50000.0", "0.010", "hand-1")
            await asyncio.sleep(0)

        client.ready = ready_and_trade

    return plan


def test_json_lines_begin_with_the_account_and_have_each_event_once(spot) -> None:
    spot.plans.append(trading(spot))
    result = spot.run("watch", "--json", "--seconds", "0.5")
    assert result.exit_code == 0, result.output
    told = rows(result)
    types = [row["type"] for row in told]
    assert "Connected" in types
    assert types.count("AccountSnapshot") == 1
    assert types.count("TradeUpdate") == 1
    [fill] = [row for row in told if row["type"] == "TradeUpdate"]
    assert (fill["price"], fill["client_order_id"], fill["account"]) == ("50000.0", "hand-1", "main")
    events = sum(each not in ("Connected", "Disconnected", "Retrying") for each in types)
    assert result.stderr == f"{events} events, 0 reconnects\n"


def test_lines_are_for_people_and_the_connection_is_told_on_stderr(spot) -> None:
    spot.plans.append(trading(spot))
    result = spot.run("watch", "--seconds", "0.5")
    assert result.exit_code == 0, result.output
    assert "account: 100000.5" in result.stdout
    assert "bought 0.010 of BTC/USDT at 50000.0 taker" in result.stdout
    assert "connected: binance-spot/main/account" in result.stderr
    assert "connected: " not in result.stdout
    assert result.output.isprintable() or "\x1b" not in result.output


def test_it_ends_after_so_many_events(spot) -> None:
    result = spot.run("watch", "--count", "1", "--json")
    assert result.exit_code == 0, result.output
    kinds = [row["type"] for row in rows(result) if row["type"] != "Connected"]
    assert len(kinds) == 1


def test_too_few_events_in_the_time_is_code_1(spot) -> None:
    result = spot.run("watch", "--count", "1000", "--seconds", "0.3")
    assert result.exit_code == 1
    assert "1000 events were wanted" in result.stderr


def test_a_connection_that_never_comes_is_code_3(spot) -> None:
    spot.plans.append(lambda client: setattr(client, "offline", True))
    result = spot.run("watch", "--seconds", "0.3")
    assert result.exit_code == 3
    assert "error: there was no connection: " in result.stderr


def test_a_key_that_the_venue_refuses_ends_it(spot) -> None:
    spot.plans.append(
        lambda client: client.fail_next(
            MockFault.REFUSE, of="account", times=99, reason=Reason.AUTHENTICATION, message="bad key"
        )
    )
    result = spot.run("watch", "--seconds", "20")
    assert result.exit_code == 3, result.output
    assert "bad key" in result.stderr


def test_losses_are_summed_up(spot) -> None:
    def plan(client) -> None:
        ready = client.ready

        async def ready_and_cut() -> None:
            await ready()
            client.disconnect("cut on purpose")

        client.ready = ready_and_cut

    spot.plans.append(plan)
    result = spot.run("watch", "--count", "4", "--seconds", "20")
    assert result.exit_code == 0, result.output
    assert "cut on purpose" in result.stderr
    assert "OUT OF SYNC" in result.stdout
    assert "1 reconnect, losses of sync: 1" in result.stderr.splitlines()[-1]


@posix
def test_ctrl_c_ends_it_well(spot) -> None:
    def plan(client) -> None:
        ready = client.ready

        async def ready_and_leave() -> None:
            await ready()
            os.kill(os.getpid(), signal.SIGINT)

        client.ready = ready_and_leave

    spot.plans.append(plan)
    result = spot.run("watch")
    assert result.exit_code == 0, result.output
    assert "events, 0 reconnects" in result.stderr
