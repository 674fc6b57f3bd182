"""How Kraken's books are kept: spot's by a checksum of digits, the futures' by a sequence; facts 4.3, 6."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from zlib import crc32

from toucan_data.bookrule import BookRule, Snapshots
from toucan_data.events import LevelText

__all__ = ["DEEPEST", "DEPTHS", "contract_rule", "digest", "pair_rule"]

DEPTHS = (10, 25, 100, 500, 1000)
DEEPEST = DEPTHS[-1]


def pair_rule(depth: int) -> BookRule:
    """Return the rule of one book of spot: a snapshot on the stream, cut to a depth, proven by its checksum.

    No update is numbered, so the checksum of the best ten levels is all that shows a loss.
    """
    return BookRule(snapshots=Snapshots.WIRE, depth=depth, checksum=_Remembering(), checksum_levels=10)


def contract_rule() -> BookRule:
    """Return the rule of the futures' books: a snapshot on the stream, then each ``seq`` one more."""
    return BookRule(snapshots=Snapshots.WIRE)


class _Remembering:
    """The checksum of one book, which knows the digits of the levels that it has seen.

    All that it knows are written to the same decimals (`_shape`): a book of known levels needs no padding.
    """

    __slots__ = ("_known", "_shape")

    def __init__(self) -> None:
        self._known: dict[LevelText, str] = {}
        self._shape: tuple[int, int] | None = None

    def __call__(self, bids: Sequence[LevelText], asks: Sequence[LevelText]) -> int:
        """Return the checksum."""
        levels, digits_of = [*asks, *bids], self._known.__getitem__
        try:
            return crc32("".join(map(digits_of, levels)).encode())
        except KeyError:
            pass
        if self._learn(levels):
            return crc32("".join(map(digits_of, levels)).encode())
        return digest(bids, asks)

    def _learn(self, levels: Sequence[LevelText]) -> bool:
        """Learn what is new of a book; tell whether its levels are written to the same decimals."""
        known = self._known
        if len(known) > MOST_KNOWN:
            known.clear()
        for level in levels:
            if level in known:
                continue
            own = _shape(level)
            if own != self._shape and known:
                known.clear()  # the next look at the book may find all of it to be of the new shape
                return False
            self._shape = own
            if own is None:
                return False
            price, quantity = level
            known[level] = f"{price.replace('.', '').lstrip('0')}{quantity.replace('.', '').lstrip('0')}"
        return True


MOST_KNOWN = 4_096


def _shape(level: LevelText) -> tuple[int, int] | None:
    """Return to how many decimals price and quantity are written, None where one is not written so."""
    price, quantity = level
    if not (price + quantity).replace(".", "").isdigit():
        return None
    return len(price.partition(".")[2]), len(quantity.partition(".")[2])


def digest(bids: Sequence[LevelText], asks: Sequence[LevelText]) -> int:
    """Return the CRC-32 of the digits of asks and then bids, best first: no point, no zeros before them.

    The venue pads all prices and all quantities of a book to a number of decimals each. Where the texts at
    hand are not so, because a recording was saved by a program that drops zeros, or because that number has
    changed while the book stood, they are padded to the most decimals among them.
    """
    levels = [*asks, *bids]
    prices = _digits([price for price, _ in levels])
    quantities = _digits([quantity for _, quantity in levels])
    parts = [part for pair in zip(prices, quantities, strict=True) for part in pair]
    return crc32("".join(parts).encode())


def _digits(texts: list[str]) -> list[str]:
    """Return the digits of numbers that are written to one number of decimals."""
    if len({len(text.partition(".")[2]) for text in texts}) > 1 or "e" in "".join(texts).lower():
        texts = _padded(texts)
    return [text.replace(".", "").lstrip("0") for text in texts]


def _padded(texts: list[str]) -> list[str]:
    numbers = [Decimal(text) for text in texts]
    places = max(0, *(-int(number.as_tuple().exponent) for number in numbers))
    return [format(number, f".{places}f") for number in numbers]
