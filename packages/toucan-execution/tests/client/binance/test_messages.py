"""Numbers keep their digits, and nothing that is no number passes for one."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_execution.client.binance import messages
from toucan_instrument.errors import PayloadError


class Amount(messages.Wire):
    a: Decimal | None = None
    b: msgspec.Raw = messages.NOTHING
    n: int = 0
    f: bool = False


class Outer(messages.Wire):
    rows: list[Amount]


AMOUNT = messages.decoder_of(Amount)
NUMBERS = st.from_regex(r"(-?[1-9][0-9]{0,19}|0)(\.[0-9]{1,20})?", fullmatch=True)


@given(NUMBERS)
def test_digits_are_kept_quoted_or_not(text):
    for written in (text, f'"{text}"'):
        found = AMOUNT.decode(f'{{"a":{written},"b": {written} }}'.encode())
        assert format(found.a, "f") == text
        assert format(messages.loose(found.b, "b"), "f") == text


@pytest.mark.parametrize("value", ['"NaN"', '"Infinity"', '"-inf"', '"1E+99999999"', "1e400", '"1e-41"'])
def test_what_no_amount_is_cannot_be_read(value):
    frame = f'{{"rows":[{{"a":"1"}},{{"a":{value}}}]}}'.encode()
    with pytest.raises(PayloadError, match=r"a is no number .*\$\.rows"):
        messages.read(messages.decoder_of(Outer), frame, "rows")


@pytest.mark.parametrize("value", ['""', "null", '"INF"', ""])
def test_loose_numbers_may_be_nothing(value):
    assert messages.loose(msgspec.Raw(value.encode()), "b") is None


@pytest.mark.parametrize("value", ['"lots"', "true", '"NaN"', "{}", '"٣"', '"1e99"'])
def test_and_are_numbers_otherwise(value):
    with pytest.raises(PayloadError, match="b cannot be read: that is no number"):
        messages.loose(msgspec.Raw(value.encode()), "b")


def test_ints_and_booleans_may_be_quoted():
    found = AMOUNT.decode(b'{"n":"20","f":"true"}')
    assert (found.n, found.f, found.a) == (20, True, None)


def test_what_is_there_and_what_is_not():
    assert not messages.given(Amount().b)
    assert not messages.given(AMOUNT.decode(b'{"b":null}').b)
    assert messages.given(AMOUNT.decode(b'{"b":{}}').b)


@pytest.mark.parametrize(
    "frame", [b"", b"{", b'{"a":"1"}}', b'{"a":"\xff"}', b"[" * 5_000 + b"]" * 5_000, b'{"a":' * 3_000]
)
def test_reading_says_what_was_meant_to_be_there(frame):
    with pytest.raises(PayloadError, match="amount cannot be read"):
        messages.read(AMOUNT, frame, "amount")


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        (b'{"code":-1121,"msg":"Invalid symbol."}', True),
        (b'{"code":200,"msg":"The operation of cancel all open order is done."}', False),
        (b'{"code":"200","msg":"success"}', False),
    ],
)
def test_errors_are_below_zero(body, failed):
    assert messages.decoder_of(messages.ErrorBody).decode(body).failed is failed


def test_the_envelope_of_an_answer():
    answer = messages.decoder_of(messages.WsAnswer).decode(
        b'{"id":null,"status":418,"error":{"code":-1003,"msg":"banned","data":{"retryAfter":1659146400000}},'
        b'"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,'
        b'"count":2411}]}'
    )
    assert (answer.id, answer.status, answer.error.code) == (None, 418, -1003)
    assert bytes(answer.error.data) == b'{"retryAfter":1659146400000}'
    assert answer.rateLimits[0].count == 2411


def test_keys_are_masked_where_an_answer_is_kept():
    with pytest.raises(PayloadError) as caught:
        messages.read(AMOUNT, b'{"listenKey":"abc123","apiKey" : "def\\"456', "amount")
    assert caught.value.raw == b'{"listenKey":"***","apiKey" : "***'
    assert "abc123" not in str(caught.value)
