"""One connection to Kraken, of spot and of the futures, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from toucan_data.exchange.kraken.book import DEEPEST, DEPTHS
from toucan_data.exchange.kraken.messages import (
    SPOT_DECODERS,
    BookRow,
    ContractControl,
    Control,
    Frame,
    Result,
    contract_decoder,
)
from toucan_data.exchange.kraken.normalise import Part
from toucan_data.exchange.kraken.streams import Name, parse
from toucan_data.feed import Feed, SessionContext
from toucan_data.session import StreamSession
from toucan_instrument.errors import PayloadError

__all__ = ["FuturesSession", "SpotSession"]

SECOND = 1_000_000_000
FLOOD_PAUSE_NS = 5 * SECOND
"""How long nothing is said again after the venue has dropped requests: it does not say how long."""

_CONTROL = msgspec.json.Decoder(Control)
_RESULT = msgspec.json.Decoder(Result)
_CONTRACT = msgspec.json.Decoder(ContractControl)

HEAD = b'{"channel":"'
NAME_AT = len(HEAD)
QUIET = frozenset({"status", "heartbeat", "instrument"})
"""Channels of which no event is made: a state other than online is no reason to leave (facts 10.6)."""

_SETTINGS = {"book": "depth", "ohlc": "interval"}
"""What a request calls the setting of a channel's streams."""

Key = tuple[str, str, int]
"""Channel, symbol, and for candles their minutes: what frames say of their stream."""


class SpotSession(StreamSession):
    """The second protocol of spot: one answer for each symbol, matched by number and symbol; facts 3."""

    def __init__(self, context: SessionContext, feeds: list[Feed]) -> None:
        """See `StreamSession`."""
        self._names: dict[Key, str] = {}
        super().__init__(context, feeds)

    # What is said.

    def group(self, name: str) -> Hashable:
        """Return channel and setting, which a message says once for all its symbols."""
        return name.partition(":")[0]

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe``; both name what sets the stream apart."""
        channel, setting, _ = parse(names[0])
        params: dict[str, Any] = {"channel": channel, "symbol": [parse(name).symbol for name in names]}
        if channel in _SETTINGS:
            params[_SETTINGS[channel]] = setting
        elif channel == "ticker":
            params["event_trigger"] = "bbo"  # the default follows trades
        if subscribe:
            params["snapshot"] = channel != "trade"
        method = "subscribe" if subscribe else "unsubscribe"
        return msgspec.json.encode({"method": method, "params": params, "req_id": request_id})

    def probe(self, request_id: int) -> bytes:
        """Write ``ping``."""
        return msgspec.json.encode({"method": "ping", "req_id": request_id})

    # What is heard.

    def follow(self, feed: Feed) -> None:
        """Expect frames of a stream; what was given up is still known by its name."""
        name = parse(feed.channel.name)
        minutes = name.setting if name.channel == "ohlc" else 0
        self._names[name.channel, name.symbol, minutes] = feed.channel.name

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame: its channel stands at its head, as the venue writes it."""
        decoder = None
        if frame.startswith(HEAD):
            decoder = SPOT_DECODERS.get(frame[NAME_AT : frame.index(b'"', NAME_AT)])
        if decoder is None:
            self._irregular(frame, now)
        else:
            self._rows(decoder.decode(frame), now)

    def _rows(self, message: Frame[Any], now: int) -> None:
        """Hand rows on to their streams: a frame has one as a rule, or several of one symbol."""
        snapshot, channel, rows = message.type == "snapshot", message.channel, message.data
        if len(rows) == 1:
            name = self._name(channel, rows[0], snapshot=snapshot)
            self.hand(name, Part(snapshot, rows, message.timestamp), now)
            return
        parts: dict[str, list[Any]] = {}
        for row in rows:
            parts.setdefault(self._name(channel, row, snapshot=snapshot), []).append(row)
        for name, own in parts.items():
            self.hand(name, Part(snapshot, own, message.timestamp), now)

    def _name(self, channel: str, row: Any, *, snapshot: bool) -> str:
        """Return the name of the stream that a row is of.

        A row of a book does not say its depth. In a recording it is that of the answer to the subscription,
        else the least that holds the snapshot.
        """
        minutes = row.interval if channel == "ohlc" else 0
        name = self._names.get((channel, row.symbol, minutes))
        setting = minutes
        if isinstance(row, BookRow) and (name is None or snapshot):
            size = max(len(row.bids), len(row.asks)) if snapshot else 0
            if name is not None and (self.context.open is None or size <= parse(name).setting):
                return name
            name, setting = None, next((depth for depth in DEPTHS if size <= depth), DEEPEST)
        return name or str(Name(channel, setting, row.symbol))

    def _irregular(self, frame: bytes, now: int) -> None:
        """Take what is no event in the usual spelling."""
        control = _CONTROL.decode(frame)
        channel = control.channel
        if control.flood is not None:
            self.resend(now, FLOOD_PAUSE_NS)
        elif control.method is not None or control.error is not None:
            self._answered(control, now)
        elif channel is not None and (decoder := SPOT_DECODERS.get(channel.encode())) is not None:
            self._rows(decoder.decode(frame), now)
        elif channel is None:
            raise PayloadError("a frame", raw=frame[:200], cause="neither an event nor an answer")
        elif channel not in QUIET:
            self.on_stream(channel)  # of a channel that is not offered: level3, or somebody's account

    def _answered(self, control: Control, now: int) -> None:
        """Take an answer; what refuses to give a stream up says that it refuses to subscribe."""
        if control.method == "pong":
            self.ponged(now)
        elif control.error is not None or control.success is False:
            self._error(control, now)
        elif control.method in {"subscribe", "unsubscribe"} and control.result:
            result = _RESULT.decode(control.result)
            name = str(Name(result.channel, result.depth or result.interval or 0, result.symbol))
            if control.method == "unsubscribe":
                self.dropped((name,), now, control.req_id)
                return
            if self.context.open is not None and result.channel == "book":
                self._names["book", result.symbol, 0] = name
            self.acked((name,), now, control.req_id)

    def _error(self, control: Control, now: int) -> None:
        message, number = control.error or "no reason", control.req_id
        asked = self._asks.waiting.get(number) if number is not None else None
        names = [name for name in (asked.names if asked is not None else ()) if self._is_of(name, control)]
        if control.method == "ping":
            self.ponged(now)
        elif asked is None or (control.symbol is None and not asked.subscribe):
            self.refused(number, None, message, now)
        elif message == "Subscription Not Found" and not asked.subscribe:
            self.dropped(names, now, number)
        elif message == "Already subscribed":
            self.acked(names, now, number)
        elif names and control.symbol is not None:
            self.refused(number, None, message, now, names=names)
        else:
            self.rejected(number, None, message, now)

    @staticmethod
    def _is_of(name: str, control: Control) -> bool:
        return control.symbol is None or parse(name).symbol == control.symbol


