"""What spot has beside orders: lists of orders, and what the venue tells of an account's orders (D.1)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.call import Call, Params
from toucan_execution.client.binance import messages as wire, venue_answers as answers
from toucan_execution.client.binance.endpoints import Op
from toucan_execution.client.binance.messages import Id
from toucan_execution.client.binance.normalise import id_text, moment
from toucan_execution.client.binance.params import id_param
from toucan_execution.client.binance.venue_base import BinanceVenue
from toucan_execution.client.binance.words import PREVENTIONS
from toucan_execution.orders import OrderList, SelfTradePrevention
from toucan_execution.venue import Placed
from toucan_instrument import Instrument, Pool, TradingRules
from toucan_instrument.errors import InvalidInput
from toucan_instrument.exchange.binance import rules_of
from toucan_instrument.plain import Plain

__all__ = ["Amendment", "OrderCount", "PreventedMatch", "SpotExtras"]

SECOND = 1_000_000_000
_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
MOST_PREVENTED = 1_000


class Amendment(Plain, frozen=True, kw_only=True):
    """One change of an order that kept its priority.

    Attributes:
        instrument: Of the order.
        order_id: The venue's id of it.
        execution_id: The venue's id of the change.
        old_client_order_id: The order's own id before.
        client_order_id: And after it.
        old_quantity: The quantity before.
        quantity: And after it.
        time_exchange: When, nanoseconds since the epoch.
    """

    instrument: Instrument
    order_id: str
    execution_id: str
    old_client_order_id: str
    client_order_id: str
    old_quantity: Decimal
    quantity: Decimal
    time_exchange: int


class PreventedMatch(Plain, frozen=True, kw_only=True):
    """Two orders of one account that did not trade with each other.

    Attributes:
        instrument: Of both.
        prevented_id: The venue's id of what was prevented.
        taker_order_id: The order that came.
        maker_order_id: The order that was there.
        trade_group_id: The venue's id of the accounts that count as one.
        self_trade_prevention: By which rule.
        price: The price.
        taker_prevented: How much of the taker was taken away, None where nothing was.
        maker_prevented: How much of the maker, likewise.
        time_exchange: When, nanoseconds since the epoch.
    """

    instrument: Instrument
    prevented_id: str
    taker_order_id: str
    maker_order_id: str
    trade_group_id: str
    self_trade_prevention: SelfTradePrevention
    price: Decimal
    taker_prevented: Decimal | None
    maker_prevented: Decimal | None
    time_exchange: int


class OrderCount(Plain, frozen=True, kw_only=True):
    """How many orders that were not filled count against a limit.

    Attributes:
        pool: The limit, per account.
        count: How many count now, None where the venue does not say.
    """

    pool: Pool
    count: int | None


class _Amendment(wire.Wire):
    symbol: str
    orderId: Id  # noqa: N815 - the wire's own names
    executionId: Id  # noqa: N815
    origClientOrderId: str  # noqa: N815
    newClientOrderId: str  # noqa: N815
    origQty: Decimal  # noqa: N815
    newQty: Decimal  # noqa: N815
    time: int


class _Prevented(wire.Wire):
    symbol: str
    preventedMatchId: Id  # noqa: N815
    takerOrderId: Id  # noqa: N815
    makerOrderId: Id  # noqa: N815
    tradeGroupId: Id  # noqa: N815
    selfTradePreventionMode: str  # noqa: N815
    price: Decimal
    transactTime: int  # noqa: N815
    takerPreventedQuantity: Decimal | None = None  # noqa: N815
    makerPreventedQuantity: Decimal | None = None  # noqa: N815


class _Filters(wire.Wire):
    symbolFilters: list[msgspec.Raw] = msgspec.field(default_factory=list)  # noqa: N815
    exchangeFilters: list[msgspec.Raw] = msgspec.field(default_factory=list)  # noqa: N815
    assetFilters: list[msgspec.Raw] = msgspec.field(default_factory=list)  # noqa: N815


_AMENDMENTS = wire.decoder_of(list[_Amendment])
_PREVENTED = wire.decoder_of(list[_Prevented])
_FILTERS = wire.decoder_of(_Filters)
_LIMITS = wire.decoder_of(list[wire.RateLimit])


class SpotExtras(BinanceVenue):
    """Calls that spot alone has; a part of `BinanceSpotVenue`."""

    def cancel_list(
        self, instrument: Instrument, *, list_id: str = "", client_list_id: str = ""
    ) -> Call[Placed]:
        """Return the call that cancels all orders of a list (facts D.1.9)."""
        return self._call(
            Op.CANCEL_LIST,
            (self._check_instrument(instrument), _list_id(list_id, client_list_id, "listClientOrderId")),
            lambda body, _: Placed(None, order_list=answers.spot_list(self._scope, body)),
        )

    def order_list(self, *, list_id: str = "", client_list_id: str = "") -> Call[OrderList]:
        """Return the call that gives a list (facts D.1.1)."""
        return self._call(
            Op.ORDER_LIST,
            (_list_id(list_id, client_list_id, "origClientOrderId"),),
            lambda body, _: answers.spot_list(self._scope, body),
        )

    def open_lists(self) -> Call[list[OrderList]]:
        """Return the call that gives the open lists."""
        return self._call(Op.OPEN_LISTS, (), lambda body, _: answers.spot_lists(self._scope, body))

    def amendments(
        self, instrument: Instrument, order_id: str, *, from_id: str = ""
    ) -> Call[list[Amendment]]:
        """Return the call that gives an order's changes, oldest first; `from_id` is an execution id."""
        params = (
            self._check_instrument(instrument),
            id_param("orderId", order_id),
            *((id_param("fromExecutionId", from_id, field="from_id"),) if from_id else ()),
        )
        return self._call(Op.AMENDMENTS, params, self._amendments)

    def _amendments(self, body: bytes, _: int) -> list[Amendment]:
        return [
            Amendment(
                instrument=self._scope.instrument_of(row.symbol),
                order_id=id_text(row.orderId),
                execution_id=id_text(row.executionId),
                old_client_order_id=row.origClientOrderId,
                client_order_id=row.newClientOrderId,
                old_quantity=row.origQty,
                quantity=row.newQty,
                time_exchange=moment(row.time) or 0,
            )
            for row in wire.read(_AMENDMENTS, body, "amendments")
        ]

    def prevented_matches(
        self, instrument: Instrument, *, order_id: str = "", prevented_id: str = "", from_id: str = ""
    ) -> Call[list[PreventedMatch]]:
        """Return the call that gives what self-trade prevention has prevented.

        Args:
            instrument: Of the orders.
            order_id: All that an order was part of, from `from_id` (a prevented id) on where that is given.
            prevented_id: Or this one alone.
            from_id: See `order_id`.

        Raises:
            InvalidInput: Neither, or both, of the ids are given, or one is no whole number.
        """
        if bool(order_id) is bool(prevented_id):
            raise InvalidInput(
                "it is asked for by one id",
                field="order_id",
                value=order_id,
                accepted="order_id or prevented_id",
            )
        params: Params = (self._check_instrument(instrument),)
        if prevented_id:
            params += (id_param("preventedMatchId", prevented_id, field="prevented_id"),)
        else:
            params += (id_param("orderId", order_id),)
            if from_id:
                params += (id_param("fromPreventedMatchId", from_id, field="from_id"),)
            params += (("limit", MOST_PREVENTED),)
        return self._call(Op.PREVENTED, params, self._prevented)

    def _prevented(self, body: bytes, _: int) -> list[PreventedMatch]:
        return [
            PreventedMatch(
                instrument=self._scope.instrument_of(row.symbol),
                prevented_id=id_text(row.preventedMatchId),
                taker_order_id=id_text(row.takerOrderId),
                maker_order_id=id_text(row.makerOrderId),
                trade_group_id=id_text(row.tradeGroupId),
                self_trade_prevention=PREVENTIONS.get(
                    row.selfTradePreventionMode, SelfTradePrevention.UNKNOWN
                ),
                price=row.price,
                taker_prevented=row.takerPreventedQuantity,
                maker_prevented=row.makerPreventedQuantity,
                time_exchange=moment(row.transactTime) or 0,
            )
            for row in wire.read(_PREVENTED, body, "prevented matches")
        ]

    def my_filters(self, instrument: Instrument) -> Call[TradingRules]:
        """Return the call that gives the rules that hold for this account (facts D.1.1, C.3.2).

        Those of the exchange and of assets (such as ``MAX_ASSET``) stand in `TradingRules.unknown`, as they
        came: they are not of the instrument.
        """
        return self._call(Op.MY_FILTERS, (self._check_instrument(instrument),), _my_filters)

    def order_count(self) -> Call[list[OrderCount]]:
        """Return the call that gives how many unfilled orders count against the account's limits."""
        return self._call(Op.ORDER_COUNT, (), self._order_count)

    def _order_count(self, body: bytes, _: int) -> list[OrderCount]:
        counts = []
        for row in wire.read(_LIMITS, body, "order counts"):
            unit = _UNITS.get(row.interval)
            if row.rateLimitType != "ORDERS" or unit is None:
                continue
            window = unit * row.intervalNum * SECOND
            name = f"{self.exchange.value}/orders-{row.intervalNum}{row.interval[:1].lower()}"
            pool = Pool(name, row.limit, window, "rateLimit/order")
            counts.append(OrderCount(pool=pool, count=row.count))
        return counts


def _my_filters(body: bytes, _: int) -> TradingRules:
    found = wire.read(_FILTERS, body, "filters of the account")
    rules = rules_of(found.symbolFilters, futures=False) or TradingRules()
    others = tuple(bytes(raw).decode() for raw in (*found.exchangeFilters, *found.assetFilters))
    return msgspec.structs.replace(rules, unknown=rules.unknown + others)


def _list_id(list_id: str, client_list_id: str, name: str) -> tuple[str, str | int | bool]:
    if list_id:
        return id_param("orderListId", list_id, field="list_id")
    if client_list_id:
        return name, client_list_id
    raise InvalidInput(
        "a list is named by an id", field="list_id", value="", accepted="list_id or client_list_id"
    )
