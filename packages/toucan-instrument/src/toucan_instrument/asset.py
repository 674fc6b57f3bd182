"""Names of assets, and the other names that they go by."""

from __future__ import annotations

from toucan_instrument.errors import InvalidInput

__all__ = ["ALIASES", "canonical", "lower_ascii", "upper_ascii"]

ALIASES: dict[str, str] = {
    "XBT": "BTC",  # ISO 4217 style: Kraken, BitMEX, KuCoin
    "XDG": "DOGE",  # Kraken
    "BCC": "BCH",  # Binance until 2018
    "BCHABC": "BCH",
    "YOYO": "YOYOW",
    "STR": "XLM",
    "DRK": "DASH",
    "MIOTA": "IOTA",
}
"""Other names of assets, the same on every venue."""


def canonical(name: str) -> str:
    """Return an asset's usual name: upper case (of ASCII letters), aliases resolved.

    Raises:
        InvalidInput: It is empty, or no text.
    """
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput("that is no asset", field="asset", value=name, accepted='such as "BTC"')
    upper = upper_ascii(name.strip())
    return ALIASES.get(upper, upper)


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_UPPER = str.maketrans(_LETTERS, _LETTERS.upper())
_LOWER = str.maketrans(_LETTERS.upper(), _LETTERS)


def upper_ascii(text: str) -> str:
    """Return a text with its ASCII letters in upper case, all else as it is.

    `str.upper` must not touch symbols: in other scripts it can change a name and cannot be undone.
    """
    return text.translate(_UPPER)


def lower_ascii(text: str) -> str:
    """Return a text with its ASCII letters in lower case, all else as it is."""
    return text.translate(_LOWER)
