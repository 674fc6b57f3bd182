"""Whatever comes, wrapped, listed, unknown or broken: it gives what it says, or what is wrong with it."""

from __future__ import annotations

import string

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from toucan_execution.client.binance.decoder import BinanceAccountDecoder
from toucan_execution.decoding import Outcome
from toucan_execution.events import (
    BalanceUpdate,
    OrderUpdate,
    StreamEnded,
    TransferUpdate,
    UnknownEvent,
    UnreadableEvent,
)
from toucan_execution.orders import OrderOrigin, OrderStatus, OrderType, SelfTradePrevention
from toucan_instrument import Exchange, Instrument, InstrumentKind

PAID = b'{"e":"balanceUpdate","E":3,"a":"BTC","d":"0.1","T":2}'
LISTEN_KEY = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"


def kinds(values):
    return [type(value) for value in values]


@pytest.mark.parametrize(
    "frame",
    [
        PAID,
        b"  " + PAID,
        b'{"subscriptionId":0,"event":' + PAID + b"}",
        b'{"stream":"' + LISTEN_KEY.encode() + b'","data":' + PAID + b"}",
        b'{"stream":"x","data":{"subscriptionId":0,"event":' + PAID + b"}}",
        b"[" + PAID + b"]",
    ],
)
def test_wrappings(spot, frame):
    (event,) = spot.read(frame, 9)
    assert isinstance(event, TransferUpdate)
    decoded = spot.decode(frame, 9)
    assert (decoded.outcome, decoded.values) == (Outcome.EVENTS, (event,))


def test_arrays_give_all_of_their_events(spot, sample):
    frame = b"[" + PAID + b"," + sample.report() + b"]"
    assert kinds(spot.read(frame, 9)) == [TransferUpdate, OrderUpdate]
    assert kinds(spot.decode(frame, 9).values) == [TransferUpdate, OrderUpdate]


def test_an_unknown_event_is_kept_whole(usd, sample):
    frame = b'{"e":"SOMETHING_NEW","E":1700000000003,"T":1700000000001,"x":{"y":[1,2]}}'
    for wrapped in (frame, b'{"stream":"' + LISTEN_KEY.encode() + b'","data":' + frame + b"}"):
        (event,) = usd.read(wrapped, 9)
        assert isinstance(event, UnknownEvent)
        assert (event.name, event.raw, event.time_exchange) == (
            "SOMETHING_NEW",
            frame,
            1700000000001000000,
        )
        assert usd.decode(wrapped, 9).outcome is Outcome.EVENTS
    (nameless,) = usd.read(b'{"hello":1}', 9)
    assert (type(nameless), nameless.name, nameless.time_exchange) == (UnknownEvent, "", None)
    (odd,) = usd.read(b'{"e":"ODD","T":"soon"}', 9)
    assert (odd.name, odd.time_exchange) == ("ODD", None)


def test_an_event_of_another_market_is_not_misread(spot, usd, sample):
    assert kinds(spot.read(sample.updated(), 9)) == [UnknownEvent]
    assert kinds(usd.read(sample.report(), 9)) == [UnknownEvent]


@pytest.mark.parametrize(
    "frame",
    [
        b'{"result":null,"id":1}',
        b'{"id":"a","status":200,"result":{"orderId":5}}',
        b'{"id":7,"status":400,"error":{"code":-2010,"msg":"no"}}',
        b'{"id":null,"status":400,"error":{"code":-1000}}',
    ],
)
def test_answers_are_for_those_who_asked(spot, frame):
    assert spot.read(frame, 9) == []


def test_a_revoked_session_ends_the_stream(spot):
    frame = b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, or permissions."}}'
    (event,) = spot.read(frame, 9)
    assert isinstance(event, StreamEnded)
    assert event.reason == "session revoked: -2015 Invalid API-key, IP, or permissions."
    assert spot.decode(frame, 9).values == (event,)


@pytest.mark.parametrize("frame", [b"", b" ", b"{", b"[", b"nonsense", b'{"e":5}', b'"text"', b"7", b"null",
                                   b"\xff\xfe", b"[1]", b"{" * 4_000, b'{"e":"executionReport"}',
                                   b"[" * 100_000, b'{"event":{"e":"balanceUpdate"}}'])  # fmt: skip
def test_what_cannot_be_read_gives_one_failure(spot, frame):
    (event,) = spot.read(frame, 9)
    assert isinstance(event, UnreadableEvent)
    assert (event.exchange, event.account, event.time_received) == (Exchange.BINANCE_SPOT, "main", 9)
    assert event.error
    assert event.raw == frame[:65_536]


def test_every_cut_gives_one_failure(spot, usd, sample):
    for decoder, frame in ((spot, sample.report()), (usd, sample.updated()), (usd, sample.algo())):
        for end in range(len(frame)):
            assert kinds(decoder.read(frame[:end], 9)) == [UnreadableEvent]
            assert decoder.decode(frame[:end], 9).outcome is Outcome.FAILED


