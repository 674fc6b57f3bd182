"""``order``: what is sent, what is asked before, and what each outcome ends with."""

from __future__ import annotations

import json
import os
import signal
import sys
from decimal import Decimal

import pytest

from toucan_execution.mock import MockFault
from toucan_instrument import Side


def rows(result):
    return [json.loads(each) for each in result.stdout.splitlines()]


LIMIT = ("order", "buy", "BTC/USDT", "0.010", "--price", "50000.0")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")


def test_an_order_is_placed_once_and_its_outcome_written(spot) -> None:
    result = spot.run(*LIMIT, "--post-only")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("accepted: buy BTC/USDT limit at 50000.0")
    [order] = spot.engine.open_orders("main")
    assert order.post_only
    assert (order.price, order.quantity) == (Decimal(50000), Decimal("0.010"))
    assert order.client_order_id.startswith("toucan-")
    assert order.client_order_id in result.stdout
    assert "[y/N]" not in result.stderr  # a testnet's money is nobody's


def test_json_has_the_whole_outcome(spot) -> None:
    spot.other(Side.SELL, "50000.0", "0.010")
    [outcome] = rows(spot.run(*LIMIT, "--json", "--client-id", "mine-1"))
    assert (outcome["type"], outcome["client_order_id"]) == ("Accepted", "mine-1")
    assert outcome["order"]["status"] == "filled"
    assert outcome["fills"][0]["price"] == "50000.0"
    assert outcome["intent"]["instrument"] == "BTC/USDT"


def test_every_option_arrives(spot, usd_m) -> None:
    stop = usd_m.run(
        "order", "sell", "BTC/USDT:USDT", "0.010", "--type", "stop-limit", "--price", "40000.0",
        "--trigger-price", "41000.0", "--trigger-by", "mark", "--tif", "gtc", "--stp", "expire-maker",
        "--price-protect", "--json", "--yes",
    )  # fmt: skip
    [outcome] = rows(stop)
    intent = outcome["intent"]
    assert (intent["side"], intent["trigger_price"], intent["trigger_by"]) == ("sell", "41000.0", "mark")
    assert (intent["time_in_force"], intent["self_trade_prevention"]) == ("gtc", "expire_maker")
    assert intent["price_protect"] is True
    market = spot.run("order", "buy", "BTC/USDT", "--type", "market", "--quote-quantity", "50", "--json")
    assert rows(market)[0]["intent"]["quote_quantity"] == "50"
    pegged = spot.run("order", "buy", "BTC/USDT", "1", "--peg", "primary", "--peg-levels", "2", "--json")
    assert rows(pegged)[0]["intent"]["peg"]["levels"] == 2


def test_a_broken_rule_is_a_rejection_that_was_never_sent(spot) -> None:
    result = spot.run("order", "buy", "BTC/USDT", "0.0105", "--price", "50000.05")
    assert result.exit_code == 1
    first, *rules = result.stdout.splitlines()
    assert first.startswith("rejected: filter: ")
    assert first.endswith("(nothing was sent)")
    assert any("tick_size" in each and "nearest legal" in each for each in rules)
    assert not spot.open_ids


def test_a_refusal_of_the_venue_is_a_rejection(spot) -> None:
    result = spot.run("order", "buy", "BTC/USDT", "100", "--price", "50000.0", "--json")
    assert result.exit_code == 1
    [outcome] = rows(result)
    assert (outcome["type"], outcome["reason"], outcome["sent"]) == ("Rejected", "insufficient_balance", True)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("order", "buy", "BTC/USDT", "0.010"), "price"),
        (("order", "hold", "BTC/USDT", "0.010"), "buy, sell"),
        (("order", "buy", "BTC/USDT", "1e400"), "no price or quantity"),
        (("order", "buy", "BTC/USDT", "0.010", "--type", "iceberg"), "stop-market"),
        (("order", "buy", "BTC/USDT", "0.010", "--price", "1", "--peg-levels", "1"), "--peg"),
        (("order", "buy", "BTC/USTD", "0.010", "--price", "1"), "BTC/USDT"),
        (
            ("order", "buy", "BTC/USDT", "0.010", "--price", "1", "--client-id", "no spaces"),
            "client_order_id",
        ),
        (("order", "buy", "BTC/USDT", "0.010", "--price", "1", "--prefix", "a-b"), "prefix"),
        (("order", "buy", "BTC/USDT", "0.010", "--price", "1", "--url", "ftp://x"), "--url"),
        (("order", "buy", "BTC/USDT", "0.010", "--price", "1", "--ws-url", "http://x"), "--ws-url"),
    ],
)
def test_a_wrong_command_is_refused_and_nothing_is_sent(spot, args, said: str) -> None:
    result = spot.run(*args)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not spot.open_ids