class FuturesSession(StreamSession):
    """The first protocol of the futures: answers name feed and product, alerts at most a product; facts 6."""

    def request(self, names: tuple[str, ...], request_id: int, *, subscribe: bool) -> bytes:
        """Write ``subscribe`` or ``unsubscribe``."""
        del request_id  # the venue has none
        event = "subscribe" if subscribe else "unsubscribe"
        products = [parse(name).symbol for name in names]
        return msgspec.json.encode({"event": event, "feed": parse(names[0]).channel, "product_ids": products})

    def group(self, name: str) -> Hashable:
        """Return the feed."""
        return parse(name).channel

    def probe(self, request_id: int) -> bytes:
        """Write ``ping``."""
        del request_id
        return b'{"event":"ping"}'

    def take(self, frame: bytes, now: int) -> None:
        """Take one frame."""
        head = _CONTRACT.decode(frame)
        if head.event is not None:
            self._event(head, now)
        elif head.feed is None:
            raise PayloadError("a frame", raw=frame[:200], cause="neither an event nor an answer")
        elif head.feed != "heartbeat":
            self._data(head.feed, head.product_id, frame, now)

    def _data(self, feed: str, product: str, frame: bytes, now: int) -> None:
        name = f"{feed.removesuffix('_snapshot')}:{product}"
        decoder = contract_decoder(feed)
        if decoder is None:
            self.on_stream(name)
        elif not product:
            raise PayloadError("a message of a feed", raw=frame[:200], cause="it names no product")
        else:
            self.hand(name, decoder.decode(frame), now)

    def _event(self, head: ContractControl, now: int) -> None:
        names = [f"{head.feed}:{product}" for product in head.product_ids]
        match head.event:
            case "subscribed":
                self.acked(names, now)
            case "unsubscribed":
                self.dropped(names, now)
            case "subscribed_failed" | "unsubscribed_failed":
                self.refused(None, head.event, head.message or head.event, now, names=names)
            case "alert":
                self._alert(head.message, now)
            case "error":
                self.refused(None, None, head.message, now)
            case "pong":
                self.ponged(now)
            case _:  # `info`, or what is new
                pass

    def _alert(self, message: str, now: int) -> None:
        """Take an alert: it is of the product that it names, else of the oldest request without an answer."""
        if message == "rate_limited":
            self.resend(now, FLOOD_PAUSE_NS)
            return
        waiting = [name for asked in self._asks.waiting.values() for name in asked.names]
        named = [name for name in waiting if f"`{parse(name).symbol}`" in message]
        found = named[:1] or waiting[:1]
        settle: Callable[..., None] | None = {
            "Already subscribed to feed, re-requesting": self.acked,
            "Not subscribed to feed": self.dropped,
        }.get(message)
        if settle is not None:
            settle(found, now)
        elif found:
            self.refused(None, None, message, now, names=found)
        else:
            self.refused(None, None, message, now)
