"""Binance's private messages, of any sort: the account's stream, the WebSocket API, REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from toucan_execution.client.binance import (
    messages as wire,
    messages_user as user,
    normalise_account as accounts,
    normalise_futures as futures,
    normalise_spot as spot,
)
from toucan_execution.client.binance.bodies import merged, read_body
from toucan_execution.client.binance.normalise import (
    InstrumentOf,
    Scope,
    moment,
    nobody,
    unchecked,
)
from toucan_execution.decoding import AccountDecoder, Decoded, Outcome
from toucan_execution.events import AccountEvent, StreamEnded, UnknownEvent, UnreadableEvent
from toucan_instrument import Exchange
from toucan_instrument.errors import PayloadError

__all__ = ["BinanceAccountDecoder"]

RAW_KEPT = 65_536
_WRAPPINGS = 2
_REVOKED = 401
_UNREADABLE = (PayloadError, ValueError, RecursionError)

_HEADER = msgspec.json.Decoder(wire.Header)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ANSWER = wire.decoder_of(wire.WsAnswer)

_PUBLIC = frozenset(
    {
        "24hrMiniTicker", "24hrTicker", "aggTrade", "avgPrice", "blockTrade", "bookTicker", "compositeIndex",
        "continuous_kline", "contractInfo", "depthUpdate", "forceOrder", "indexPriceUpdate", "kline",
        "markPriceUpdate", "trade", "tradingSession",
    }
)  # fmt: skip
"""Events of market data: toucan-data's."""


def _ended(name: str) -> Callable[[Scope, user.Notice, int], list[AccountEvent]]:
    def read(scope: Scope, message: user.Notice, received_ns: int) -> list[AccountEvent]:
        return [StreamEnded(**scope.head(moment(message.E), received_ns), reason=name)]

    return read


_Reader: TypeAlias = tuple[msgspec.json.Decoder[Any], Callable[[Scope, Any, int], list[AccountEvent]]]

_COMMON: dict[str, _Reader] = {
    "outboundAccountPosition": (wire.decoder_of(user.AccountPosition), spot.account_position),
    "balanceUpdate": (wire.decoder_of(user.BalanceDelta), spot.balance_delta),
    "externalLockUpdate": (wire.decoder_of(user.BalanceDelta), spot.external_lock),
    "MARGIN_LEVEL_STATUS_CHANGE": (wire.decoder_of(user.MarginLevel), accounts.margin_level),
    "liabilityChange": (wire.decoder_of(user.LiabilityChange), accounts.liability),
    "eventStreamTerminated": (wire.decoder_of(user.Notice), _ended("eventStreamTerminated")),
    "listenKeyExpired": (wire.decoder_of(user.Notice), _ended("listenKeyExpired")),
    "serverShutdown": (wire.decoder_of(user.Notice), _ended("serverShutdown")),
}
_SPOT: dict[str, _Reader] = _COMMON | {
    "executionReport": (wire.decoder_of(user.ExecutionReport), spot.execution_report),
    "listStatus": (wire.decoder_of(user.ListStatus), spot.list_status),
}
_FUTURES: dict[str, _Reader] = _COMMON | {
    "ORDER_TRADE_UPDATE": (wire.decoder_of(user.OrderTradeUpdate), futures.order_trade_update),
    "TRADE_LITE": (wire.decoder_of(user.TradeLite), futures.trade_lite),
    "ALGO_UPDATE": (wire.decoder_of(user.AlgoUpdate), futures.algo_update),
    "CONDITIONAL_ORDER_TRIGGER_REJECT": (wire.decoder_of(user.TriggerReject), futures.trigger_reject),
    "ACCOUNT_UPDATE": (wire.decoder_of(user.AccountUpdate), accounts.account_update),
    "MARGIN_CALL": (wire.decoder_of(user.MarginCallEvent), accounts.margin_call),
    "ACCOUNT_CONFIG_UPDATE": (wire.decoder_of(user.AccountConfig), accounts.account_config),
    "STRATEGY_UPDATE": (wire.decoder_of(user.Strategy), accounts.strategy),
    "GRID_UPDATE": (wire.decoder_of(user.Grid), accounts.grid),
}


