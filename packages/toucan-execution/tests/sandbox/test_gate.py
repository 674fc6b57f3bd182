"""What comes is checked in the venue's order: key, time, signature, parameters, limits (facts C.4 to C.6)."""

from __future__ import annotations

import pytest

from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox.endpoint import Security
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.gate import Incoming
from toucan_execution.testing.sandbox.params import Params

MILLI = 1_000_000
SECOND = 1_000_000_000
MARKETS = ("spot", "usd-m", "coin-m")


def code(outgoing):
    return outgoing.result["code"] if outgoing.failed else None


# Who asks.


def test_a_public_request_needs_nothing(core, make_endpoint):
    answer = core.ask(make_endpoint(security=Security.NONE))
    assert (answer.status, answer.result, answer.failed) == (200, {"account": ""}, False)


@pytest.mark.parametrize("api_key", ["", "wrong key!"])
def test_a_key_is_needed_and_has_a_form(core, make_endpoint, api_key):
    for security in (Security.KEY, Security.SIGNED):
        answer = core.ask(make_endpoint(security=security), api_key=api_key)
        assert (answer.status, answer.result) == (401, {"code": -2014, "msg": "API-key format invalid."})


def test_an_unknown_key_is_refused_before_anything_that_it_signs(core, make_endpoint):
    answer = core.ask(make_endpoint(required=("symbol",)), "timestamp=1", api_key="unknown", sign=False)
    assert (answer.status, code(answer)) == (401, -2015)


def test_a_key_alone_is_enough_where_nothing_is_signed(core, make_endpoint):
    answer = core.ask(make_endpoint(security=Security.KEY, method="POST"))
    assert answer.result == {"account": "main"}
    assert answer.account == "main"


def test_a_signed_request_is_its_account_s(core, make_endpoint):
    assert core.ask(make_endpoint()).result == {"account": "main"}
    assert core.ask(make_endpoint(), key=core.other).result == {"account": "other"}


def test_a_signature_is_needed(core, make_endpoint):
    answer = core.ask(make_endpoint(), sign=False)
    assert (
        answer.result["msg"] == "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
    )
    assert (answer.status, code(answer)) == (400, -1102)


def test_a_signature_of_another_key_is_none(core, make_endpoint):
    answer = core.ask(make_endpoint(), key=core.other, api_key=core.key.api_key)
    assert (answer.status, code(answer)) == (400, -1022)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_key_that_only_reads_does_not_trade(core, make_endpoint, method):
    reader = core.keys.make("main", KeyKind.HMAC, can_trade=False)
    assert core.ask(make_endpoint(), key=reader).result == {"account": "main"}
    assert code(core.ask(make_endpoint(method=method), key=reader)) == -2015
    stream = make_endpoint(method=method, security=Security.KEY)
    assert core.ask(stream, key=reader).result == {"account": "main"}


# When.


def ask_at(core, made, lag_ns, stamp=None, window=None):
    """Ask so much after the request says that it was sent."""
    stamp = core.now_ms if stamp is None else stamp
    query = f"timestamp={stamp}" + (f"&recvWindow={window}" if window is not None else "")
    core.now_ns += lag_ns
    return core.ask(made, query)


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(
    ("lag_ns", "failure"),
    [
        (-1_000 * MILLI, "Timestamp for this request was 1000ms ahead of the server's time."),
        (-1_000 * MILLI + 999_999, "Timestamp for this request was 1000ms ahead of the server's time."),
        (-999 * MILLI, None),
        (0, None),
        (5_000 * MILLI, None),
        (5_001 * MILLI - 1, None),
        (5_001 * MILLI, "Timestamp for this request is outside of the recvWindow."),
    ],
)
def test_a_request_is_good_for_its_receive_window(make_core, make_endpoint, market, lag_ns, failure):
    answer = ask_at(make_core(market), make_endpoint(), lag_ns)
    assert answer.failed == (failure is not None)
    if failure:
        assert (answer.status, answer.result) == (400, {"code": -1021, "msg": failure})


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("window", [0, 1, 60_000])
def test_a_receive_window_is_asked_for(make_core, make_endpoint, market, window):
    assert not ask_at(make_core(market), make_endpoint(), window * MILLI, window=window).failed
    assert code(ask_at(make_core(market), make_endpoint(), (window + 1) * MILLI, window=window)) == -1021


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize(
    ("window", "error"),
    [("60001", -1131), ("99999", -1131), ("100000", -1100), ("-1", -1100), ("1e3", -1100), ("abc", -1100)],
)
def test_a_receive_window_has_its_rules(make_core, make_endpoint, market, window, error):
    assert code(ask_at(make_core(market), make_endpoint(), 0, window=window)) == error


