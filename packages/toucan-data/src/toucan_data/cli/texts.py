"""Events and status values as one line for a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from toucan_data.events import (
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarketEvent,
    MarkPrice,
    OpenInterest,
    OrderBookL1,
    OrderBookL2Snapshot,
    OrderBookL2Update,
    PublicTrade,
    Ticker24h,
)
from toucan_data.status import (
    Connected,
    DecodeFailed,
    Disconnected,
    Dropped,
    FeedStatus,
    Gap,
    Resynced,
    Retrying,
    Silent,
    SnapshotFailed,
    SubscriptionFailed,
)
from toucan_instrument.console.output import shown
from toucan_instrument.console.texts import link_text, number, raw_text, seconds, time_of_day
from toucan_instrument.link.status import LinkStatus
from toucan_instrument.plain import one_line

__all__ = ["detail", "event_line", "status_line", "status_text"]


def event_line(event: MarketEvent) -> str:
    """Return an event on one line: time, instrument, what."""
    at = event.time_received if event.time_exchange is None else event.time_exchange
    return f"{time_of_day(at)} {shown(str(event.instrument))} {detail(event)}"


def status_line(value: Any) -> str:
    """Return a status value on one line: time, what."""
    return f"{time_of_day(value.at_ns)} {status_text(value)}"


@singledispatch
def detail(event: object) -> str:
    """Return what an event says, without its instrument and time."""
    raise TypeError(f"{type(event).__name__} is no event")


@detail.register
def _trade(event: PublicTrade) -> str:
    what = f"{event.aggressor.value} {number(event.quantity)} at {number(event.price)}"
    return f"trade {what} id {shown(str(event.id))}"


@detail.register
def _top(event: OrderBookL1) -> str:
    bid = f"{number(event.bid_quantity)} at {number(event.bid_price)}"
    return f"top bid {bid} ask {number(event.ask_quantity)} at {number(event.ask_price)}"


@detail.register
def _book(event: OrderBookL2Snapshot) -> str:
    sides = f"{len(event.bids)} bids {len(event.asks)} asks"
    return f"book {sides} best {_touch(event.best_bid, event.best_ask)}"


@detail.register
def _update(event: OrderBookL2Update) -> str:
    sides = f"{len(event.bids)} bids {len(event.asks)} asks changed"
    return f"book {sides} best {_touch(event.best_bid, event.best_ask)} id {event.last_update_id}"


def _touch(bid: Level | None, ask: Level | None) -> str:
    return f"{number(bid and bid.price)} / {number(ask and ask.price)}"


@detail.register
def _liquidation(event: Liquidation) -> str:
    price = number(event.average_price or event.price)
    what = f"{event.side.value} {number(event.quantity)} at {price}"
    return f"liquidation {what} {shown(event.status)}"


@detail.register
def _candle(event: Candle) -> str:
    prices = " ".join(map(number, (event.open, event.high, event.low, event.close)))
    state = "closed" if event.closed else "forming"
    return f"candle {shown(event.interval)} {prices} volume {number(event.volume)} {state}"


@detail.register
def _ticker(event: Ticker24h) -> str:
    change = event.price_change
    if event.last_price is not None and event.open_price is not None:
        change = event.last_price - event.open_price
    return f"24h last {number(event.last_price)} change {number(change)} volume {number(event.volume)}"


@detail.register
def _mark(event: MarkPrice) -> str:
    funding = f"funding {number(event.funding_rate)}"
    if event.next_funding_time:
        funding += f" at {time_of_day(event.next_funding_time)[:8]}"
    return f"mark {number(event.mark_price)} index {number(event.index_price)} {funding}"


@detail.register
def _funding(event: FundingRate) -> str:
    at = f" at {time_of_day(event.next_funding_time)[:8]}" if event.next_funding_time else ""
    return f"funding {number(event.rate)}{at}"


@detail.register
def _interest(event: OpenInterest) -> str:
    return f"open interest {number(event.quantity)} worth {number(event.notional)}"


def _missing(value: Gap | Resynced) -> str:
    if value.first_missing is None:
        return "ids unknown" if isinstance(value, Gap) else "no ids are missing"
    last = "..." if value.last_missing is None else value.last_missing
    return f"ids {value.first_missing} to {last}"


_STATUS: dict[type, Callable[[Any], str]] = {
    Gap: lambda value: f"gap: {value.instrument} {value.kind}, {_missing(value)} ({value.reason})",
    Resynced: lambda value: f"resynced: {value.instrument} {value.kind}, {_missing(value)}",
    SnapshotFailed: lambda value: (
        f"snapshot failed: {value.instrument}, {value.reason}; again in {seconds(value.delay_ns)}"
    ),
    Dropped: lambda value: f"dropped: {value.count} events of {value.selection}, read too slowly",
    DecodeFailed: lambda value: f"unreadable frame: {value.error}: {raw_text(value.raw)}",
    Silent: lambda value: f"silent: {value.channel}, nothing in {value.waited_ns / 1e9:.0f} s",
    SubscriptionFailed: lambda value: (
        f"subscription failed: {', '.join(value.channels[:4])} ({len(value.channels)} streams), "
        f"{value.message}" + ("" if value.code is None else f" (code {value.code})")
    ),
}


def status_text(value: FeedStatus | Connected | Disconnected | Retrying) -> str:
    """Return what a status value says, without its time."""
    said = link_text(value) if isinstance(value, LinkStatus) else _STATUS.get(type(value), one_line)(value)
    return shown(said)
