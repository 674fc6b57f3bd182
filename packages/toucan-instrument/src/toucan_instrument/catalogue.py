"""The instruments of one exchange: found by any of their names, and chosen by what they are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, overload

from toucan_instrument.asset import canonical, upper_ascii
from toucan_instrument.errors import InvalidInput, UnknownSymbol
from toucan_instrument.exchange import Exchange
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, OptionKind
from toucan_instrument.timestamps import from_date, from_datetime

__all__ = ["Catalogue"]

NEAR = 5
MOST_LETTERS = 60
DAY_NS = 86_400 * 1_000_000_000
_PLAIN = ("base", "exchange", "inverse", "kind", "option", "quote", "settle", "status", "symbol")
_ASSETS = ("base", "quote", "settle")
_FILTERS = tuple(sorted((*_PLAIN, "expiry_after", "expiry_before")))
_WORDS: dict[str, type[StrEnum]] = {
    "exchange": Exchange,
    "kind": InstrumentKind,
    "option": OptionKind,
    "status": InstrumentStatus,
}


class Catalogue(Collection[Instrument]):
    """An immutable list of instruments, in the venue's order.

    A part of it (`where`, `top`, a slice) is a catalogue too, and remembers where it came from.

    Attributes:
        exchange: Whose instruments.
        source: What it was loaded from; whoever loaded it may keep its own idea of the venue here.
        skipped: Rows of the venue's list that could not be read: symbol, and why.
        quote_volumes: 24 h volume in the quote asset by the venue's symbol, where it was loaded.
    """

    def __init__(
        self,
        exchange: Exchange,
        instruments: Iterable[Instrument],
        *,
        quote_volumes: Mapping[str, Decimal] | None = None,
        source: Hashable | None = None,
        skipped: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Take instruments in order; of two with the same symbol the later one is kept."""
        self.exchange = exchange
        self.source = source
        self.skipped: tuple[tuple[str, str], ...] = tuple(skipped)
        self.quote_volumes: Mapping[str, Decimal] = MappingProxyType(dict(quote_volumes or {}))
        self._by_symbol = {instrument.symbol: instrument for instrument in instruments}
        self._all = tuple(self._by_symbol.values())
        self._by_unified: dict[str, Instrument] = {}
        for instrument in self._all:
            # A name may be used again after a delisting: what can be traded goes first.
            held = self._by_unified.get(instrument.unified)
            if held is None or (held.status != "trading" and instrument.status == "trading"):
                self._by_unified[instrument.unified] = instrument

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def __iter__(self) -> Iterator[Instrument]:
        """Iterate them in the venue's order."""
        return iter(self._all)

    def __contains__(self, item: object) -> bool:
        """Tell whether an instrument, or a symbol spelt exactly (venue's or unified), is among them."""
        if isinstance(item, Instrument):
            return self._by_symbol.get(item.symbol) == item
        return item in self._by_symbol or item in self._by_unified

    @overload
    def __getitem__(self, key: str | int) -> Instrument: ...
    @overload
    def __getitem__(self, key: slice) -> Catalogue: ...
    def __getitem__(self, key: str | int | slice) -> Instrument | Catalogue:
        """Return the instrument of a symbol (venue's or unified) or a place, or a slice as a catalogue.

        A symbol is looked up as it is spelt, then with its ASCII letters in upper case.

        Raises:
            UnknownSymbol: There is none of that name; the error names near ones.
            IndexError: There is no such place.
        """
        if isinstance(key, slice):
            return self._part(self._all[key])
        if isinstance(key, int):
            return self._all[key]
        found = self._by_symbol.get(key) or self._by_unified.get(key)
        if found is None and isinstance(key, str):
            upper = upper_ascii(key)
            found = self._by_symbol.get(upper) or self._by_unified.get(upper)
        if found is None:
            raise self._unknown("symbol", key)
        return found

    def by_symbol(self, symbol: str) -> Instrument:
        """Return the instrument of the venue's own symbol.

        Raises:
            UnknownSymbol: There is none.
        """
        found = self._by_symbol.get(symbol)
        if found is None:
            raise self._unknown("symbol", symbol)
        return found

    def by_unified(self, unified: str) -> Instrument:
        """Return the instrument of a unified symbol.

        Raises:
            UnknownSymbol: There is none.
        """
        found = self._by_unified.get(unified)
        if found is None:
            raise self._unknown("unified symbol", unified)
        return found

    def find(
        self,
        base: str,
        quote: str,
        kind: InstrumentKind,
        *,
        expiry: int | date | None = None,
    ) -> Instrument:
        """Return the instrument of a pair of assets, in any case and under any known alias.

        Args:
            base: Base asset.
            quote: Quote asset.
            kind: What sort of thing.
            expiry: For a dated one: when it expires, in nanoseconds or as a datetime, or the day, UTC.

        Raises:
            UnknownSymbol: There is none.
            InvalidInput: There are several, which the expiry would tell apart; or there is no such kind.
        """
        _known("kind", (kind,))
        on_expiry = _on_expiry(expiry)
        wanted = (canonical(base), canonical(quote))
        pair = "/".join(wanted)
        found = [
            instrument
            for instrument in self._all
            if instrument.kind == kind
            and (canonical(instrument.base), canonical(instrument.quote or "-")) == wanted
            and on_expiry(instrument)
        ]
        live = [instrument for instrument in found if instrument.status == "trading"] or found
        if not live:
            raise self._unknown("instrument", f"{pair} ({kind})", spelt=pair)
        if len(live) > 1:
            raise InvalidInput(
                f"there are {len(live)} of that kind",
                field="instrument",
                value=f"{pair} ({kind})",
                accepted="a unified symbol: " + ", ".join(str(each) for each in live[:NEAR]),
            )
        return live[0]

    def where(self, **filters: Any) -> Catalogue:
        """Return the instruments that meet all conditions.

        Args:
            filters: ``base``, ``quote``, ``settle``, ``kind``, ``status``, ``symbol`` (the venue's or the
                unified one), ``inverse``, ``option``, ``exchange``: a value, or a collection of values of
                which one must be met; ``expiry_before`` and ``expiry_after``: nanoseconds, a date (its
                beginning, UTC) or a datetime with a zone, itself left out.

        Raises:
            InvalidInput: A condition is not known, or no such value can be.
        """
        for name in filters:
            if name not in _FILTERS:
                close = difflib.get_close_matches(name, _FILTERS, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise InvalidInput(
                    f"that is no condition{hint}",
                    field="where",
                    value=name,
                    accepted=", ".join(_FILTERS),
                )
        tests = [_test(name, value) for name, value in filters.items()]
        return self._part(each for each in self._all if all(test(each) for test in tests))

    def top(self, count: int) -> Catalogue:
        """Return the `count` instruments of the greatest 24 h volume in the quote asset, greatest first.

        Volumes are compared as numbers: choose one quote asset first, with `where`. Instruments without a
        volume come last.

        Raises:
            InvalidInput: Volumes were not loaded, or the count is negative.
        """
        if not self.quote_volumes:
            raise InvalidInput(
                "24 h volumes were not loaded", field="top", value=count, accepted="load with volumes=True"
            )
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise InvalidInput("that is no count", field="top", value=count, accepted="0 or more")
        none = Decimal(-1)
        ranked = sorted(self._all, key=lambda each: self.quote_volumes.get(each.symbol, none), reverse=True)
        return self._part(ranked[:count])

    def _part(self, instruments: Iterable[Instrument]) -> Catalogue:
        return Catalogue(self.exchange, instruments, quote_volumes=self.quote_volumes, source=self.source)

    def _unknown(self, field: str, value: object, *, spelt: str = "") -> UnknownSymbol:
        text = upper_ascii(spelt or str(value))[:MOST_LETTERS]
        names = [*self._by_unified, *self._by_symbol]
        near = tuple(dict.fromkeys(difflib.get_close_matches(text, names, n=NEAR, cutoff=0.5)))
        return UnknownSymbol(
            f"{self.exchange.value} has no such instrument", field=field, value=value, near=near
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by what it was made of."""
        held = dict(self.quote_volumes)
        return _rebuild, (self.exchange, self._all, held, self.source, self.skipped)

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Catalogue({self.exchange.value}, {len(self)} instruments)"


def _rebuild(
    exchange: Exchange,
    instruments: tuple[Instrument, ...],
    quote_volumes: dict[str, Decimal],
    source: Hashable | None,
    skipped: tuple[tuple[str, str], ...],
) -> Catalogue:
    return Catalogue(exchange, instruments, quote_volumes=quote_volumes, source=source, skipped=skipped)


def _test(name: str, value: Any) -> Callable[[Instrument], bool]:
    """Return the test of one condition."""
    if name in {"expiry_before", "expiry_after"}:
        limit = _moment(name, value)
        if name == "expiry_before":
            return lambda each: each.expiry_ns is not None and each.expiry_ns < limit
        return lambda each: each.expiry_ns is not None and each.expiry_ns > limit
    values = (value,) if isinstance(value, str) or not isinstance(value, Collection) else tuple(value)
    if name in _ASSETS:
        assets = {canonical(each) for each in values}
        return lambda each: bool(getattr(each, name)) and canonical(getattr(each, name)) in assets
    if name == "symbol":
        return lambda each: each.symbol in values or each.unified in values
    _known(name, values)
    return lambda each: getattr(each, name) in values


def _known(name: str, values: tuple[Any, ...]) -> None:
    """Refuse a value that no instrument can have: it would only ever find nothing."""
    accepted = [each.value for each in _WORDS[name]] if name in _WORDS else ["True", "False"]
    for value in values:
        if not isinstance(value, bool) if name == "inverse" else value not in accepted:
            raise InvalidInput(
                f"there is no such {name}", field=name, value=value, accepted=", ".join(accepted)
            )


def _on_expiry(expiry: Any) -> Callable[[Instrument], bool]:
    """Return the test of an expiry; a date is met at any time of its day."""
    if expiry is None:
        return lambda _: True
    first = _moment("expiry", expiry)
    if isinstance(expiry, date) and not isinstance(expiry, datetime):
        return lambda each: each.expiry_ns is not None and first <= each.expiry_ns < first + DAY_NS
    return lambda each: each.expiry_ns == first


def _moment(name: str, value: Any) -> int:
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return from_date(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidInput(
        "that is no time", field=name, value=value, accepted="nanoseconds, a date or a datetime"
    )
