"""What a user asks for, checked before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from toucan_data.kinds import CandleKind, Kind
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Instrument, InstrumentKind
from toucan_instrument.errors import InvalidInput

__all__ = [
    "WHOLE_MARKET",
    "Pair",
    "Subscription",
    "SubscriptionLike",
    "WholeMarket",
    "expand",
    "product",
    "subscription_of",
]


class WholeMarket(msgspec.Struct, frozen=True):
    """Stands for every instrument of a venue, where it has one stream for all of them."""


WHOLE_MARKET = WholeMarket()
"""Every instrument of a venue: ``(BinanceFuturesUsd(), WHOLE_MARKET, MarkPrices)``."""


class Pair(msgspec.Struct, frozen=True):
    """An instrument named by its assets, in any case and with any known alias.

    Attributes:
        base: The base asset.
        quote: The quote asset.
        kind: Spot, perpetual, ...; a dated future is named by its unified symbol instead.
    """

    base: str
    quote: str
    kind: InstrumentKind


class Subscription(msgspec.Struct, frozen=True):
    """A kind of data of one instrument, or of a whole market.

    Attributes:
        venue: Where.
        target: Of what: an `Instrument`, a `Pair`, a symbol (unified or the venue's own), or `WHOLE_MARKET`.
        kind: What.
    """

    venue: Venue
    target: Instrument | Pair | str | WholeMarket
    kind: Kind[Any]

    def __repr__(self) -> str:
        """Show it as it is written in code."""
        return f"Subscription({self.venue!r}, {self.target!s}, {self.kind!r})"


SubscriptionLike: TypeAlias = (
    Subscription
    | tuple[Venue, str, str, InstrumentKind, Kind[Any]]
    | tuple[Venue, str | Instrument | Pair | WholeMarket, Kind[Any]]
)
"""A `Subscription`, ``(venue, base, quote, instrument kind, kind)`` or ``(venue, symbol, kind)``."""

ACCEPTED = (
    'a Subscription, (venue, "btc", "usdt", InstrumentKind.SPOT, PublicTrades) '
    'or (venue, "BTC/USDT", PublicTrades)'
)


def subscription_of(item: SubscriptionLike) -> Subscription:
    """Return what was meant.

    Raises:
        InvalidInput: It is none of the forms that are accepted; the error names the part that is wrong.
    """
    if isinstance(item, Subscription):
        parts: tuple[Any, ...] = (item.venue, item.target, item.kind)
    elif isinstance(item, tuple) and len(item) == 5:  # noqa: PLR2004 - the form of the original
        venue, base, quote, instrument_kind, kind = item
        parts = (venue, _pair(base, quote, instrument_kind), kind)
    elif isinstance(item, tuple) and len(item) == 3:  # noqa: PLR2004
        parts = item
    else:
        raise InvalidInput("that is no subscription", field="subscription", value=item, accepted=ACCEPTED)
    venue, target, kind = parts
    if not isinstance(venue, Venue):
        hint = "an instance such as BinanceSpot()"
        if isinstance(venue, type) and issubclass(venue, Venue):
            hint = f"an instance: {venue.__name__}()"
        raise InvalidInput("that is no venue", field="venue", value=venue, accepted=hint)
    if not isinstance(kind, Kind):
        raise InvalidInput(
            "that is no kind of data", field="kind", value=kind, accepted=", ".join(map(repr, venue.kinds))
        )
    if isinstance(kind, CandleKind) and kind.interval is None:
        raise InvalidInput(
            "candles need an interval", field="kind", value=kind, accepted='such as Candles("1m")'
        )
    if not isinstance(target, (Instrument, Pair, str, WholeMarket)) or target == "":
        raise InvalidInput("that names no instrument", field="instrument", value=target, accepted=ACCEPTED)
    if isinstance(target, Instrument) and target.exchange is not venue.exchange:
        raise InvalidInput(
            "the instrument is of another exchange",
            field="instrument",
            value=f"{target} of {target.exchange.value}",
            accepted=f"an instrument of {venue.exchange.value}",
        )
    return Subscription(venue, target, kind)


def _pair(base: object, quote: object, kind: Any) -> Pair:
    for field, value in (("base", base), ("quote", quote)):
        if not isinstance(value, str) or not value:
            raise InvalidInput("that is no asset", field=field, value=value, accepted='such as "btc"')
    try:
        return Pair(str(base), str(quote), InstrumentKind(kind))
    except ValueError as error:
        raise InvalidInput(
            "that is no kind of instrument",
            field="instrument kind",
            value=kind,
            accepted=", ".join(str(known) for known in InstrumentKind),
        ) from error


def product(
    instruments: Catalogue | Iterable[Instrument],
    kinds: Kind[Any] | Sequence[Kind[Any]],
    venue: Venue | None = None,
) -> list[Subscription]:
    """Return every instrument with every kind, instrument by instrument.

    Args:
        instruments: A catalogue, or a part of one, which remembers its venue; or instruments.
        kinds: One kind or several.
        venue: Where, for instruments that come without their catalogue.

    Raises:
        InvalidInput: There is no instrument or no kind, or the venue is not known.
    """
    if venue is None and isinstance(instruments, Catalogue) and isinstance(instruments.source, Venue):
        venue = instruments.source
    if venue is None:
        raise InvalidInput(
            "the venue of these instruments is not known",
            field="venue",
            value=None,
            accepted="a catalogue of load_instruments(...), or venue=...",
        )
    wanted = (kinds,) if isinstance(kinds, Kind) else tuple(kinds)
    chosen = tuple(instruments)
    for field, values in (("instruments", chosen), ("kinds", wanted)):
        if not values:
            raise InvalidInput(
                "there is nothing to subscribe", field=field, value=values, accepted="one or more"
            )
    return [subscription_of((venue, instrument, kind)) for instrument in chosen for kind in wanted]


def expand(
    subscriptions: Any, kinds: Kind[Any] | Sequence[Kind[Any]] | None, venue: Venue | None
) -> list[Subscription]:
    """Return the subscriptions that are meant by the arguments of `Streams.subscribe`."""
    if kinds is not None:
        return product(subscriptions, kinds, venue)
    if isinstance(subscriptions, Subscription) or (
        isinstance(subscriptions, tuple) and subscriptions and isinstance(subscriptions[0], Venue)
    ):
        subscriptions = [subscriptions]  # one alone
    if isinstance(subscriptions, (str, bytes, Catalogue)) or not isinstance(subscriptions, Iterable):
        raise InvalidInput(
            "that is no list of subscriptions",
            field="subscriptions",
            value=subscriptions,
            accepted='a list such as [(BinanceSpot(), "BTC/USDT", PublicTrades)], or instruments and kinds',
        )
    wanted = [subscription_of(item) for item in subscriptions]
    if not wanted:
        raise InvalidInput(
            "there is nothing to subscribe", field="subscriptions", value=[], accepted="one or more"
        )
    return wanted
