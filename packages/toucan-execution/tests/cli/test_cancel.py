"""``cancel`` and ``cancel-all``: whose orders go, what is asked before, and what is not known after."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from toucan_execution.mock import MockFault
from toucan_execution.outcome import Reason
from toucan_instrument import Side

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")


def rows(result):
    return [json.loads(each) for each in result.stdout.splitlines()]


@pytest.fixture
def filled(spot):
    """A market on which three programs have orders of this account."""
    spot.place("main", Side.BUY, "50000.0", "0.010", "toucan-x-1")
    spot.place("main", Side.BUY, "49000.0", "0.010", "toucan-x-2")
    spot.place("main", Side.BUY, "48000.0", "0.010", "bot-x-1")
    return spot


def test_an_order_is_cancelled_by_its_own_id(filled) -> None:
    result = filled.run("cancel", "BTC/USDT", "--client-id", "toucan-x-1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("accepted: ")
    assert filled.open_ids == ["toucan-x-2", "bot-x-1"]


def test_an_order_is_cancelled_by_the_venues_id(filled) -> None:
    order = filled.engine.open_orders("main")[0]
    [outcome] = rows(filled.run("cancel", "BTC/USDT", "--order-id", order.order_id, "--json"))
    assert (outcome["type"], outcome["order"]["status"]) == ("Accepted", "cancelled")
    assert order.client_order_id not in filled.open_ids


@pytest.mark.parametrize("args", [(), ("--client-id", "a", "--order-id", "1")])
def test_one_id_is_needed(filled, args) -> None:
    result = filled.run("cancel", "BTC/USDT", *args)
    assert result.exit_code == 2
    assert "--client-id and --order-id" in result.stderr
    assert len(filled.open_ids) == 3


def test_an_order_that_nobody_knows_is_a_rejection(filled) -> None:
    result = filled.run("cancel", "BTC/USDT", "--client-id", "nobody-1", "--json")
    assert result.exit_code == 1
    assert rows(result)[0]["reason"] == "unknown_order"


def test_an_order_that_is_over_is_told_with_its_last_state(filled) -> None:
    assert filled.run("cancel", "BTC/USDT", "--client-id", "toucan-x-1").exit_code == 0
    result = filled.run("cancel", "BTC/USDT", "--client-id", "toucan-x-1")
    assert result.exit_code == 1
    assert result.stdout.startswith("rejected: already-closed: ")
    assert "cancelled" in result.stdout


def test_a_cancel_without_an_answer_is_code_4(filled) -> None:
    filled.plans.append(lambda client: client.fail_next(MockFault.REQUEST_LOST, of="cancel"))
    result = filled.run("cancel", "BTC/USDT", "--client-id", "toucan-x-1", "--settle", "0")
    assert result.exit_code == 4, result.output
    assert result.stdout.startswith("unknown: cancel of client id toucan-x-1: ")


def test_cancel_all_says_that_it_takes_everybodys_and_asks(filled) -> None:
    result = filled.run("cancel-all", "BTC/USDT", stdin="n\n")
    assert result.exit_code == 1
    assert "EVERYBODY'S" in result.stderr
    assert len(filled.open_ids) == 3
    agreed = filled.run("cancel-all", "BTC/USDT", stdin="yes\n")
    assert agreed.exit_code == 0, agreed.output
    assert "accepted: all open orders of BTC/USDT" in agreed.stderr
    assert not filled.open_ids


def test_cancel_all_needs_an_answer(filled) -> None:
    result = filled.run("cancel-all", "BTC/USDT", stdin="")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert len(filled.open_ids) == 3


def test_cancel_all_names_the_orders_where_the_venue_does(filled) -> None:
    result = filled.run("cancel-all", "BTC/USDT", "--yes", "--json")
    assert {row["client_order_id"] for row in rows(result)} == {"toucan-x-1", "toucan-x-2", "bot-x-1"}


def test_cancel_all_needs_a_symbol_unless_it_is_about_own_orders(filled) -> None:
    result = filled.run("cancel-all", "--yes")
    assert (result.exit_code, "SYMBOL" in result.stderr) == (2, True)
    assert len(filled.open_ids) == 3


def test_own_leaves_everybody_elses_alone(filled) -> None:
    asked = filled.run("cancel-all", "--own", stdin="n\n")
    assert "begins with toucan-" in asked.stderr
    result = filled.run("cancel-all", "--own", "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert [row["type"] for row in rows(result)] == ["Accepted", "Accepted"]
    assert filled.open_ids == ["bot-x-1"]
    assert filled.run("cancel-all", "BTC/USDT", "--own", "--yes", "--prefix", "bot").exit_code == 0
    assert not filled.open_ids


def test_cancel_all_without_an_answer_is_code_4(filled) -> None:
    filled.plans.append(lambda client: client.fail_next(MockFault.REPLY_LOST, of="cancel all"))
    result = filled.run("cancel-all", "BTC/USDT", "--yes")
    assert result.exit_code == 4, result.output
    assert "may have been cancelled" in result.stderr


def test_cancel_all_that_never_left_is_code_3(filled) -> None:
    filled.plans.append(lambda client: client.fail_next(MockFault.NOT_SENT, of="cancel all"))
    assert filled.run("cancel-all", "BTC/USDT", "--yes").exit_code == 3
    filled.plans[:] = [
        lambda client: client.fail_next(MockFault.REFUSE, of="cancel all", reason=Reason.OTHER)
    ]
    assert filled.run("cancel-all", "BTC/USDT", "--yes").exit_code == 3
    assert len(filled.open_ids) == 3


@posix
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("cancel", "BTC/USDT", "--client-id", "toucan-x-1"), "unknown: cancel of client id toucan-x-1"),
        (("cancel-all", "BTC/USDT", "--yes"), "unknown: interrupted; they may have been cancelled"),
        (("cancel-all", "--own", "--yes"), "unknown: cancel of id 1 client id toucan-x-1"),
    ],
)
def test_ctrl_c_while_a_cancel_is_on_its_way_says_that_nobody_knows(filled, args, said: str) -> None:
    # The exchange has done it, and the answer is still under way.
    filled.plans.append(lambda client: setattr(client, "latency_ns", 100_000_000))
    filled.engine.listen("main", lambda _: os.kill(os.getpid(), signal.SIGINT))
    result = filled.run(*args)
    assert result.exit_code == 4, result.output
    assert said in result.output


@posix
def test_ctrl_c_before_a_cancel_was_sent_says_so(filled) -> None:
    def interrupt(client) -> None:
        client.latency_ns = 10_000_000_000
        os.kill(os.getpid(), signal.SIGINT)

    filled.plans.append(interrupt)
    for args in (("cancel", "BTC/USDT", "--client-id", "toucan-x-1"), ("cancel-all", "BTC/USDT", "--yes")):
        result = filled.run(*args)
        assert result.exit_code == 130, result.output
        assert "nothing was sent" in result.stderr
    assert len(filled.open_ids) == 3
