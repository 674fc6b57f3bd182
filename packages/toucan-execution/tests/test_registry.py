"""Venues have decoders, by name."""

from __future__ import annotations

import pytest

from toucan_execution.decoding import AccountDecoder, Outcome
from toucan_execution.orders import OrderOrigin
from toucan_execution.registry import DECODERS, decoder_named
from toucan_instrument.errors import InvalidInput


@pytest.mark.parametrize("exchange", list(DECODERS))
def test_every_venue_has_a_decoder(exchange):
    decoder = decoder_named(exchange.value, "main", lambda client_order_id: client_order_id == "a")
    assert isinstance(decoder, AccountDecoder)
    assert (decoder.exchange, decoder.account) == (exchange, "main")
    assert decoder.scope.is_own("a")
    assert decoder.decode(b'{"e":"serverShutdown","E":1}', 0).outcome is Outcome.EVENTS


def test_without_a_prefix_nothing_is_own():
    decoder = decoder_named("binance-usd-m")
    frame = (
        b'{"e":"ORDER_TRADE_UPDATE","E":1,"o":{"s":"BTCUSDT","c":"a","S":"BUY","x":"NEW","X":"NEW","i":1}}'
    )
    assert decoder.read(frame, 0)[0].origin is OrderOrigin.FOREIGN


@pytest.mark.parametrize("name", ["", "binance", "kraken", "bitmex"])
def test_a_venue_without_one_is_named(name):
    with pytest.raises(InvalidInput, match="binance-coin-m"):
        decoder_named(name)
