"""New orders on spot as parameters say them, and every rule that parameters break (facts D.1.3, C.9.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from toucan_execution.client.binance.words import (
    PREVENTIONS,
    RESPONSE_WORDS,
    SIDES,
    SPOT_TYPES,
    TIMES_IN_FORCE,
)
from toucan_execution.orders import (
    OrderRequest,
    OrderType,
    Peg,
    ResponseKind,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.errors import ApiError, illegal, missing
from toucan_execution.testing.sandbox.params import Params
from toucan_execution.testing.sandbox.spot_errors import (
    both_or_neither,
    neither_sent,
    not_required,
    too_precise,
    unsupported,
)
from toucan_execution.testing.sandbox.spot_memory import Note, SpotMemory
from toucan_instrument import Instrument, Side

__all__ = [
    "FIELDS",
    "ORDER_NAMES",
    "TYPES",
    "LegReader",
    "Placing",
    "Rule",
    "client_id",
    "names_of",
    "prevention",
    "response_kind",
]

FIELDS = (
    "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "clientOrderId", "strategyId",
    "strategyType", "stopPrice", "trailingDelta", "icebergQty", "pegPriceType", "pegOffsetType",
    "pegOffsetValue",
)  # fmt: skip
"""What an order can say, by the names of facts D.1.3; lists put a prefix before them (facts D.1.9)."""

TYPES: frozenset[str] = frozenset(SPOT_TYPES)
LEGAL_CLIENT_ID = "^[a-zA-Z0-9-_]{1,36}$"
CLIENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")
TIMES: Mapping[str, TimeInForce] = {word: TIMES_IN_FORCE[word] for word in ("GTC", "IOC", "FOK")}
RESPONSES: Mapping[str, ResponseKind] = {word: kind for kind, word in RESPONSE_WORDS.items()}
PEGS: Mapping[str, str] = {"PRIMARY_PEG": "primary", "MARKET_PEG": "market"}
OFFSETS: Mapping[str, bool] = {"PRICE_LEVEL": True}
LEAST_STRATEGY_TYPE = 1_000_000
MOST_PEG_LEVELS = 100
MOST_TRAILING_BIPS = 2_000
PRICE_DIGITS = 8
FULL_BY_DEFAULT = frozenset({"LIMIT", "MARKET"})
FILTERED, NEW_ORDER_REJECTED = -1013, -2010


class Rule(NamedTuple):
    """What a type needs and may have (facts D.1.3)."""

    needs: tuple[str, ...]
    may: frozenset[str] = frozenset()
    stops: bool = False


_STOP = frozenset({"stopPrice", "trailingDelta"})
_ICEBERG = frozenset({"icebergQty"})
_LIMITED = ("timeInForce", "quantity", "price")
RULES: Mapping[str, Rule] = {
    "LIMIT": Rule(_LIMITED, _ICEBERG),
    "LIMIT_MAKER": Rule(("quantity", "price"), _ICEBERG),
    "MARKET": Rule((), frozenset({"quantity", "quoteOrderQty"})),
    "STOP_LOSS": Rule(("quantity",), _STOP, stops=True),
    "STOP_LOSS_LIMIT": Rule(_LIMITED, _STOP | _ICEBERG, stops=True),
    "TAKE_PROFIT": Rule(("quantity",), _STOP, stops=True),
    "TAKE_PROFIT_LIMIT": Rule(_LIMITED, _STOP | _ICEBERG, stops=True),
}
RULED = ("timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "trailingDelta", "icebergQty")
"""The fields that not every type has."""


class Placing(NamedTuple):
    """An order to place.

    Attributes:
        request: As the engine takes it.
        note: What is to be remembered of it.
        response: How much the answer says.
    """

    request: OrderRequest
    note: Note
    response: ResponseKind


def names_of(prefix: str = "", **shared: str) -> dict[str, str]:
    """Return the parameters' names of an order's fields.

    Args:
        prefix: What stands before them, such as ``pendingAbove``; empty for an order alone.
        shared: The fields that have other names; an empty one: there is no such parameter.
    """
    if not prefix:
        return {field: field for field in FIELDS} | {"clientOrderId": "newClientOrderId"} | shared
    names = {field: prefix + field[0].upper() + field[1:] for field in FIELDS}
    return names | {"quoteOrderQty": ""} | shared


ORDER_NAMES: Mapping[str, str] = names_of()


# What all requests have.


def client_id(params: Params, name: str, memory: SpotMemory) -> str:
    """Return an id of the user's own; one is made where there is none.

    Raises:
        ApiError: -1100: it is not of the shape.
    """
    text = params.text(name) if name else ""
    if not text:
        return memory.new_id()
    if not CLIENT_ID.fullmatch(text):
        raise illegal(name, LEGAL_CLIENT_ID)
    return text


def prevention(params: Params) -> SelfTradePrevention | None:
    """Return what becomes of an order against another of its account, None where it is not said.

    Raises:
        ApiError: -1130: there is no such word.
    """
    return params.word("selfTradePreventionMode", PREVENTIONS)


def response_kind(params: Params, default: ResponseKind) -> ResponseKind:
    """Return how much an answer says.

    Raises:
        ApiError: -1130: there is no such word.
    """
    return params.word("newOrderRespType", RESPONSES) or default


class LegReader:
    """Reads one order out of a request.

    Args:
        ask: The request.
        memory: Makes the ids that are not said.
        names: The parameters' names of its fields.
        instrument: What is traded.
        word: Its type, where that is not said.
        bought: Whether its quantity is what another order has bought (OPO).
    """

    def __init__(
        self,
        ask: Ask,
        memory: SpotMemory,
        names: Mapping[str, str],
        instrument: Instrument,
        *,
        word: str = "",
        bought: bool = False,
    ) -> None:
        self._params = ask.params
        self._settings = ask.engine.settings
        self._memory = memory
        self._names = names
        self._instrument = instrument
        self._bought = bought
        self.word: str = word or self._type_word()

    def read(self, *, alone: bool = True, sor: bool = False) -> tuple[OrderRequest, Note]:
        """Return the order, and what is to be remembered of it.

        Args:
            alone: Whether it stands in no list.
            sor: Whether it goes through smart order routing.

        Raises:
            ApiError: What is wrong with it.
        """
        side = self.side()
        peg = self._peg()
        self._check_presence(pegged=peg is not None)
        quantity, iceberg = self._amount("quantity"), self._amount("icebergQty")
        price, stop = self._price("price"), self._price("stopPrice")
        time = self._time()
        bips = self._trailing()
        if iceberg is not None:
            _check_iceberg(iceberg, quantity, time)
        kind = SPOT_TYPES[self.word]
        if alone and kind is OrderType.STOP_MARKET and bips is not None and stop is None:
            kind = OrderType.TRAILING_STOP_MARKET
        request = OrderRequest(
            instrument=self._instrument,
            side=side,
            type=kind,
            quantity=quantity,
            price=price,
            quote_quantity=self._amount("quoteOrderQty"),
            time_in_force=time,
            post_only=self.word == "LIMIT_MAKER",
            trigger_price=stop,
            trailing_bips=bips,
            iceberg_quantity=iceberg,
            self_trade_prevention=prevention(self._params),
            peg=peg,
            client_order_id=client_id(self._params, self._names["clientOrderId"], self._memory),
        )
        return request, self._note(sor=sor)

    def response(self) -> ResponseKind:
        """Return how much the answer says: by default it goes by the type (facts D.1.3)."""
        default = ResponseKind.FULL if self.word in FULL_BY_DEFAULT else ResponseKind.ACK
        return response_kind(self._params, default)

    def side(self) -> Side:
        """Return whether it buys or sells.

        Raises:
            ApiError: -1117: there is no such side.
        """
        error = ApiError(-1117, "Invalid side.")
        found = self._params.word(self._names["side"], SIDES, error)
        if found is None:
            raise error
        return found

    # Words.

    def _has(self, field: str) -> bool:
        return self._names[field] in self._params

    def _type_word(self) -> str:
        word = self._params.text(self._names["type"])
        if word not in TYPES:
            raise ApiError(-1116, "Invalid orderType.")
        return word

    def _time(self) -> TimeInForce | None:
        name = self._names["timeInForce"]
        return self._params.word(name, TIMES, ApiError(-1115, "Invalid timeInForce."))

    def _check_presence(self, *, pegged: bool) -> None:
        """Refuse fields that the type does not have, and miss those that it needs."""
        rule, names = RULES[self.word], self._names
        for field in RULED:
            known = field in rule.needs or field in rule.may
            if self._has(field) and not (known and not (field == "quantity" and self._bought)):
                raise not_required(names[field])
        for field in rule.needs:
            spared = (field == "price" and pegged) or (field == "quantity" and self._bought)
            if not self._has(field) and not spared:
                raise missing(names[field])
        if rule.stops and not (self._has("stopPrice") or self._has("trailingDelta")):
            raise neither_sent(names["stopPrice"], names["trailingDelta"])
        if self.word == "MARKET" and not self._bought:
            self._check_market_amount()
        if pegged and self._has("price"):
            raise unsupported()  # the sandbox takes one or the other; see its documentation

    def _check_market_amount(self) -> None:
        quote = self._names["quoteOrderQty"]
        if self._has("quantity") and self._has("quoteOrderQty"):
            raise not_required(quote)
        if not self._has("quantity") and not self._has("quoteOrderQty"):
            raise neither_sent(self._names["quantity"], quote)

    # Numbers.

    def _number(self, field: str, digits: int) -> Decimal | None:
        name = self._names[field]
        value = self._params.decimal(name)
        if value is None:
            return None
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -digits:
            raise too_precise(name)
        if value <= 0:
            raise ApiError(FILTERED, f"Invalid {name}.")
        return value

    def _amount(self, field: str) -> Decimal | None:
        base = field != "quoteOrderQty"
        asset = self._instrument.base if base else self._instrument.quote
        return self._number(field, self._settings.digits_of(asset))

    def _price(self, field: str) -> Decimal | None:
        return self._number(field, PRICE_DIGITS)

    def _trailing(self) -> int | None:
        bips = self._params.integer(self._names["trailingDelta"])
        if bips is not None and not 1 <= bips <= MOST_TRAILING_BIPS:
            raise ApiError(FILTERED, "Filter failure: TRAILING_DELTA")
        return bips

    def _peg(self) -> Peg | None:
        names = self._names
        price = self._params.word(names["pegPriceType"], PEGS, ApiError(-1210, "Invalid pegPriceType."))
        self._params.word(names["pegOffsetType"], OFFSETS, ApiError(-1211, "Invalid pegOffsetType."))
        levels = self._params.integer(names["pegOffsetValue"])
        if self._has("pegOffsetType") != (levels is not None):
            raise both_or_neither(names["pegOffsetType"], names["pegOffsetValue"])
        if price is None:
            if levels is not None:
                raise missing(names["pegPriceType"])
            return None
        if levels is not None and not 1 <= levels <= MOST_PEG_LEVELS:
            name = names["pegOffsetValue"]
            text = f"'{name}' contains unexpected value. Cannot be greater than '{MOST_PEG_LEVELS}'."
            raise ApiError(-1102, text)
        self._check_peg(price)
        return Peg(price, levels)

    def _check_peg(self, price: str) -> None:
        if "price" not in RULES[self.word].needs or (self.word == "LIMIT_MAKER" and price == "market"):
            raise ApiError(NEW_ORDER_REJECTED, "This price peg cannot be used with this order type.")
        if self.word == "LIMIT" and price == "primary" and self._time() not in {None, TimeInForce.GTC}:
            raise unsupported()

    # What is only remembered.

    def _note(self, *, sor: bool) -> Note:
        params, names = self._params, self._names
        strategy_type = params.integer(names["strategyType"])
        if strategy_type is not None and strategy_type < LEAST_STRATEGY_TYPE:
            raise ApiError(-1134, f"{names['strategyType']} was less than {LEAST_STRATEGY_TYPE}.")
        peg: tuple[str, str | None, int | None] | None = None
        if self._has("pegPriceType"):
            offset: Any = params.text(names["pegOffsetType"]) or None
            peg = (params.text(names["pegPriceType"]), offset, params.integer(names["pegOffsetValue"]))
        return Note(
            strategy_id=params.integer(names["strategyId"]), strategy_type=strategy_type, peg=peg, sor=sor
        )


def _check_iceberg(iceberg: Decimal, quantity: Decimal | None, time: TimeInForce | None) -> None:
    if time not in {None, TimeInForce.GTC}:
        raise unsupported()
    if quantity is not None and iceberg > quantity:
        raise ApiError(NEW_ORDER_REJECTED, "IcebergQty exceeds QTY.")
