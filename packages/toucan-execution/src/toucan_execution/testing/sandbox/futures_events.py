"""What futures accounts are told: the events of facts E.5, made of what the engine tells.

The events of one call of the engine become, in order: of each order what happened to it; before the first
fill, once, balances and positions as they are after the call. The engine tells of a fill before it tells of
the order that was filled: they are one event here.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from toucan_execution.account import Balance, MarginType, Position
from toucan_execution.client.binance.words import (
    FUTURES_TYPE_WORDS,
    POSITION_SIDE_WORDS,
    PREVENTION_WORDS,
    SIDE_WORDS,
    TRIGGER_PRICE_WORDS,
)
from toucan_execution.events import (
    AccountConfigUpdate,
    AccountEvent,
    BalanceUpdate,
    FundingUpdate,
    OrderUpdate,
    PositionUpdate,
    TradeUpdate,
)
from toucan_execution.mock.amounts import add
from toucan_execution.orders import (
    ZERO,
    Order,
    OrderStatus,
    OrderType,
    PositionSide,
    SelfTradePrevention,
    TriggerPrice,
)
from toucan_execution.testing.sandbox.futures_account import open_worth, shown_worth
from toucan_execution.testing.sandbox.futures_core import FuturesCore
from toucan_execution.testing.sandbox.futures_rows import (
    AVERAGE,
    Row,
    actual_id,
    actual_type,
    algo_status,
    digits_of,
    fixed,
    is_regular,
    millis,
    money,
    time_word,
)
from toucan_execution.testing.sandbox.wire import Payload
from toucan_instrument import Instrument, Side

__all__ = ["FuturesEvents"]

PREVENTED, TRADE, TRIGGERED, AMENDMENT = "TRADE_PREVENTION", "TRADE", "TRIGGERED", "AMENDMENT"
ORDER, FUNDING = "ORDER", "FUNDING_FEE"
EXPIRY_CODES = {
    "UNFILLED_IOC_QUANTITY_EXPIRED": "2",
    "NOTHING_LEFT_TO_REDUCE": "4",
    "INSUFFICIENT_LIQUIDITY": "9",
    "UNFILLED_FOK_ORDER_EXPIRED": "10",
    "POST_ONLY_WOULD_TAKE": "11",
}
"""The engine's reasons in the venue's numbers (facts E.5)."""
BY_PREVENTION, NO_EXPIRY = "1", "0"


class _Offers:
    """What the open orders of an account in an instrument are worth."""

    def __init__(self) -> None:
        self.sums: dict[Side, Fraction] = {Side.BUY: Fraction(0), Side.SELL: Fraction(0)}
        self._orders: dict[str, Fraction] = {}

    def note(self, order: Order) -> None:
        """Take note of what an order is worth now."""
        value = open_worth(order)
        self.sums[order.side] += value - self._orders.pop(order.order_id, Fraction(0))
        if value:
            self._orders[order.order_id] = value


class FuturesEvents:
    """Makes the events of a market's accounts.

    Args:
        core: What all endpoints share.
    """

    def __init__(self, core: FuturesCore) -> None:
        self._core = core
        self._offers: dict[tuple[str, Instrument], _Offers] = {}

    def payloads(self, account: str, events: list[AccountEvent]) -> list[Payload]:
        """Return what an account is told of the events of one call, in order."""
        accounts = self._account_updates(account, events)
        refused = {
            each.order.algo_id
            for each in events
            if isinstance(each, OrderUpdate) and each.order.status is OrderStatus.REJECTED
        }
        told: list[Payload] = []
        fills: dict[tuple[Instrument, str], TradeUpdate] = {}
        for each in events:
            if isinstance(each, TradeUpdate):
                fills[each.instrument, each.order_id] = each
            elif isinstance(each, OrderUpdate):
                fill = None
                if each.execution == TRADE:
                    fill = fills.pop((each.order.instrument, each.order.order_id), None)
                if fill is not None:
                    told += self._early(each.order, fill)
                    told += accounts.pop(ORDER, [])
                told += self._order(account, each, fill, refused=each.order.algo_id in refused)
            elif isinstance(each, AccountConfigUpdate) and each.instrument is not None:
                told.append(_config(each))
        return told + [payload for payloads in accounts.values() for payload in payloads]

    # Balances and positions.

    def _account_updates(self, account: str, events: list[AccountEvent]) -> dict[str, list[Payload]]:
        """Return what is told of balances and positions, by why they have changed."""
        balances: dict[str, list[BalanceUpdate]] = {}
        positions: dict[str, list[Position]] = {}
        funding: dict[str, Decimal] = {}
        funded: Instrument | None = None
        now_ns = 0
        for each in events:
            if isinstance(each, FundingUpdate):
                funding[each.asset] = add(funding.get(each.asset, ZERO), each.amount or ZERO)
                funded = each.instrument
            elif isinstance(each, (BalanceUpdate, PositionUpdate)):
                now_ns = each.time_exchange or 0
                reason = _reason(each)
                changed = balances.setdefault(reason, [])
                held = positions.setdefault(reason, [])
                if isinstance(each, BalanceUpdate):
                    changed.append(each)
                else:
                    held.append(each.position)
        found: dict[str, list[Payload]] = {}
        for reason, changed in balances.items():
            held = positions[reason]
            if reason == FUNDING and funded is not None:
                held = [*held, *self._isolated(account, funded)]
            rows = [(each.balance, funding.get(each.balance.asset, each.change)) for each in changed]
            update = self.account_update(account, reason, now_ns, balances=rows, positions=held)
            if reason == FUNDING and funded is not None:
                update["a"]["S"] = funded.symbol
            found[reason] = [update]
        return found

    def _isolated(self, account: str, instrument: Instrument) -> list[Position]:
        """Return the isolated positions of an instrument: funding tells of them too (facts E.5)."""
        found = self._core.engine.positions(account, instrument)
        return [each for each in found if each.margin_type is MarginType.ISOLATED]

    def account_update(
        self,
        account: str,
        reason: str,
        now_ns: int,
        *,
        balances: Iterable[tuple[Balance, Decimal | None]],
        positions: Iterable[Position],
    ) -> Payload:
        """Return an ``ACCOUNT_UPDATE``.

        Args:
            account: Whose.
            reason: Why, in the venue's word.
            now_ns: When.
            balances: Those that have changed, each with what was paid in or out.
            positions: Those that have changed.
        """
        body = {
            "m": reason,
            "B": [
                {
                    "a": each.asset, "wb": money(each.total), "cw": money(each.cross_wallet),
                    "bc": fixed(change, 0) if not change else money(change),
                }
                for each, change in balances
            ],
            "P": [self._position(each) for each in positions],
        }  # fmt: skip
        return self._named("ACCOUNT_UPDATE", account, now_ns, {"a": body})

    def _position(self, position: Position) -> Row:
        price, quantity = digits_of(position.instrument)
        isolated = position.margin_type is MarginType.ISOLATED
        entry = fixed(position.entry_price, price)
        row = {
            "s": position.instrument.symbol, "pa": fixed(position.quantity, quantity), "ep": entry,
            "bep": entry, "cr": money(position.realized_profit), "up": money(position.unrealized_profit),
            "mt": "isolated" if isolated else "cross",
            "iw": money(position.isolated_margin) if isolated else "0",
            "ps": POSITION_SIDE_WORDS[position.side],
        }  # fmt: skip
        return row if self._core.coin else {**row, "ma": position.margin_asset}

    def _named(self, name: str, account: str, now_ns: int, body: Row) -> Payload:
        """Return an event with its times; on COIN-M it says whose it is (facts E.5)."""
        now = millis(now_ns)
        head: Payload = {"e": name, "E": now, "T": now}
        if self._core.coin:
            head["i"] = self._core.alias_of(account)
        return {**head, **body}

    # Orders.

    def _early(self, order: Order, fill: TradeUpdate) -> list[Payload]:
        """Return the early word of a fill, which USD-M alone gives (facts E.5)."""
        if self._core.coin:
            return []
        price, quantity = digits_of(order.instrument)
        now = millis(fill.time_exchange)
        return [
            {
                "e": "TRADE_LITE", "E": now, "T": now, "s": order.instrument.symbol,
                "q": fixed(order.quantity, quantity), "p": fixed(order.price, price), "m": bool(fill.maker),
                "c": order.client_order_id, "S": SIDE_WORDS[order.side], "L": fixed(fill.price, price),
                "l": fixed(fill.quantity, quantity), "t": int(fill.trade_id), "i": int(order.order_id),
            }
        ]  # fmt: skip

    def _order(
        self, account: str, update: OrderUpdate, fill: TradeUpdate | None, *, refused: bool
    ) -> list[Payload]:
        """Return what is told of a change of an order: of a conditional one, both of its sides."""
        order, now_ns = update.order, update.time_exchange or 0
        if not order.algo_id:
            return [self._regular(account, order, update.execution, now_ns, fill)]
        if update.execution == TRIGGERED:
            self._core.notes.keep(account, order).trigger_ns = now_ns
            told = [self._algo(account, order, "TRIGGERING", now_ns)]
            if refused:  # there will be no regular order
                return told
            told.append(self._algo(account, order, "TRIGGERED", now_ns))
            return [*told, self._regular(account, order, "NEW", now_ns, None)]
        told = []
        if is_regular(order):
            told.append(self._regular(account, order, update.execution, now_ns, fill))
        if not is_regular(order) or not order.is_open:
            told.append(self._algo(account, order, algo_status(order), now_ns))
        return told

    def _regular(
        self, account: str, order: Order, execution: str, now_ns: int, fill: TradeUpdate | None
    ) -> Payload:
        note = self._core.notes.of(account, order)
        price, quantity = digits_of(order.instrument)
        kind, last = actual_type(order), fill.quantity if fill else ZERO
        body: Row = {
            "s": order.instrument.symbol, "c": order.client_order_id, "S": SIDE_WORDS[order.side], "o": kind,
            "f": time_word(order, note), "q": fixed(order.quantity, quantity),
            "p": fixed(order.price, price), "ap": fixed(order.average_price, price), "sp": "0",
            "x": "EXPIRED" if execution == PREVENTED else execution, "X": order.status_venue,
            "i": int(order.order_id), "l": fixed(last, quantity),
            "z": fixed(order.filled_quantity, quantity), "L": fixed(fill.price if fill else ZERO, price),
            "T": millis(now_ns), "t": int(fill.trade_id) if fill else 0,
            **self._offered(account, order),
            "m": bool(fill and fill.maker), "R": order.reduce_only or order.close_position,
            "wt": "CONTRACT_PRICE", "ot": kind,
            "ps": POSITION_SIDE_WORDS[order.position_side or PositionSide.BOTH], "cp": order.close_position,
            "pP": False, "rp": money(fill.realized_profit) if fill else "0",
            "V": PREVENTION_WORDS[order.self_trade_prevention or SelfTradePrevention.NONE],
            "pm": note.price_match, "er": _expiry(order, execution),
        }  # fmt: skip
        if fill is not None and fill.fee_asset:
            body |= {"N": fill.fee_asset, "n": money(fill.fee)}
        if self._core.coin:
            body["ma"] = order.instrument.settle
        else:
            body |= {"si": 0, "ss": 0, "gtd": millis(order.good_till_ns)}
        modify_id = self._core.notes.modify_id_of(account, order) if execution == AMENDMENT else ""
        if modify_id:
            body["M"] = modify_id
        return self._named("ORDER_TRADE_UPDATE", account, now_ns, {"o": body})

    def _offered(self, account: str, order: Order) -> Row:
        """Return what the open buys and sells of an instrument are worth, after what happened."""
        key = (account, order.instrument)
        offers = self._offers.get(key)
        if offers is None:
            offers = self._offers[key] = _Offers()
        offers.note(order)
        return {
            "b": fixed(shown_worth(offers.sums[Side.BUY], order.instrument), 0),
            "a": fixed(shown_worth(offers.sums[Side.SELL], order.instrument), 0),
        }

    def _algo(self, account: str, order: Order, status: str, now_ns: int) -> Payload:
        """Return what is told of a conditional order."""
        note = self._core.notes.of(account, order)
        price, quantity = digits_of(order.instrument)
        trails = order.type is OrderType.TRAILING_STOP_MARKET
        actual = "" if status == "TRIGGERING" else actual_id(order)
        body: Row = {
            "caid": order.client_order_id, "aid": int(order.algo_id), "at": "CONDITIONAL",
            "o": FUTURES_TYPE_WORDS[order.type], "s": order.instrument.symbol, "S": SIDE_WORDS[order.side],
            "ps": POSITION_SIDE_WORDS[order.position_side or PositionSide.BOTH], "f": time_word(order, note),
            "q": fixed(order.quantity, quantity), "X": status, "ai": actual,
            "ap": fixed(order.average_price, AVERAGE), "aq": fixed(order.filled_quantity, AVERAGE),
            "act": actual_type(order) if actual else "0", "tp": fixed(order.trigger_price, price),
            "p": fixed(order.price, price),
            "V": PREVENTION_WORDS[order.self_trade_prevention or SelfTradePrevention.NONE],
            "wt": TRIGGER_PRICE_WORDS[order.trigger_by or TriggerPrice.LAST], "pm": note.price_match,
            "cp": order.close_position, "pP": note.price_protect, "R": order.reduce_only,
            "tt": millis(note.trigger_ns), "gtd": millis(order.good_till_ns),
            "rm": order.reason if status == "REJECTED" else "",
        }  # fmt: skip
        if trails:
            active = order.activation_price
            body |= {
                "AP": fixed(active, price), "cr": note.callback_rate,
                "ia": active is None or bool(order.triggered),
            }  # fmt: skip
        return self._named("ALGO_UPDATE", account, now_ns, {"o": body})


def _config(update: AccountConfigUpdate) -> Payload:
    now = millis(update.time_exchange)
    symbol = update.instrument.symbol if update.instrument else ""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": now, "ac": {"s": symbol, "l": update.leverage}}


def _reason(update: BalanceUpdate | PositionUpdate) -> str:
    """Return why a balance or a position has changed; a transfer is a deposit of one side."""
    if update.reason == "TRANSFER" and isinstance(update, BalanceUpdate):
        return "WITHDRAW" if (update.change or ZERO) < 0 else "DEPOSIT"
    return update.reason


def _expiry(order: Order, execution: str) -> str:
    """Return why an order has expired, in the venue's number."""
    if execution == PREVENTED or order.status is OrderStatus.EXPIRED_IN_MATCH:
        return BY_PREVENTION
    return EXPIRY_CODES.get(order.reason, NO_EXPIRY)