def test_a_receive_window_has_three_decimals_on_spot_alone(make_core, make_endpoint):
    assert not ask_at(make_core(), make_endpoint(), 0, window="6000.346").failed
    assert code(ask_at(make_core(), make_endpoint(), 0, window="6000.3461")) == -1100
    assert code(ask_at(make_core(), make_endpoint(), 0, window="60000.001")) == -1131
    assert code(ask_at(make_core("usd-m"), make_endpoint(), 0, window="6000.346")) == -1100


def test_microseconds_are_microseconds_on_spot(core, make_endpoint):
    micro = core.now_ns // 1_000

    def ask(lag_us, window):
        return ask_at(core, make_endpoint(), 0, micro - lag_us, window)

    assert not ask(0, None).failed
    assert not ask(2_345, "2.345").failed
    assert code(ask(2_346, "2.345")) == -1021
    assert not ask(-999_999, None).failed
    assert "1000ms ahead" in ask(-1_000_000, None).result["msg"]


@pytest.mark.parametrize("market", ["usd-m", "coin-m"])
def test_microseconds_are_the_far_future_on_the_futures(make_core, make_endpoint, market):
    core = make_core(market)
    assert "1000ms ahead" in ask_at(core, make_endpoint(), 0, core.now_ns // 1_000).result["msg"]


@pytest.mark.parametrize(("stamp", "error"), [("", -1102), ("now", -1100), ("1.5", -1100), ("-5", -1021)])
def test_a_timestamp_is_a_whole_number(core, make_endpoint, stamp, error):
    assert code(core.ask(make_endpoint(), f"timestamp={stamp}")) == error


def test_the_last_moment_of_a_request(core):
    gate = core.gate
    assert gate.last_ns(Params({"timestamp": "1000"})) == 6_000 * MILLI
    assert gate.last_ns(Params({"timestamp": "1000", "recvWindow": "1.5"})) == 1_001_500_000
    assert (
        gate.last_ns(Params({"timestamp": "1700000000000001", "recvWindow": "1"}))
        == 1_700_000_000_001_001_000
    )


def test_the_engine_follows_the_clock_and_never_goes_back(core, make_endpoint):
    seen = []
    look = make_endpoint(lambda ask: seen.append((ask.now_ns, ask.server_ns)))
    start = core.now_ns
    core.now_ns = start + 5 * SECOND
    core.ask(look)
    core.now_ns = start + 2 * SECOND
    core.ask(look)
    later = start + 5 * SECOND
    assert seen == [(later, later), (later, start + 2 * SECOND)]


# With which parameters, and in which order it is checked.


def test_parameters_are_checked_where_the_endpoint_says_which(core, make_endpoint):
    made = make_endpoint(required=("symbol", "side"), optional=("price",))
    assert "'side'" in core.ask(made, "symbol=B").result["msg"]
    assert code(core.ask(made, "symbol=B&side=BUY&foo=1")) == -1104
    assert not core.ask(made, "symbol=B&side=BUY&price=1").failed


def test_the_first_thing_that_is_wrong_is_what_is_said(core, make_endpoint):
    made = make_endpoint(required=("symbol",), slots=1)
    old = f"timestamp={core.now_ms - 10_000}"
    gone = core.ask(made, old, api_key="unknown")
    late = core.ask(made, old, key=core.other, api_key=core.key.api_key)
    forged = core.ask(made, key=core.other, api_key=core.key.api_key)
    lacking = core.ask(made)
    assert [code(each) for each in (gone, late, forged, lacking)] == [-2015, -1021, -1022, -1102]
    core.gate.address.ban(core.now_ns, SECOND)
    assert code(core.ask(made, old, api_key="unknown")) == -1003
    assert core.gate.orders_of("main").most == (0, 0)


def test_an_endpoint_s_error_is_the_answer(core, make_endpoint):
    def fail(ask):
        raise ApiError(-2022, "ReduceOnly Order is rejected.", status=409, data={"a": 1})

    answer = core.ask(make_endpoint(fail))
    assert (answer.status, answer.failed, answer.account) == (409, True, "main")
    assert answer.result == {"code": -2022, "msg": "ReduceOnly Order is rejected.", "data": {"a": 1}}


# What it costs.


def test_every_request_counts_whatever_becomes_of_it(core, make_endpoint):
    made = make_endpoint(weight=5)
    for api_key in (None, "unknown", ""):
        core.ask(made, api_key=api_key)
    assert core.gate.address.used == 15


def test_a_success_says_what_is_used(core, make_endpoint):
    answer = core.ask(
        make_endpoint(weight=lambda params: 3 * params.integer("limit"), optional=("limit",)), "limit=4"
    )
    assert answer.headers == {"X-MBX-USED-WEIGHT": "12", "X-MBX-USED-WEIGHT-1M": "12"}
    assert [(row["rateLimitType"], row["count"]) for row in answer.limits] == [("REQUEST_WEIGHT", 12)]


def test_a_cost_that_cannot_be_read_is_one(core, make_endpoint):
    made = make_endpoint(weight=lambda params: params.integer("limit"), optional=("limit",))
    core.ask(made, "limit=many")
    assert core.gate.address.used == 1


def test_a_free_request_costs_nothing_where_it_succeeds(core, make_endpoint):
    made = make_endpoint(weight=4, free=True, required=("symbol",))
    assert core.ask(made, "symbol=B").headers["X-MBX-USED-WEIGHT"] == "0"
    core.ask(made)
    assert core.gate.address.used == 4
    assert core.gate.address.most_used == 4


def test_orders_are_counted_by_account_and_shown(core, make_endpoint):
    made = make_endpoint(slots=lambda params: params.integer("n"), required=("n",))
    answer = core.ask(made, "n=3")
    assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "3"
    assert answer.headers["X-MBX-ORDER-COUNT-1D"] == "3"
    kinds = [(row["rateLimitType"], row["interval"], row["count"]) for row in answer.limits]
    assert kinds == [("ORDERS", "SECOND", 3), ("ORDERS", "DAY", 3), ("REQUEST_WEIGHT", "MINUTE", 1)]
    assert core.ask(made, "n=1", key=core.other).headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert "X-MBX-ORDER-COUNT-10S" not in core.ask(make_endpoint()).headers


def test_too_many_orders_are_not_placed(core, make_endpoint):
    placed = []
    made = make_endpoint(placed.append, slots=60)
    core.now_ns += 4 * SECOND
    core.ask(made)
    answer = core.ask(made)
    assert (answer.status, code(answer), len(placed)) == (429, -1015, 1)
    assert answer.headers["Retry-After"] == "6"
    assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "60"
    core.now_ns += 6 * SECOND
    assert not core.ask(made).failed


def test_429_and_418_say_how_long(core, make_endpoint):
    heavy = make_endpoint(weight=6_000, security=Security.NONE)
    core.now_ns += SECOND + 500 * MILLI
    core.ask(heavy)
    answer = core.ask(heavy)
    assert (answer.status, code(answer), answer.headers["Retry-After"]) == (429, -1003, "59")
    assert answer.times == {
        "serverTime": core.now_ms, "retryAfter": core.now_ms + 58_500
    }  # fmt: skip
    for _ in range(10):
        answer = core.ask(heavy)
    assert (answer.status, answer.headers["Retry-After"]) == (418, "120")
    assert answer.times["retryAfter"] == core.now_ms + 120_000
    assert set(answer.result) == {"code", "msg"}


def test_the_two_futures_markets_share_a_gate_s_limits(make_core, make_endpoint):
    usd, coin = make_core("usd-m"), make_core("coin-m")
    coin.gate, coin.keys = usd.gate, usd.keys
    coin.key = usd.key
    made = make_endpoint(weight=7, slots=2)
    usd.ask(made)
    answer = coin.ask(made)
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "14"
    assert answer.headers["X-MBX-ORDER-COUNT-1M"] == "4"


# On a session.


def on_session(core, made, params, *, session, api_key="", signature=""):
    incoming = Incoming(
        endpoint=made, params=Params(params), session=session, api_key=api_key, signature=signature
    )
    return core.gate.pass_through(core.market, incoming, core.now_ns)


def test_a_session_needs_a_timestamp_and_no_signature(core, make_endpoint):
    session = core.other.api_key
    made = make_endpoint()
    assert on_session(core, made, {"timestamp": core.now_ms}, session=session).result == {"account": "other"}
    assert code(on_session(core, made, {}, session=session)) == -1102
    assert code(on_session(core, made, {"timestamp": core.now_ms - 6_000}, session=session)) == -1021
    key_alone = make_endpoint(security=Security.KEY)
    assert on_session(core, key_alone, {}, session=session).result == {"account": "other"}


def test_a_key_of_a_request_s_own_counts_before_that_of_the_session(core, make_endpoint):
    made, session = make_endpoint(security=Security.KEY), core.other.api_key
    answer = on_session(core, made, {}, session=session, api_key=core.key.api_key)
    assert answer.result == {"account": "main"}
    signed = make_endpoint()
    answer = on_session(core, signed, {"timestamp": core.now_ms}, session=session, api_key=core.key.api_key)
    assert code(answer) == -1102


def test_a_session_may_do_what_its_key_may(core, make_endpoint):
    reader = core.keys.make("main", KeyKind.ED25519, can_trade=False)
    now = {"timestamp": core.now_ms}
    assert on_session(core, make_endpoint(), now, session=reader.api_key).result == {"account": "main"}
    assert code(on_session(core, make_endpoint(method="POST"), now, session=reader.api_key)) == -2015
    core.keys.forget(reader.api_key)
    assert code(on_session(core, make_endpoint(), now, session=reader.api_key)) == -2015


def test_only_an_ed25519_key_logs_on(core):
    core.gate.check_session_key(core.other.api_key)
    with pytest.raises(ApiError) as caught:
        core.gate.check_session_key(core.key.api_key)
    assert caught.value.code == -4056