class BinanceAccountDecoder(AccountDecoder):
    """Reads the private messages of one of Binance's markets; see `AccountDecoder`.

    It keeps nothing from one message to the next. Listen keys and API keys that a message holds are masked
    in the raw bytes that failures and unknown events carry.
    """

    def __init__(
        self,
        exchange: Exchange,
        account: str = "",
        *,
        is_own: Callable[[str], bool] | None = None,
        instrument_of: InstrumentOf | None = None,
    ) -> None:
        """Say whose messages are read.

        Args:
            exchange: Which market.
            account: The user's label of the account, which all events carry.
            is_own: Whether a client order id was made by this client; None: none was.
            instrument_of: Finds an instrument by the venue's symbol and never raises; None: by its
                spelling alone.
        """
        self.exchange: Exchange = exchange
        self.account: str = account
        self.scope: Scope = Scope(
            exchange=exchange,
            account=account,
            is_own=is_own or nobody,
            instrument_of=instrument_of or unchecked(exchange),
        )
        on_spot = exchange in {Exchange.BINANCE_SPOT, Exchange.BINANCE_US_SPOT}
        self._readers: Mapping[str, _Reader] = _SPOT if on_spot else _FUTURES

    def read(self, frame: bytes, received_ns: int) -> list[AccountEvent]:
        """See `AccountDecoder.read`."""
        try:
            return self._read(frame, received_ns, _WRAPPINGS)
        except _UNREADABLE as error:
            return [self._failed(frame, error, received_ns)]

    def decode(self, line: bytes, received_ns: int) -> Decoded:
        """See `AccountDecoder.decode`."""
        try:
            return self._decode(line, received_ns, _WRAPPINGS)
        except _UNREADABLE as error:
            return Decoded(Outcome.FAILED, (self._failed(line, error, received_ns),))

    # The stream.

    def _read(self, frame: bytes | msgspec.Raw, now: int, wrappings: int) -> list[AccountEvent]:
        if bytes(frame).lstrip().startswith(b"["):
            return [event for row in _ROWS.decode(frame) for event in self._read(row, now, wrappings)]
        header = _HEADER.decode(frame)
        if header.e is not None:
            return self._event(header.e, frame, now)
        inner = header.event if wire.given(header.event) else header.data
        if wire.given(inner) and wrappings:
            return self._read(inner, now, wrappings - 1)
        if header.id is not wire.NOTHING:
            return self._revoked(header, frame, now)
        return [self._unknown("", frame, now)]

    def _event(self, name: str, frame: bytes | msgspec.Raw, now: int) -> list[AccountEvent]:
        reader = self._readers.get(name)
        if reader is None:
            return [self._unknown(name, frame, now)]
        decoder, normalise = reader
        return normalise(self.scope, wire.read(decoder, frame, name), now)

    def _revoked(self, header: wire.Header, frame: bytes | msgspec.Raw, now: int) -> list[AccountEvent]:
        """Tell that the session was revoked, which nobody asked (facts F.2); other answers tell nothing."""
        if wire.given(header.id) or not wire.given(header.error):
            return []
        answer = wire.read(_ANSWER, frame, "answer")
        if answer.status != _REVOKED or answer.error is None:
            return []
        reason = f"session revoked: {answer.error.code} {answer.error.msg}"
        return [StreamEnded(**self.scope.head(None, now), reason=reason)]

    # Anything.

    def _decode(self, line: bytes | msgspec.Raw, now: int, wrappings: int) -> Decoded:
        text = bytes(line).lstrip()
        if text.startswith(b"["):
            rows = _ROWS.decode(line)
            if rows and _is_event(rows[0]):
                return merged(self._decode(row, now, wrappings) for row in rows)
            return read_body(self.scope, line, now)
        if not text.startswith(b"{"):
            msgspec.json.decode(line)
            raise PayloadError("message", raw=bytes(line), cause="neither an object nor an array")
        header = _HEADER.decode(line)
        if header.e is not None:
            if header.e in _PUBLIC:
                return Decoded(Outcome.NOT_OFFERED)
            return Decoded(Outcome.EVENTS, tuple(self._event(header.e, line, now)))
        inner = header.event if wire.given(header.event) else header.data
        if wire.given(inner) and wrappings and (inner is header.event or header.stream is not None):
            return self._decode(inner, now, wrappings - 1)
        if header.id is not wire.NOTHING and (wire.given(header.result) or wire.given(header.error)):
            return self._answer(header, line, now)
        return read_body(self.scope, line, now)

    def _answer(self, header: wire.Header, line: bytes | msgspec.Raw, now: int) -> Decoded:
        revoked = self._revoked(header, line, now)
        if revoked:
            return Decoded(Outcome.EVENTS, tuple(revoked))
        return read_body(self.scope, header.error if wire.given(header.error) else header.result, now)

    # What cannot be read.

    def _unknown(self, name: str, frame: bytes | msgspec.Raw, now: int) -> UnknownEvent:
        try:
            found = _TIME.decode(frame)
            time = moment(found.T) or moment(found.E)
        except _UNREADABLE:
            time = None
        return UnknownEvent(**self.scope.head(time, now), name=name, raw=wire.masked(bytes(frame))[:RAW_KEPT])

    def _failed(self, frame: bytes, error: Exception, now: int) -> UnreadableEvent:
        why = f"{error.what}: {error.cause}" if isinstance(error, PayloadError) else str(error)
        return UnreadableEvent(**self.scope.head(None, now), error=why, raw=wire.masked(frame)[:RAW_KEPT])


class _Time(msgspec.Struct):
    """When an event happened, for those of which nothing else is known."""

    E: int | None = None
    T: int | None = None


_TIME = msgspec.json.Decoder(_Time)


def _is_event(row: msgspec.Raw) -> bool:
    try:
        return _HEADER.decode(row).e is not None
    except _UNREADABLE:
        return False
