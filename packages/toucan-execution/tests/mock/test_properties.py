"""Whatever is done in whatever order: nothing is made or lost, and the rules of the market hold."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from toucan_execution.account import PositionMode
from toucan_execution.events import OrderUpdate
from toucan_execution.mock.results import Done
from toucan_execution.mock.settings import EngineSettings, FeeSchedule, FeesIn
from toucan_execution.orders import (
    ListKind,
    OrderListRequest,
    OrderStatus,
    PositionSide,
    SelfTradePrevention,
    TimeInForce,
)
from toucan_instrument import Exchange, Side

D = Decimal

NAMES = "abc"
PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 40).map(lambda count: D(count) / 10)
SIDES = st.sampled_from(["buy", "sell"])
TIMES = st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK])
ACCOUNTS = st.sampled_from(NAMES)
ORDERS = st.fixed_dictionaries(
    {
        "name": ACCOUNTS,
        "side": SIDES,
        "kind": st.sampled_from(
            ["limit"] * 6 + ["market", "market", "stop_market", "stop_limit", "take_profit_market"]
        ),
        "quantity": QUANTITIES,
        "price": PRICES,
        "trigger": PRICES,
        "time": TIMES,
        "post_only": st.booleans(),
        "shown": st.sampled_from([None, None, D("0.3")]),
        "by_quote": st.booleans(),
        "reduce": st.booleans(),
        "mode": st.sampled_from([None, *(each for each in SelfTradePrevention)][:6]),
        "position": st.sampled_from([PositionSide.LONG, PositionSide.SHORT]),
    }
)
STEPS = st.one_of(
    ORDERS.map(lambda order: ("place", order)),
    ORDERS.map(lambda order: ("place", order)),
    ORDERS.map(lambda order: ("place", order)),
    st.tuples(st.just("cancel"), ACCOUNTS, st.integers(0, 9)),
    st.tuples(st.just("amend"), ACCOUNTS, st.integers(0, 9), QUANTITIES, PRICES),
    st.tuples(
        st.just("book"),
        st.lists(st.tuples(st.integers(94, 106), QUANTITIES), max_size=5),
        st.integers(95, 105),
    ),
    st.tuples(st.just("trade"), PRICES, QUANTITIES, SIDES),
    st.tuples(st.just("mark"), PRICES),
    st.tuples(st.just("pair"), ACCOUNTS, SIDES, QUANTITIES, st.booleans()),
    st.tuples(st.just("pay"), ACCOUNTS, st.integers(-50, 50), st.sampled_from(["BTC", "USDT"])),
    st.tuples(st.just("fund"), st.integers(-9, 9)),
)
FLOWS = st.lists(STEPS, min_size=1, max_size=40)
FEES = st.sampled_from(
    [
        FeeSchedule(),
        FeeSchedule(maker=D("0.001"), taker=D("0.0017")),
        FeeSchedule(maker=D("-0.0003"), taker=D("0.0017"), paid_in=FeesIn.QUOTE),
        FeeSchedule(maker=D("0.001"), taker=D("0.0007"), paid_in=FeesIn.BASE),
        FeeSchedule(
            maker=D("0.001"),
            taker=D("0.001"),
            asset="BNB",
            discount=D("0.75"),
            prices={"USDT": D(300), "BTC": D("0.003")},
        ),
    ]
)


class Flow:
    """Drives a paper exchange by steps, and notes what happens."""

    def __init__(self, world):
        self.world = world
        self.spot = world.engine.settings.spot

    def run(self, step):
        name, *values = step
        getattr(self, name)(*values)

    def place(self, order):
        world, kind = self.world, order["kind"]
        more = {
            "self_trade_prevention": order["mode"]
            if order["mode"] in world.engine.settings.allowed_prevention
            else None
        }
        price, quantity = None, order["quantity"]
        if "limit" in kind:
            price = order["price"]
            more["time_in_force"] = order["time"]
            if order["time"] is TimeInForce.GTC and kind == "limit":
                more["post_only"] = order["post_only"]
                if self.spot and order["shown"] and order["shown"] <= quantity:
                    more["iceberg_quantity"] = order["shown"]
        if "stop" in kind or "profit" in kind:
            more["trigger_price"] = D(order["trigger"])
        if self.spot and kind == "market" and order["by_quote"]:
            more["quote_quantity"], quantity = quantity * 100, None
        if not self.spot:
            if world.engine.position_mode(order["name"]) is PositionMode.HEDGE:
                more["position_side"] = order["position"]
            else:
                more["reduce_only"] = order["reduce"]
            if world.instrument.inverse:
                quantity *= 10
        world.place(order["name"], order["side"], kind, quantity, price, **more)

    def _some_order(self, name, number):
        orders = self.world.engine.open_orders(name)
        return orders[number % len(orders)] if orders else None

    def cancel(self, name, number):
        if (order := self._some_order(name, number)) is not None:
            assert isinstance(self.world.cancel(name, order), Done)

    def amend(self, name, number, quantity, price):
        order = self._some_order(name, number)
        if order is None or not order.order_id:
            return
        if self.spot:
            self.world.amend(name, order, quantity=quantity)
        else:
            self.world.amend(
                name, order, quantity=quantity * (10 if self.world.instrument.inverse else 1), price=price
            )

    def book(self, levels, middle):
        bids = {price: quantity for price, quantity in levels if price < middle}
        asks = {price: quantity for price, quantity in levels if price > middle}
        self.world.book(bids=bids.items(), asks=asks.items())

    def trade(self, price, quantity, side):
        self.world.trade(price, quantity, side)

    def mark(self, price):
        self.world.mark(price)

    def pair(self, name, side, quantity, waits):
        if not self.spot:
            return
        world = self.world
        limit = world.request(side, "limit", quantity, 107 if side == "sell" else 93, post_only=True)
        stop = world.request(side, "stop_market", quantity, trigger_price=D(93 if side == "sell" else 107))
        pair = (limit, stop) if side == "sell" else (stop, limit)
        other = "buy" if side == "sell" else "sell"
        orders = (world.request(other, "limit", quantity, 100), *pair) if waits else pair
        kind = ListKind.OTOCO if waits else ListKind.OCO
        request = OrderListRequest(instrument=world.instrument, kind=kind, orders=orders)
        world.engine.place_list(name, request, world.tick())

    def pay(self, name, amount, asset):
        engine, world = self.world.engine, self.world
        if not self.spot:
            asset = world.instrument.settle
        if amount > 0:
            engine.deposit(name, asset, D(amount), world.tick())
        elif amount < 0:
            engine.withdraw(name, asset, D(-amount), world.tick())

    def fund(self, rate):
        if not self.spot:
            self.world.engine.fund(self.world.instrument, D(rate) / 10_000, self.world.tick(), mark=D(100))


def nothing_is_made_or_lost(world):
    ledger = world.engine.ledger
    for asset in {asset for holder in (*NAMES, "@fees", "@market") for asset in ledger.assets(holder)}:
        assert ledger.total(asset) == 0


def locks_are_what_open_orders_need(world, fees):
    """Compute what is locked again, from nothing but the orders as everybody sees them."""
    for name in NAMES:
        needs = defaultdict(dict)
        for order in world.engine.open_orders(name):
            if order.status_venue == "PENDING_NEW":
                continue
            buying = order.side is Side.BUY
            price = order.price or order.trigger_price
            amount = order.remaining * price if buying else order.remaining
            if fees.paid_in is (FeesIn.QUOTE if buying else FeesIn.BASE):
                amount *= 1 + max(fees.maker, fees.taker, 0)
            key = order.list_id or f"order {order.order_id}"
            asset = "USDT" if buying else "BTC"
            needs[asset][key] = max(needs[asset].get(key, 0), amount)
        for asset in ("BTC", "USDT", "BNB"):
            balance = world.balance(name, asset)
            if balance is not None:
                assert balance.locked == sum(needs[asset].values())
                assert balance.free == balance.total - balance.locked
                assert balance.free >= 0


def quantities_add_up(world):
    for name in NAMES:
        for event in world.events[name]:
            if isinstance(event, OrderUpdate):
                order = event.order
                assert order.filled_quantity >= 0
                assert order.prevented_quantity >= 0
                if order.is_open and order.quantity is not None:
                    parts = order.filled_quantity + order.prevented_quantity + order.remaining
                    assert order.quantity == parts
                    assert order.remaining > 0
                if order.status in (OrderStatus.FILLED, OrderStatus.EXPIRED_IN_MATCH):
                    assert order.quantity == order.filled_quantity + order.prevented_quantity
                    by_quote = (
                        order.quote_quantity is not None
                    )  # stopped, and nobody can say at what quantity
                    assert by_quote or (order.status is OrderStatus.FILLED) == (order.prevented_quantity == 0)


def the_book_is_not_crossed(world):
    bids, asks = world.engine.depth(world.instrument)
    assert not (bids and asks) or bids[0][0] < asks[0][0]
    assert all(quantity > 0 for _, quantity in (*bids, *asks))


def fills_are_those_of_the_orders(world):
    for name in NAMES:
        filled = defaultdict(Decimal)
        for fill in world.fills(name):
            filled[fill.order_id] += fill.quantity
        orders = world.engine.orders(name, world.instrument, 0, world.now)
        for order in orders:
            assert order.filled_quantity == filled[order.order_id]


@given(flow=FLOWS, fees=FEES)
def test_spot_money_is_conserved_and_orders_are_kept_to(world, flow, fees):
    spot = world(fees=fees, funds=1000)
    steps = Flow(spot)
    for step in flow:
        steps.run(step)
        nothing_is_made_or_lost(spot)
        locks_are_what_open_orders_need(spot, fees)
        the_book_is_not_crossed(spot)
    quantities_add_up(spot)
    fills_are_those_of_the_orders(spot)
    for name in NAMES:
        balances_told = {
            event.balance.asset: event.balance for event in spot.events[name] if hasattr(event, "balance")
        }
        for balance in spot.engine.balances(name):
            assert balances_told[balance.asset] == balance


@given(flow=FLOWS, fees=FEES, hedge=st.booleans())
@pytest.mark.parametrize("exchange", [Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M])
def test_futures_positions_and_profits_are_those_of_the_fills(world, exchange, flow, fees, hedge):
    futures = world(exchange, fees=fees, funds=3000)
    if hedge:
        futures.engine.set_position_mode("a", PositionMode.HEDGE, futures.tick())
    steps = Flow(futures)
    for step in flow:
        steps.run(step)
        nothing_is_made_or_lost(futures)
        the_book_is_not_crossed(futures)
        margins_are_what_positions_and_orders_need(futures)
    quantities_add_up(futures)
    for name in NAMES:
        check_account(futures, name)


def margins_are_what_positions_and_orders_need(world):
    """Compute margins again, from nothing but positions and orders as everybody sees them."""
    instrument, mark = world.instrument, world.engine.mark_price(world.instrument)

    def worth(quantity, price):
        if instrument.inverse:
            return Fraction(quantity) * 100 / Fraction(price)
        return Fraction(quantity) * Fraction(price)

    for name in NAMES:
        needs = defaultdict(lambda: [Fraction(0), Fraction(0), Fraction(0)])
        for position in world.engine.positions(name):
            needs[position.side][0] = worth(position.quantity, mark)
        for order in world.engine.open_orders(name):
            closes = (order.side is Side.BUY) == (order.position_side is PositionSide.SHORT)
            reduces = order.reduce_only or (order.position_side is not PositionSide.BOTH and closes)
            if order.price is not None and order.triggered is not False and not reduces:
                needs[order.position_side][1 if order.side is Side.BUY else 2] += worth(
                    order.remaining, order.price
                )
        expected = sum(max(abs(held + buys), abs(held - sells)) / 20 for held, buys, sells in needs.values())
        balance = world.balance(name, instrument.settle)
        if balance is not None:
            assert 0 <= Fraction(balance.locked) - expected < Fraction(len(needs) + 1, 10**8)
            assert balance.free == balance.total + balance.unrealized_profit - balance.locked


def check_account(world, name):
    """Compute positions and profits again, from the fills alone."""
    instrument = world.instrument
    held, cost, profit, reducing = defaultdict(Decimal), defaultdict(Fraction), D(0), set()
    for order in world.engine.orders(name, instrument, 0, world.now):
        if order.reduce_only or order.position_side is not PositionSide.BOTH:
            reducing.add(order.order_id)
    for fill in world.fills(name):
        key = fill.position_side
        signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
        before, after = held[key], held[key] + signed
        closes = before and (before > 0) != (signed > 0)
        if fill.order_id in reducing and (key is PositionSide.BOTH or closes):
            assert abs(after) < abs(before)
            assert after == 0 or (after > 0) == (before > 0)
        if key is not PositionSide.BOTH:
            assert (after >= 0) if key is PositionSide.LONG else (after <= 0)
        profit += fill.realized_profit
        closing = min(abs(before), abs(signed)) if closes else D(0)
        signed_closing = closing if signed > 0 else -closing
        if instrument.inverse:
            sized = Fraction(100) / Fraction(fill.price)
            share = cost[key] * Fraction(closing) / abs(Fraction(before)) if closing else Fraction(0)
            gain = share + sized * Fraction(signed_closing)
            assert abs(Fraction(fill.realized_profit) - gain) <= Fraction(1, 2 * 10**8)
            cost[key] += sized * Fraction(signed - signed_closing) - share
        else:
            # Exact whatever was rounded on the way: what was paid is realised, or still in the cost.
            cost[key] += Fraction(signed) * Fraction(fill.price) + Fraction(fill.realized_profit)
        held[key] = after
        if not after and not instrument.inverse:
            assert cost[key] == 0
    for key, quantity in held.items():
        found = next((each for each in world.engine.positions(name) if each.side is key), None)
        assert (D(0) if found is None else found.quantity) == quantity
        if found is not None and not instrument.inverse:
            assert abs(found.entry_price - D(cost[key].numerator) / cost[key].denominator / quantity) < D(
                "1e-15"
            )
    wallet = world.balance(name, instrument.settle)
    ledger = [line for line in world.engine.income(name, 0, world.now) if line.asset == instrument.settle]
    assert (D(0) if wallet is None else wallet.total) == sum(line.amount for line in ledger)
    assert sum((line.amount for line in ledger if line.kind == "REALIZED_PNL"), D(0)) == profit


@given(
    flow=st.lists(
        st.tuples(
            ACCOUNTS, SIDES, QUANTITIES, PRICES, st.sampled_from(["limit", "limit", "limit", "market"])
        ),
        max_size=60,
    )
)
def test_price_and_time_decide_who_is_filled(world, flow):
    """Compare with a book that is nothing but a sorted list."""
    spot = world(funds=10**9, settings=EngineSettings())
    resting = {"buy": [], "sell": []}  # (price that sorts, number, name, left)
    for number, (name, side, quantity, price, kind) in enumerate(flow):
        other = "sell" if side == "buy" else "buy"
        expected, left, queue = [], quantity, sorted(resting[other])
        while queue and left:
            rank, place, maker, has = queue[0]
            at = rank if other == "sell" else -rank
            if kind == "limit" and (at > price if side == "buy" else at < price):
                break
            taken = min(left, has)
            expected.append((maker, at, taken))
            left -= taken
            queue[0] = (rank, place, maker, has - taken)
            if has == taken:
                del queue[0]
        resting[other] = queue
        if kind == "limit" and left:
            resting[side].append((price if side == "sell" else -price, number, name, left))
        before = {each: len(spot.fills(each)) for each in NAMES}
        spot.done(name, side, kind, quantity, price if kind == "limit" else None)
        fills = [fill for each in NAMES for fill in spot.fills(each)[before[each] :] if fill.maker]
        fills.sort(key=lambda fill: int(fill.trade_id))
        assert [(fill.account, fill.price, fill.quantity) for fill in fills] == expected


@given(flow=FLOWS, exchange=st.sampled_from([Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M]))
def test_the_same_flow_gives_the_same_events(world, exchange, flow):
    first, second = world(exchange, funds=1000), world(exchange, funds=1000)
    for each in (first, second):
        steps = Flow(each)
        for step in flow:
            steps.run(step)
    assert first.events == second.events
    assert first.public == second.public