def test_one_bad_number_fails_the_message_and_names_the_field(spot, sample):
    (event,) = spot.read(sample.report(q="NaN"), 9)
    assert isinstance(event, UnreadableEvent)
    assert event.error == "executionReport: q is no number of a size that an amount has"
    (event,) = spot.read(sample.report(S="HOLD"), 9)
    assert event.error == "side: neither BUY nor SELL"


@pytest.mark.parametrize(
    "frame",
    [
        b'{"stream":"%s","data":{"e":"balanceUpdate","a":5}}',
        b'{"stream":"%s","data":{"e":"balanceUpd',
        b'{"stream" : "%s',
        b'{"e":"listenKeyRenewed","listenKey":"%s"}',
        b'{"e":"listenKeyExpired","listenKey":"%s","E":"soon"}',
        b'{"id":1,"status":200,"result":{"apiKey":"%s"},"rateLimits":{}}x',
        b'{"a":1,"signature":"%s"}',
    ],
)
def test_no_secret_is_kept(usd, frame):
    frame = frame.replace(b"%s", LISTEN_KEY.encode())
    for values in (usd.read(frame, 9), usd.decode(frame, 9).values):
        for value in values:
            assert LISTEN_KEY not in repr(value) + value.to_json().decode()
            assert LISTEN_KEY.encode() not in value.raw


def test_instruments_come_from_the_caller(sample):
    known = Instrument(
        exchange=Exchange.BINANCE_SPOT, symbol="ETHBTC", kind=InstrumentKind.SPOT, base="ETH", quote="BTC"
    )
    asked = []

    def instrument_of(symbol):
        asked.append(symbol)
        return known

    decoder = BinanceAccountDecoder(Exchange.BINANCE_SPOT, instrument_of=instrument_of)
    (event,) = decoder.read(sample.report(), 9)
    assert event.order.instrument is known
    assert set(asked) == {"ETHBTC"}
    assert event.origin is OrderOrigin.FOREIGN


def test_market_data_is_not_offered(spot):
    frame = b'{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true}'
    assert spot.decode(frame, 9).outcome is Outcome.NOT_OFFERED


KEYS = st.text(string.ascii_letters, max_size=4).map(lambda text: f"zz{text}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
EXTRA = st.dictionaries(KEYS | st.sampled_from(["id", "status", "result", "data"]), VALUES, max_size=5)
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(extra=EXTRA)
def test_fields_that_are_not_known_change_nothing(spot, usd, sample, extra):
    assert spot.read(sample.report(**extra), 9) == spot.read(sample.report(), 9)
    known = {key: value for key, value in extra.items() if value is not None}
    assert usd.read(sample.updated(**known), 9) == usd.read(sample.updated(), 9)
    assert usd.read(sample.algo(**extra), 9) == usd.read(sample.algo(), 9)
    plain = sample.account_update("ORDER", [{"a": "USDT", "wb": "1"}])
    assert usd.read(sample.account_update("ORDER", [{"a": "USDT", "wb": "1"} | extra]), 9) == usd.read(
        plain, 9
    )


WORDS = st.text(string.ascii_uppercase + "_", min_size=1, max_size=12).map(lambda text: f"ZZ_{text}")


@quick
@given(word=WORDS)
def test_words_that_are_not_known_survive(spot, usd, sample, word):
    (event,) = spot.read(sample.report(o=word, f=word, x=word, X=word, V=word), 9)
    order = event.order
    assert (order.type, order.status) == (OrderType.UNKNOWN, OrderStatus.UNKNOWN)
    assert (order.status_venue, event.execution) == (word, word)
    assert order.is_open
    assert set(order.unknown_words) == {f"{field}={word}" for field in ("type", "f", "X", "V")}
    (event,) = usd.read(sample.updated(o=word, ot=word, f=word, x=word, X=word, V=word, ps=word, er=word), 9)
    assert event.order.position_side is None
    assert event.order.self_trade_prevention is not SelfTradePrevention.NONE
    assert f"ps={word}" in event.order.unknown_words
    (event,) = usd.read(sample.algo(X=word, o=word, f=word, wt=word), 9)
    assert event.order.status is OrderStatus.UNKNOWN
    (event,) = usd.read(sample.account_update(word, [{"a": "USDT", "wb": "1"}]), 9)
    assert (type(event), event.reason) == (BalanceUpdate, word)
    (event,) = usd.read(msgspec.json.encode({"e": word, "E": 1}), 9)
    assert (type(event), event.name) == (UnknownEvent, word)


@quick
@given(noise=st.binary(max_size=60))
def test_noise_never_raises(spot, usd, noise):
    for decoder in (spot, usd):
        assert isinstance(decoder.read(noise, 9), list)
        assert decoder.decode(noise, 9).outcome in Outcome


@quick
@given(data=st.data())
def test_no_change_of_a_value_raises(spot, usd, sample, data):
    for decoder, frame in ((spot, sample.report()), (usd, sample.updated()), (usd, sample.algo())):
        message = msgspec.json.decode(frame)
        where = message.get("o") if isinstance(message.get("o"), dict) else message
        key = data.draw(st.sampled_from(sorted(where)))
        where[key] = data.draw(VALUES)
        events = decoder.read(msgspec.json.encode(message), 9)
        assert events or where is message
        for event in events:
            event.to_json()
