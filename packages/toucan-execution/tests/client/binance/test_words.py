"""The tables of words agree both ways, and a word that is not known is kept."""

from __future__ import annotations

import pytest

from toucan_execution.client.binance import words
from toucan_execution.orders import (
    OrderType,
    PositionSide,
    PriceMatch,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
    TriggerPrice,
)
from toucan_instrument import Side

BOTH_WAYS = [
    (words.SIDES, words.SIDE_WORDS, set(Side)),
    (
        words.SPOT_TYPES,
        words.SPOT_TYPE_WORDS,
        set(OrderType) - {OrderType.LIQUIDATION, OrderType.UNKNOWN, OrderType.TRAILING_STOP_MARKET},
    ),
    (
        words.FUTURES_TYPES,
        words.FUTURES_TYPE_WORDS,
        set(OrderType) - {OrderType.LIQUIDATION, OrderType.UNKNOWN},
    ),
    (words.TIMES_IN_FORCE, words.TIME_IN_FORCE_WORDS, set(TimeInForce) - {TimeInForce.UNKNOWN}),
    (
        words.PREVENTIONS,
        words.PREVENTION_WORDS,
        set(SelfTradePrevention) - {SelfTradePrevention.UNKNOWN},
    ),
    (words.TRIGGER_PRICES, words.TRIGGER_PRICE_WORDS, set(TriggerPrice)),
    (words.POSITION_SIDES, words.POSITION_SIDE_WORDS, set(PositionSide)),
]


@pytest.mark.parametrize(("meanings", "spellings", "members"), BOTH_WAYS)
def test_every_member_has_a_word_that_means_it(meanings, spellings, members):
    for member in members:
        assert meanings[spellings[member]] is member


def test_margin_types_in_any_case():
    for margin, word in words.MARGIN_TYPE_WORDS.items():
        assert words.MARGIN_TYPES[word.lower()] is margin


def test_words_of_requests():
    assert words.PRICE_MATCH_WORDS[PriceMatch.OPPONENT_5] == "OPPONENT_5"
    assert words.RESPONSE_WORDS[ResponseKind.RESULT] == "RESULT"
    assert words.SPOT_TYPE_WORDS[OrderType.TRAILING_STOP_MARKET] == "STOP_LOSS"


def test_a_word_that_is_not_known_is_kept():
    strange = words.Strange()
    assert words.look_up(words.SIDES, "BUY", "S", strange) is Side.BUY
    assert words.look_up(words.SIDES, None, "S", strange) is None
    assert words.look_up(words.SIDES, "", "S", strange) is None
    assert strange == []
    assert words.look_up(words.SIDES, "HOLD", "S", strange) is None
    assert strange == ["S=HOLD"]
