"""What can be subscribed to: kinds, as values that carry the type of their events.

A kind is written as a value: ``PublicTrades``, ``Candles("1m")``, ``OrderBooksL2(depth=5)``. Selecting by
the bare name takes every setting of it (``streams.select(Candles)`` all intervals), selecting by a value
with settings just that one.
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

from toucan_data.events import (
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Ticker24h,
)
from toucan_instrument.errors import InvalidInput

__all__ = [
    "ALL_KINDS",
    "AggregatedTrades",
    "BookEvent",
    "CandleKind",
    "Candles",
    "FundingRates",
    "Kind",
    "Liquidations",
    "MarkPrices",
    "OpenInterests",
    "OrderBookKind",
    "OrderBooksL1",
    "OrderBooksL2",
    "PublicTrades",
    "Tickers24h",
]

E_co = TypeVar("E_co", covariant=True)

BookEvent: TypeAlias = OrderBookL2Snapshot | OrderBookL2Update
"""What a maintained book is followed by: a snapshot, then updates."""


class Kind(Generic[E_co]):
    """A kind of market data; equal and hashed by its name and settings.

    Attributes:
        name: The kind's name, such as ``PublicTrades``.
        settings: What was set, as ``(name, value)`` pairs; empty for the bare kind.
    """

    __slots__ = ("name", "settings")

    name: str
    settings: tuple[tuple[str, int | str | bool | None], ...]

    def __init__(self, name: str, **settings: int | str | bool | None) -> None:
        """Name the kind and what is set."""
        self.name = name
        self.settings = tuple(settings.items())

    def selects(self, other: Kind[object]) -> bool:
        """Tell whether a selection by this kind takes what was subscribed as `other`."""
        return self.name == other.name and (not self.settings or self.settings == other.settings)

    def __eq__(self, other: object) -> bool:
        """Compare by name and settings."""
        if not isinstance(other, Kind):
            return NotImplemented
        return self.name == other.name and self.settings == other.settings

    def __hash__(self) -> int:
        """Hash by name and settings."""
        return hash((self.name, self.settings))

    def __repr__(self) -> str:
        """Show the kind as it is written in code."""
        shown = ", ".join(f"{name}={value!r}" for name, value in self.settings)
        return f"{self.name}({shown})" if shown else self.name


class CandleKind(Kind[Candle]):
    """Candlesticks; call it with an interval to subscribe."""

    __slots__ = ()

    def __call__(self, interval: str) -> CandleKind:
        """Return the kind for one interval.

        Args:
            interval: ``1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M``, in one spelling for all
                venues, of which each has some. Case matters: ``1m`` is a minute, ``1M`` a month.
        """
        if not isinstance(interval, str) or not interval:
            raise InvalidInput(
                "a candle's interval is a text", field="interval", value=interval, accepted='such as "1m"'
            )
        return CandleKind(self.name, interval=interval)

    @property
    def interval(self) -> str | None:
        """The interval, None for the bare kind."""
        return str(dict(self.settings)["interval"]) if self.settings else None


class OrderBookKind(Kind[BookEvent]):
    """Level 2 books; bare, a maintained book with the defaults."""

    __slots__ = ()

    def __call__(
        self,
        *,
        depth: int | None = None,
        snapshot_levels: int = 1000,
        update_ms: int = 100,
        events: bool = True,
    ) -> OrderBookKind:
        """Return the kind with settings.

        Args:
            depth: None for the deepest book that the venue has, maintained from a snapshot and deltas; a
                number for the venue's stream of the top levels, one that it offers.
            snapshot_levels: How deep the snapshot of a maintained book is, where it comes over REST;
                deeper costs more request weight, so the start of many books is slower.
            update_ms: How often the venue sends changes, in milliseconds, where there is a choice.
            events: False keeps the book, `Streams.book`, and queues no events.
        """
        if (depth, snapshot_levels, update_ms, events) == (None, 1000, 100, True):
            return OrderBookKind(self.name)
        return OrderBookKind(
            self.name, depth=depth, snapshot_levels=snapshot_levels, update_ms=update_ms, events=events
        )

    def _setting(self, name: str, default: int | None) -> int | None:
        value = dict(self.settings).get(name, default)
        return None if value is None else int(value)

    @property
    def depth(self) -> int | None:
        """Levels a side that the book is cut to, None for the deepest that there is."""
        return self._setting("depth", None)

    @property
    def snapshot_levels(self) -> int:
        """How deep the snapshot is."""
        levels = self._setting("snapshot_levels", 1000)
        return 1000 if levels is None else levels

    @property
    def update_ms(self) -> int:
        """How often the venue sends changes, milliseconds."""
        speed = self._setting("update_ms", 100)
        return 100 if speed is None else speed

    @property
    def events(self) -> bool:
        """Whether events are queued, besides the book that is kept."""
        return bool(dict(self.settings).get("events", True))


PublicTrades: Kind[PublicTrade] = Kind("PublicTrades")
"""Individual trades; where a venue documents only an aggregate stream, that one serves it."""
AggregatedTrades: Kind[PublicTrade] = Kind("AggregatedTrades")
"""Fills of one taker order at one price, reported as one trade."""
OrderBooksL1: Kind[OrderBookL1] = Kind("OrderBooksL1")
"""Best bid and ask, at every change."""
OrderBooksL2: OrderBookKind = OrderBookKind("OrderBooksL2")
"""Books of price levels, maintained or cut to a depth."""
Liquidations: Kind[Liquidation] = Kind("Liquidations")
"""Liquidation orders."""
Candles: CandleKind = CandleKind("Candles")
"""Candlesticks of an interval."""
Tickers24h: Kind[Ticker24h] = Kind("Tickers24h")
"""Statistics over a rolling 24 hours."""
MarkPrices: Kind[MarkPrice] = Kind("MarkPrices")
"""Mark price of derivatives, with the funding rate where the venue sends it along."""
FundingRates: Kind[FundingRate] = Kind("FundingRates")
"""Funding rate of perpetual contracts."""
OpenInterests: Kind[OpenInterest] = Kind("OpenInterests")
"""How much of a derivative is open."""

ALL_KINDS: tuple[Kind[Any], ...] = (
    PublicTrades,
    AggregatedTrades,
    OrderBooksL1,
    OrderBooksL2,
    Candles,
    Tickers24h,
    Liquidations,
    MarkPrices,
    FundingRates,
    OpenInterests,
)
"""Every kind that there is, bare, in the order of tables."""
