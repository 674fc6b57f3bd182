"""Decoders of the three markets, and messages of our own in the venue's form (facts D and E).

A test changes of a sample what it is about. Client order ids that begin with ``mine-`` are ours.
"""

from __future__ import annotations

import msgspec
import pytest

from toucan_execution.client.binance.decoder import BinanceAccountDecoder
from toucan_instrument import Exchange

REPORT = {
    "e": "executionReport", "E": 1700000000002, "s": "ETHBTC", "c": "mine-1", "S": "BUY", "o": "LIMIT",
    "f": "GTC", "q": "2.00000000", "p": "0.05000000", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "",
    "x": "NEW", "X": "NEW", "r": "NONE", "i": 77, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000",
    "n": "0", "N": None, "T": 1700000000001, "t": -1, "I": 9, "w": True, "m": False, "M": False,
    "O": 1700000000001, "Z": "0.00000000", "Y": "0.00000000", "Q": "0.00000000", "W": 1700000000001,
    "V": "NONE",
}  # fmt: skip

SPOT_ORDER = {
    "symbol": "ETHBTC", "orderId": 77, "orderListId": -1, "clientOrderId": "mine-1", "price": "0.05000000",
    "origQty": "2.00000000", "executedQty": "0.50000000", "cummulativeQuoteQty": "0.02500000",
    "status": "PARTIALLY_FILLED", "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "stopPrice": "0.0",
    "icebergQty": "0.0", "time": 1700000000001, "updateTime": 1700000000002, "isWorking": True,
    "workingTime": 1700000000001, "origQuoteOrderQty": "0.000000", "selfTradePreventionMode": "NONE",
}  # fmt: skip

UPDATED = {
    "s": "BTCUSDT", "c": "mine-1", "S": "SELL", "o": "LIMIT", "f": "GTC", "q": "0.020", "p": "60000.0",
    "ap": "0", "sp": "0", "x": "NEW", "X": "NEW", "i": 88, "l": "0", "z": "0", "L": "0", "T": 1700000000001,
    "t": 0, "b": "0", "a": "0", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH",
    "cp": False, "pP": False, "si": 0, "ss": 0, "rp": "0", "V": "EXPIRE_MAKER", "pm": "NONE", "gtd": 0,
    "er": "0",
}  # fmt: skip

ALGO = {
    "caid": "mine-1", "aid": 5001, "at": "CONDITIONAL", "o": "STOP", "s": "BTCUSDT", "S": "SELL",
    "ps": "BOTH", "f": "GTC", "q": "0.020", "X": "NEW", "ai": "", "ap": "0.00000", "aq": "0.00000",
    "act": "0", "tp": "59000", "p": "58900", "V": "EXPIRE_MAKER", "wt": "MARK_PRICE", "pm": "NONE",
    "cp": False, "pP": False, "R": True, "tt": 0, "gtd": 0, "rm": "",
}  # fmt: skip

FUTURES_ORDER = {
    "clientOrderId": "mine-1", "cumQty": "0", "executedQty": "0.005", "orderId": 88, "origQty": "0.020",
    "price": "60000", "reduceOnly": False, "side": "SELL", "positionSide": "BOTH",
    "status": "PARTIALLY_FILLED", "stopPrice": "0", "closePosition": False, "symbol": "BTCUSDT",
    "timeInForce": "GTC", "type": "LIMIT", "origType": "LIMIT", "updateTime": 1700000000002,
    "workingType": "CONTRACT_PRICE", "priceProtect": False, "priceMatch": "NONE",
    "selfTradePreventionMode": "EXPIRE_MAKER", "goodTillDate": 0,
}  # fmt: skip

ALGO_ORDER = {
    "algoId": 5001, "clientAlgoId": "mine-1", "algoType": "CONDITIONAL", "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH", "timeInForce": "GTC", "quantity": "0.020",
    "algoStatus": "NEW", "actualOrderId": "", "actualPrice": "0.00000", "triggerPrice": "59000.0",
    "price": "0.0", "icebergQuantity": None, "selfTradePreventionMode": "NONE",
    "workingType": "CONTRACT_PRICE", "priceMatch": "NONE", "closePosition": False, "priceProtect": False,
    "reduceOnly": False, "activatePrice": "", "callbackRate": "", "createTime": 1700000000001,
    "updateTime": 1700000000002, "triggerTime": 0, "goodTillDate": 0,
}  # fmt: skip


class Sample:
    """Makes messages."""

    spot_order, futures_order, algo_order = SPOT_ORDER, FUTURES_ORDER, ALGO_ORDER

    @staticmethod
    def report(**changes):
        """Return an ``executionReport``."""
        return msgspec.json.encode(REPORT | changes)

    @staticmethod
    def updated(**changes):
        """Return an ``ORDER_TRADE_UPDATE``; None leaves a field out, as the venue does."""
        order = {key: value for key, value in (UPDATED | changes).items() if value is not None}
        event = {"e": "ORDER_TRADE_UPDATE", "E": 1700000000003, "T": 1700000000001, "o": order}
        return msgspec.json.encode(event)

    @staticmethod
    def algo(**changes):
        """Return an ``ALGO_UPDATE``."""
        event = {"e": "ALGO_UPDATE", "T": 1700000000001, "E": 1700000000003, "o": ALGO | changes}
        return msgspec.json.encode(event)

    @staticmethod
    def account_update(reason, balances, positions=(), **more):
        """Return an ``ACCOUNT_UPDATE``."""
        body = {"m": reason, "B": list(balances), "P": list(positions)} | more
        return msgspec.json.encode({"e": "ACCOUNT_UPDATE", "E": 1700000000003, "T": 1700000000001, "a": body})


def is_own(client_order_id):
    """Tell our ids."""
    return client_order_id.startswith("mine-")


@pytest.fixture
def sample():
    """Make messages: ``sample.report(x="TRADE")``."""
    return Sample


@pytest.fixture
def spot():
    """Decode spot's messages."""
    return BinanceAccountDecoder(Exchange.BINANCE_SPOT, "main", is_own=is_own)


@pytest.fixture
def usd():
    """Decode USD-M's messages."""
    return BinanceAccountDecoder(Exchange.BINANCE_USD_M, "main", is_own=is_own)


@pytest.fixture
def coin():
    """Decode COIN-M's messages."""
    return BinanceAccountDecoder(Exchange.BINANCE_COIN_M, "main", is_own=is_own)
