"""The arguments and options that name a venue, what is wanted of it, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

import click

from toucan_data.kinds import (
    AggregatedTrades,
    Candles,
    FundingRates,
    Kind,
    Liquidations,
    MarkPrices,
    OpenInterests,
    OrderBooksL1,
    OrderBooksL2,
    PublicTrades,
    Tickers24h,
)
from toucan_data.registry import venue_named
from toucan_data.subscription import WHOLE_MARKET, WholeMarket
from toucan_instrument import Environment
from toucan_instrument.errors import InvalidInput

__all__ = ["KINDS", "kind_named", "kind_word", "target_named", "venue_argument"]

R = TypeVar("R")

KINDS: dict[str, Kind[Any]] = {
    "trades": PublicTrades,
    "agg-trades": AggregatedTrades,
    "l1": OrderBooksL1,
    "l2": OrderBooksL2,
    "liquidations": Liquidations,
    "candles": Candles,
    "tickers": Tickers24h,
    "marks": MarkPrices,
    "funding": FundingRates,
    "interest": OpenInterests,
}
"""The command line's words for kinds; two take a setting, ``candles:1m`` and ``l2:5``."""
SPELLINGS = "trades, agg-trades, l1, l2, l2:5, liquidations, candles:1m, tickers, marks, funding, interest"
EVERYTHING = "*"
"""In the place of a symbol: every instrument, where the venue has one stream for all."""


def kind_named(text: str) -> Kind[Any]:
    """Return the kind that a word of the command line means.

    Raises:
        InvalidInput: It means none; near words are named.
    """
    word, _, setting = text.partition(":")
    kind = KINDS.get(word)
    if kind is None:
        near = get_close_matches(word, KINDS, n=3, cutoff=0.5)
        raise InvalidInput(
            "there is no such kind" + (f" (did you mean {' or '.join(near)}?)" if near else ""),
            field="--kind",
            value=text,
            accepted=SPELLINGS,
        )
    if word == "candles":
        return Candles(setting or "1m")
    if word == "l2" and setting.isdecimal():
        return OrderBooksL2(depth=int(setting))
    if setting:
        raise InvalidInput("this kind takes no such setting", field="--kind", value=text, accepted=SPELLINGS)
    return kind


def kind_word(kind: Kind[Any]) -> str:
    """Return the command line's word for a kind."""
    word = next(word for word, known in KINDS.items() if known.name == kind.name)
    setting = dict(kind.settings).get("interval") or dict(kind.settings).get("depth")
    return f"{word}:{setting}" if setting else word


def target_named(text: str) -> str | WholeMarket:
    """Return the target that an argument means: a symbol, or with ``*`` the whole market."""
    return WHOLE_MARKET if text == EVERYTHING else text


def venue_argument(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the argument VENUE, with options that say where; it takes a ``venue``."""

    @click.argument("name", metavar="VENUE")
    @click.option(
        "--environment",
        type=click.Choice([environment.value for environment in Environment]),
        default=Environment.LIVE.value,
        show_default=True,
        help="Which of the venue's environments.",
    )
    @click.option("--ws-url", metavar="URL", help="Another base address for streams, as ws://HOST:PORT.")
    @click.option("--rest-url", metavar="URL", help="Another base address for REST.")
    @wraps(command)
    def wrapped(
        *args: Any,
        name: str,
        environment: str,
        ws_url: str | None,
        rest_url: str | None,
        **kwargs: Any,
    ) -> R:
        found: Any = venue_named(name)
        kwargs["venue"] = found(Environment(environment), ws_url=ws_url, rest_url=rest_url)
        return command(*args, **kwargs)

    return wrapped
