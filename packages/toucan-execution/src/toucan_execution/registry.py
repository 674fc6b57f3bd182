"""The decoders that there are, by the names of their venues, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from toucan_execution.decoding import AccountDecoder
from toucan_instrument import Exchange
from toucan_instrument.errors import InvalidInput

__all__ = ["DECODERS", "decoder_named"]

DECODERS: dict[Exchange, tuple[str, str]] = dict.fromkeys(
    (
        Exchange.BINANCE_SPOT,
        Exchange.BINANCE_US_SPOT,
        Exchange.BINANCE_USD_M,
        Exchange.BINANCE_COIN_M,
    ),
    ("toucan_execution.client.binance.decoder", "BinanceAccountDecoder"),
)
"""Module and class of each exchange's decoder."""


def decoder_named(
    name: str, account: str = "", is_own: Callable[[str], bool] | None = None
) -> AccountDecoder:
    """Return a decoder for the venue of a command-line name, such as ``binance-usd-m``.

    Args:
        name: The venue's name.
        account: The label that the events carry.
        is_own: Whether a client order id is one's own; None: none is.

    Raises:
        InvalidInput: There is none of that name.
    """
    try:
        exchange = Exchange(name)
        module, kind = DECODERS[exchange]
    except (KeyError, ValueError) as error:
        raise InvalidInput(
            "that venue is not known",
            field="venue",
            value=name,
            accepted=", ".join(known.value for known in DECODERS),
        ) from error
    decoder: AccountDecoder = getattr(import_module(module), kind)(exchange, account, is_own=is_own)
    return decoder
