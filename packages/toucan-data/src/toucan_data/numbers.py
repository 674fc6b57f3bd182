"""Exact numbers from texts, fast: markets repeat their prices and quantities.

Making a `Decimal` costs more than all else that is done for a small event. The same texts come again and
again, a Decimal cannot be changed, so the recent ones are kept.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from toucan_instrument.errors import PayloadError

__all__ = ["NumberCache"]

LIMIT = 65_536
"""How many numbers are kept: some 10 MB at the most."""


class NumberCache(dict[str, Decimal]):
    """Numbers by their text: ``numbers[text]`` gives the exact Decimal, whether it is kept or new.

    It never holds anything but finite numbers, so what it gives needs no check.

    Raises:
        PayloadError: The text is no finite number.
    """

    __slots__ = ()

    def __missing__(self, text: str) -> Decimal:
        """Make a number, and keep it."""
        try:
            number = Decimal(text)
        except InvalidOperation as error:
            raise PayloadError("a number", raw=text.encode(), cause="not a number") from error
        if not number.is_finite():
            raise PayloadError("a number", raw=text.encode(), cause="not finite")
        if len(self) >= LIMIT:
            self.clear()
        self[text] = number
        return number
