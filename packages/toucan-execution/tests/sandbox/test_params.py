"""Parameters are read as strictly as the venue reads them (facts C.1, C.9.1)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.params import Params


def refused(read, *args, **options):
    with pytest.raises(ApiError) as caught:
        read(*args, **options)
    return caught.value.code, caught.value.text


# What is there.


@pytest.mark.parametrize("value", ["", None])
def test_what_is_empty_was_not_sent(value):
    params = Params({"symbol": value, "limit": "5"})
    assert "symbol" not in params
    assert params.text("symbol", "none") == "none"
    assert params.integer("symbol") is None
    assert params.decimal("symbol") is None
    assert params.array("symbol") is None
    assert "limit" in params


@pytest.mark.parametrize("value", [0, False, "0", "false"])
def test_nothing_else_is_empty(value):
    assert "x" in Params({"x": value})


def test_what_signs_a_request_is_no_parameter_of_its_own():
    sent = {"symbol": "B", "apiKey": "k", "timestamp": 1, "recvWindow": 2, "signature": "s", "limit": 3}
    assert Params(sent).names == ("symbol", "limit")


def test_the_texts_are_what_a_signature_is_made_of():
    assert Params({"a": True, "b": 5, "c": "x", "d": None, "e": False}).texts == {
        "a": "true", "b": "5", "c": "x", "e": "false"
    }  # fmt: skip


def test_values_are_not_shown():
    assert repr(Params({"apiKey": "open-sesame", "symbol": "BTCUSDT"})) == "Params(apiKey, symbol)"


# What must and may be there.


def test_a_parameter_that_is_needed_is_missed_in_the_venue_s_order():
    check = Params({"side": "BUY", "type": ""}).check
    words = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
    assert refused(check, ("symbol", "side", "type"), ()) == (-1102, words.format("symbol"))
    assert refused(check, ("side", "type"), ()) == (-1102, words.format("type"))


def test_a_parameter_that_nobody_reads_is_refused_with_how_many_there_are():
    check = Params({"symbol": "B", "foo": "1", "timestamp": "2", "signature": "s", "bar": ""}).check
    words = "Not all sent parameters were read; read '{}' parameter(s) but was sent '5'."
    assert refused(check, ("symbol",), ()) == (-1104, words.format(3))
    assert refused(check, ("symbol",), ("foo",)) == (-1104, words.format(4))
    check(("symbol",), ("foo", "bar"))


def test_a_missing_parameter_comes_before_an_unknown_one():
    assert refused(Params({"foo": "1"}).check, ("symbol",), ())[0] == -1102


# Numbers.


@pytest.mark.parametrize("text", ["1", "0", "0.10", "00012.50", "9" * 20, "0." + "1" * 20])
def test_plain_numbers_are_exact(text):
    assert Params({"price": text}).decimal("price") == Decimal(text)


@pytest.mark.parametrize(
    "value",
    ["1e-05", "1E5", "-1", "+1", ".5", "5.", " 1", "1 ", "1\n", "1,5", "0x10", "NaN", "Infinity", "1" * 21,
     "\uff11", 1e-05, True, [1], {"a": 1}],
)  # fmt: skip
def test_other_numbers_have_illegal_characters(value):
    code, text = refused(Params({"price": value}).decimal, "price")
    assert code == -1100
    assert text == (
        "Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."
    )


@pytest.mark.parametrize(("value", "number"), [("5", 5), (5, 5), ("-5", -5), ("007", 7), (0, 0)])
def test_whole_numbers(value, number):
    assert Params({"limit": value}).integer("limit") == number


@pytest.mark.parametrize("value", ["5.0", 5.0, "five", "", "- 5", "--5", True, "1" * 21, "٣", "5\n"])
def test_other_whole_numbers_have_illegal_characters(value):
    if value == "":
        assert Params({"limit": value}).integer("limit") is None
    else:
        assert refused(Params({"limit": value}).integer, "limit")[0] == -1100


@pytest.mark.parametrize(("value", "rows"), [(None, 500), ("1", 1), ("1000", 1_000), ("5000", 1_000)])
def test_a_limit_is_no_more_than_the_most(value, rows):
    assert Params({"limit": value}).limit(500, 1_000) == rows


@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_limit_is_at_least_one(value):
    error = (-1130, "Data sent for parameter 'limit' is not valid.")
    assert refused(Params({"limit": value}).limit, 500, 1_000) == error


# Words.


@pytest.mark.parametrize(
    ("value", "meant"), [("true", True), ("TRUE", True), ("false", False), (True, True), (False, False)]
)
def test_yes_and_no(value, meant):
    assert Params({"x": value}).flag("x") is meant


def test_a_flag_that_was_not_sent_is_what_is_usual():
    assert Params({}).flag("x") is False
    assert Params({"x": ""}).flag("x", default=True) is True


@pytest.mark.parametrize("value", ["yes", "1", 1, "tru"])
def test_a_flag_is_nothing_else(value):
    assert refused(Params({"x": value}).flag, "x")[0] == -1130


def test_words_are_those_that_there_are():
    words = {"BUY": 1, "SELL": 2}
    assert Params({"side": "SELL"}).word("side", words) == 2
    assert Params({}).word("side", words) is None
    assert refused(Params({"side": "buy"}).word, "side", words)[0] == -1130
    assert refused(Params({"side": "x"}).word, "side", words, ApiError(-1117, "Invalid side.")) == (
        -1117,
        "Invalid side.",
    )


@pytest.mark.parametrize("value", ['["A","B"]', ["A", "B"]])
def test_lists_come_as_text_or_as_json(value):
    assert Params({"symbols": value}).array("symbols") == ["A", "B"]


@pytest.mark.parametrize("value", ["A,B", '{"a":1}', "[", '"A"', {"a": 1}, 5])
def test_what_is_no_list_is_refused(value):
    assert refused(Params({"symbols": value}).array, "symbols")[0] == -1130