def test_a_live_order_is_asked_for(spot) -> None:
    result = spot.run(*LIMIT, "--account", "savings", live=True, stdin="y\n")
    assert result.exit_code == 0, result.output
    question = result.stderr.splitlines()[0]
    assert question == (
        "Send a LIVE order to binance-spot live, account savings: "
        "buy 0.010 of BTC/USDT limit at 50000.0 (worth 500 USDT)? [y/N]"
    )
    assert len(spot.open_ids) == 1


@pytest.mark.parametrize(
    ("stdin", "code", "said"),
    [("n\n", 1, "nothing was sent"), ("\n", 1, "nothing was sent"), ("", 2, "nobody answered")],
)
def test_a_live_order_that_nobody_agrees_to_is_not_sent(spot, stdin: str, code: int, said: str) -> None:
    result = spot.run(*LIMIT, live=True, stdin=stdin)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert result.stdout == ""
    assert not spot.open_ids


def test_yes_sends_without_asking(spot) -> None:
    result = spot.run(*LIMIT, "--yes", live=True)
    assert result.exit_code == 0, result.output
    assert "[y/N]" not in result.stderr
    assert len(spot.open_ids) == 1


def test_a_test_order_is_checked_and_not_placed(spot) -> None:
    result = spot.run(*LIMIT, "--test", live=True)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("accepted: ")
    assert not spot.open_ids
    assert spot.run("order", "buy", "BTC/USDT", "100", "--price", "50000.0", "--test").exit_code == 1


def test_an_unknown_outcome_is_code_4_and_names_the_order(spot) -> None:
    spot.plans.append(lambda client: client.fail_next(MockFault.REPLY_LOST, of="place order"))
    result = spot.run(*LIMIT, "--settle", "0")
    assert result.exit_code == 4, result.output
    assert result.stdout.startswith("unknown: order client id toucan-")
    assert spot.open_ids[0] in result.stdout
    assert "may have been done" in result.stdout


def test_an_unknown_outcome_is_found_out(spot) -> None:
    spot.plans.append(lambda client: client.fail_next(MockFault.REPLY_LOST, of="place order"))
    result = spot.run(*LIMIT, "--json")
    assert result.exit_code == 0, result.output
    assert [row["type"] for row in rows(result)] == ["Accepted"]
    assert "finding out" in result.stderr
    assert len(spot.open_ids) == 1


def test_what_cannot_be_found_out_in_time_stays_unknown(spot) -> None:
    spot.plans.append(lambda client: client.fail_next(MockFault.REQUEST_LOST, of="place order"))
    result = spot.run(*LIMIT, "--json", "--settle", "0.05")
    assert result.exit_code == 4, result.output
    assert [row["type"] for row in rows(result)] == ["Unknown"]


def test_what_never_left_is_a_rejection(spot) -> None:
    spot.plans.append(lambda client: client.fail_next(MockFault.NOT_SENT, of="place order"))
    result = spot.run(*LIMIT)
    assert result.exit_code == 1
    assert result.stdout.startswith("rejected: not-sent: ")


@posix
def test_ctrl_c_while_an_order_is_on_its_way_says_that_nobody_knows(spot) -> None:
    # The exchange has it, and the answer is still under way.
    spot.plans.append(lambda client: setattr(client, "latency_ns", 100_000_000))
    spot.engine.listen("main", lambda _: os.kill(os.getpid(), signal.SIGINT))
    result = spot.run(*LIMIT, "--json")
    assert result.exit_code == 4, result.output
    [outcome] = rows(result)
    assert outcome["type"] == "Unknown"
    assert outcome["client_order_id"] == spot.open_ids[0]


@posix
def test_ctrl_c_before_anything_was_sent_says_so(spot) -> None:
    def interrupt(client) -> None:
        client.latency_ns = 10_000_000_000
        os.kill(os.getpid(), signal.SIGINT)

    spot.plans.append(interrupt)
    result = spot.run(*LIMIT)
    assert result.exit_code == 130, result.output
    assert "nothing was sent" in result.stderr
    assert not spot.open_ids
