"""Random runs: two of our clients, a market that moves, faults of every kind; when it is quiet all agree."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest

from toucan_execution.events import TradeUpdate
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    ListKind,
    OrderListRequest,
    OrderType,
    TimeInForce,
)
from toucan_execution.outcome import Accepted, Reason, Rejected, ReplaceOutcome, Unknown
from toucan_execution.testing.sandbox import (
    Action,
    Fault,
    banned,
    last_moment,
    reply_lost,
    request_lost,
    service_unavailable,
    throttled,
    timed_out,
    too_many_requests,
    unknown_error,
)
from toucan_instrument import Side
from toucan_instrument.errors import InvalidInput, RequestError

D = Decimal
SECOND = 1_000_000_000
EVENT = {"spot": "executionReport", "usd-m": "ORDER_TRADE_UPDATE", "coin-m": "ORDER_TRADE_UPDATE"}
WAYS = [
    {"kind": "hmac", "orders_over": "rest"},
    {"kind": "ed25519", "orders_over": "websocket"},
]


class Game:
    """Two clients that do whatever comes to their mind."""

    def __init__(self, stage, seed, *, faulty):
        self.stage, self.chance, self.faulty = stage, random.Random(seed), faulty
        self.players = []
        self.unknown = []
        self.outcomes = {Accepted: 0, Rejected: 0, Unknown: 0}
        self.reasons = set()
        self.settled = {Accepted: 0, Rejected: 0}
        self.lossy = False
        self.work = set()

    # What may be done.

    def some(self, player):
        orders = [order for order in player.client.account.open_orders(allow_stale=True) if order.order_id]
        return self.chance.choice(orders) if orders else None

    def price(self, away=30):
        tick = self.stage.instrument.rules.tick_size
        return self.stage.bid + tick * self.chance.randint(-away, away)

    def request(self, player):
        chance, futures = self.chance, self.stage.futures
        side, lots = chance.choice(["buy", "sell"]), chance.randint(1, 60)
        kind = chance.choice(["limit"] * 5 + ["market", "market", "ioc", "fok", "post", "stop", "reduce"])
        if kind == "market":
            return player.order(side, lots=lots)
        if kind in ("ioc", "fok"):
            return player.order(side, self.price(), lots=lots, time_in_force=TimeInForce(kind))
        if kind == "post":
            return player.order(side, self.price(), lots=lots, post_only=True)
        if kind == "stop":
            away = (
                D(chance.randint(1, 60))
                * self.stage.instrument.rules.tick_size
                * (1 if side == "buy" else -1)
            )
            trigger = (self.stage.market.engine.last_price(self.stage.instrument) or self.stage.bid) + away
            return player.order(side, kind=OrderType.STOP_MARKET, lots=lots, trigger_price=trigger)
        if kind == "reduce" and futures:
            return player.order(side, lots=lots, reduce_only=True)
        return player.order(side, self.price(), lots=lots)

    async def place(self, player):
        return [await player.client.place_order(self.request(player))]

    async def batch(self, player):
        return await player.client.place_orders([self.request(player) for _ in range(3)])

    async def cancel(self, player):
        order = self.some(player)
        return [] if order is None else [await player.client.cancel_order(order)]

    async def cancels(self, player):
        orders = player.client.account.open_orders(allow_stale=True)[:4]
        return await player.client.cancel_orders(orders) if orders else []

    async def amend(self, player):
        order = self.some(player)
        if order is None or order.quantity is None or order.type is not OrderType.LIMIT:
            return []
        smaller = order.quantity - self.stage.lot
        if smaller <= order.filled_quantity:
            return []
        moved = {"price": self.price()} if self.stage.futures else {}
        return [
            await player.client.amend_order(
                AmendRequest(
                    instrument=order.instrument, order_id=order.order_id, side=order.side,
                    client_order_id=order.client_order_id, quantity=smaller, **moved,
                )
            )
        ]  # fmt: skip

    async def replace(self, player):
        order = self.some(player)
        if order is None or self.stage.futures or order.list_id:
            return []
        both = await player.client.cancel_replace(
            CancelReplaceRequest(
                cancel=CancelRequest(instrument=order.instrument, order_id=order.order_id),
                place=player.order("buy", self.price(), lots=5),
            )
        )
        assert isinstance(both, ReplaceOutcome)
        return [both.cancel, both.place]

    async def pair(self, player):
        if self.stage.futures:
            return []
        above = player.order("sell", self.price() + 20, lots=4, post_only=True)
        below = player.order("sell", kind=OrderType.STOP_MARKET, lots=4, trigger_price=self.price() - 20)
        return [
            await player.client.place_order_list(
                OrderListRequest(instrument=self.stage.instrument, kind=ListKind.OCO, orders=(above, below))
            )
        ]

    async def all(self, player):
        await player.client.cancel_all(self.stage.instrument)
        return []

    async def move(self, player):
        del player
        if self.chance.random() < 0.5:
            await self.stage.sandbox.step(self.chance.randint(1, 5))
        else:
            side = self.chance.choice(["buy", "sell"])
            self.stage.feed_trade(self.stage.bid if side == "sell" else self.stage.ask, side, 20)
        return []

    async def wait(self, player):
        del player
        await self.stage.idle(self.chance.choice([0.01, 0.2, 3, 30]))
        return []

    async def fail(self, player):
        """Let something go wrong."""
        if not self.faulty:
            return []
        sandbox, chance, stage = self.stage.sandbox, self.chance, self.stage
        event = EVENT[stage.name]
        requests = [
            request_lost(), reply_lost(), last_moment("rder"), timed_out("rder", done=True),
            timed_out("rder", done=False), unknown_error("rder", done=True),
            unknown_error("rder", done=False), service_unavailable(), throttled(),
            too_many_requests(retry_after=3), banned(retry_after=10),
            Fault(Action.LATE, path="rder", delay=6),
        ]  # fmt: skip
        events = [
            Fault(action, stream=event, delay=1.0)
            for action in (
                Action.GAP, Action.DUPLICATE, Action.REORDER, Action.SLOW, Action.DROP, Action.CLOSE,
                Action.HALF_OPEN, Action.GARBAGE,
            )
        ]  # fmt: skip
        what = chance.random()
        if what < 0.5:
            sandbox.faults.add(chance.choice(requests))
        elif what < 0.8:
            fault = chance.choice(events)
            self.lossy = self.lossy or fault.action in (Action.GAP, Action.REORDER, Action.HALF_OPEN)
            sandbox.faults.add(fault)
        elif what < 0.9:
            sandbox.drop_all()
        elif what < 0.95:
            sandbox.clock_skew_ns += chance.randint(0, 5) * SECOND
        elif stage.futures:
            sandbox.expire_listen_key(stage.name, player.name)
        else:
            self.start(sandbox.restart(down_ns=5 * SECOND))
        return []

    ACTS = (
        [place] * 12 + [batch] * 2 + [cancel] * 4 + [cancels] + [amend] * 4 + [replace] * 2 + [pair]
        + [move] * 8 + [wait] * 2 + [fail] * 2
    )  # fmt: skip

    def start(self, work):
        task = asyncio.ensure_future(work)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    async def act(self):
        player = self.chance.choice(self.players)
        act = self.chance.choice(self.ACTS)
        if self.chance.random() < 0.01:
            act = type(self).all
        try:
            outcomes = await act(self, player)
        except (RequestError, InvalidInput):  # a read that failed; a change that makes no sense any more
            return
        for outcome in outcomes:
            self.outcomes[type(outcome)] += 1
            if isinstance(outcome, Unknown):
                self.unknown.append((player, outcome))
            if isinstance(outcome, Rejected):
                self.reasons.add(outcome.reason)

    # What has to hold when it is quiet.

    async def quiet(self, deposits):
        stage = self.stage
        await asyncio.gather(*self.work)
        stage.sandbox.faults._seen.clear()
        if self.lossy:  # nobody can know of what was not told before it is asked for the next time
            stage.sandbox.drop_all()
            self.lossy = False
            await stage.idle(1)
        await stage.until(lambda: all(player.client.synced for player in self.players), within=2_000)
        for player, outcome in self.unknown:
            found = await player.client.settle(outcome, timeout=600)
            assert type(found) in self.settled, found
            self.settled[type(found)] += 1
            self.is_true(player, found)
        self.unknown = []
        await stage.until(lambda: all(player.client.synced for player in self.players), within=2_000)
        await stage.idle(15)
        await stage.until(lambda: all(player.client.synced for player in self.players), within=2_000)
        for player in self.players:
            player.agrees()
            player.told_every_fill_once()
            await player.rest_agrees()
            conserved(stage, player, deposits)
        matched(self.players)

    def is_true(self, player, found):
        """Check what was found out about a new order against the engine."""
        if getattr(found.intent, "type", None) is None:
            return
        held = player.engine_order(found)
        if isinstance(found, Accepted):
            assert held is not None
        elif found.reason is Reason.NEVER_MADE:
            assert held is None


def conserved(stage, player, deposits):
    """Work out what an account must hold by what it was told of its fills alone."""
    held = dict(deposits)
    for fill in player.of(TradeUpdate):
        if fill.fee:
            held[fill.fee_asset] -= fill.fee
        if stage.futures:
            held[fill.instrument.settle] += fill.realized_profit or 0
            continue
        sign = 1 if fill.side is Side.BUY else -1
        held[fill.instrument.base] += sign * fill.quantity
        held[fill.instrument.quote] -= sign * fill.price * fill.quantity
    for asset, amount in held.items():
        assert player.client.account.balance(asset).total == amount, asset
    if stage.futures:
        position = player.client.account.position(stage.instrument)
        traded = sum(
            fill.quantity if fill.side is Side.BUY else -fill.quantity for fill in player.of(TradeUpdate)
        )
        assert (D(0) if position is None else position.quantity) == traded


def matched(players):
    """Compare both sides of what the clients have traded with each other."""
    one, two = ({each.trade_id: each for each in player.of(TradeUpdate)} for player in players)
    for trade_id in set(one) & set(two):
        first, second = one[trade_id], two[trade_id]
        assert (first.price, first.quantity) == (second.price, second.quantity)


async def play(stage, game, steps):
    """Play, at times several things at once."""
    random.seed(game.chance.random())
    for way, account in zip(WAYS, ("one", "two"), strict=True):
        game.players.append(await stage.open(account=account, **way))
    deposits = {each.asset: each.total for each in stage.engine.balances("one")}
    for step in range(steps):
        if game.chance.random() < 0.2:
            await asyncio.gather(*(game.act() for _ in range(4)))
        else:
            await game.act()
        if step % 40 == 39:
            await game.quiet(deposits)


@pytest.mark.parametrize("market", ["spot", "usd-m", "coin-m"])
@pytest.mark.parametrize("seed", range(4))
async def test_a_random_run_without_faults(stage_of, market, seed):
    async with stage_of(market, seed=seed, levels=20) as stage:
        game = Game(stage, seed, faulty=False)
        await play(stage, game, 240)
        assert game.outcomes[Unknown] == 0
        assert game.outcomes[Accepted] > 80
        assert len(game.reasons) >= 2, game.reasons
        assert min(len(player.of(TradeUpdate)) for player in game.players) > 10


@pytest.mark.parametrize("market", ["spot", "usd-m", "coin-m"])
@pytest.mark.parametrize("seed", range(100, 108))
async def test_a_random_run_with_faults(stage_of, market, seed):
    async with stage_of(market, seed=seed, levels=20) as stage:
        game = Game(stage, seed, faulty=True)
        await play(stage, game, 280)
        assert stage.sandbox.faults.happened
        assert game.outcomes[Accepted] > 50
