"""What Binance's errors mean: every code and status of the facts (C.8, C.9), in toucan's words.

Codes are read by market: the same number may mean one thing on spot and another on the futures. COIN-M may
answer with USD-M's codes since both share a back end (facts C.9.3), so the futures share one table; the few
numbers that they use differently are told apart by their text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from toucan_execution.call import Call
from toucan_execution.client.binance._codes import (
    BY_TEXT,
    CODES,
    FUTURES_CODES,
    SPOT_CODES,
    TEXT_CODES,
    TEXTS,
    Meaning,
)
from toucan_execution.errors import OrderRejected
from toucan_execution.outcome import ERRORS, Reason
from toucan_execution.venue import Verdict, VerdictKind
from toucan_instrument import Exchange
from toucan_instrument.errors import VenueError
from toucan_instrument.exchange.binance import read_limits
from toucan_instrument.rest import Request, Response
from toucan_instrument.timestamps import from_ms

__all__ = [
    "ALGO_ONLY",
    "LISTEN_KEY_GONE",
    "Meaning",
    "PartlyReplaced",
    "element_error",
    "error_of",
    "limits_of",
    "meaning_of",
    "order_counts",
    "unanswered",
    "verdict",
]

ALGO_ONLY = -4120
"""The order belongs to the algo service (facts D.2.4)."""
LISTEN_KEY_GONE = -1125
"""The listen key has expired: make a new one, and connect with it (facts E.3)."""

OK, FIRST_OTHER = 200, 300
TIMED_OUT, GONE, BANNED, TOO_MANY, UNAVAILABLE = 408, 410, 418, 429, 503
FIRST_REFUSED, FIRST_FAULT = 400, 500
REFUSED_WHO_ASKS = frozenset({401, 403, 451})
SHOWN = 200

_SERVICE_UNAVAILABLE = "service unavailable"
_NO_LISTEN_KEYS = (
    "spot listen keys were withdrawn: subscribe over the WebSocket API "
    "(user_data='signature', or 'session' with an Ed25519 key)"
)
_HINTS = (  # facts E.2.1, C.1
    ("userDataStream", _NO_LISTEN_KEYS),
    ("/api/v1/", "use /api/v3"),
    ("/wapi/", "use /api/v3"),
)
_COUNT = re.compile(r"x-mbx-order-count-([0-9]{1,4})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
SECOND = 1_000_000_000
MOST_DIGITS = 9


class PartlyReplaced(OrderRejected):
    """A cancel-replace of which a half, or all, failed; `data` says which (facts D.1.7).

    Attributes:
        data: What the venue said of the two halves, as JSON.
    """

    def __init__(self, *, data: bytes, **fields: Any) -> None:
        """Keep what the venue said of the halves."""
        super().__init__(**fields)
        self.data = data

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, fields = super()._fields()
        return args, fields | {"data": self.data}


class _Body(msgspec.Struct):
    code: int | str | None = None
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Data(msgspec.Struct):
    cancelResult: str = ""  # noqa: N815 - the wire's own names
    serverTime: int | None = None  # noqa: N815
    retryAfter: int | None = None  # noqa: N815


_BODY = msgspec.json.Decoder(_Body)
_DATA = msgspec.json.Decoder(_Data)


def meaning_of(exchange: Exchange, status: int, code: int | None, text: str) -> Meaning:
    """Return what an error means.

    Args:
        exchange: Which market answered.
        status: The HTTP status, or the WebSocket API's, which follows it; 0 where there was no answer.
        code: The venue's code, None where it gave none.
        text: The venue's words.
    """
    if status == BANNED:
        return Meaning(Reason.BANNED, retryable=True)
    if status == TOO_MANY:
        return Meaning(Reason.RATE_LIMITED, retryable=True)
    if status == GONE:
        return Meaning(Reason.ENDPOINT_GONE)
    if status >= FIRST_FAULT:
        return _fault(exchange, status, code, text)
    by_code = _by_code(exchange, code, text)
    if status == TIMED_OUT or not OK <= status < FIRST_FAULT or FIRST_OTHER <= status < FIRST_REFUSED:
        return Meaning(by_code.reason if by_code else Reason.OTHER, kind=VerdictKind.UNKNOWN)
    if by_code is not None:
        return by_code
    return Meaning(Reason.AUTHENTICATION if status in REFUSED_WHO_ASKS else Reason.OTHER)


def _fault(exchange: Exchange, status: int, code: int | None, text: str) -> Meaning:
    """Return what a 5xx means: unknown, but for what the futures name as failed for certain (C.8)."""
    if exchange is not Exchange.BINANCE_SPOT and status == UNAVAILABLE:
        refused = text.strip().rstrip(".").lower() == _SERVICE_UNAVAILABLE
        if refused or code in (-1001, -1008):
            return Meaning(Reason.UNAVAILABLE, retryable=True)
    return Meaning(Reason.UNAVAILABLE, kind=VerdictKind.UNKNOWN)


def _by_code(exchange: Exchange, code: int | None, text: str) -> Meaning | None:
    if code is None:
        return None
    own = SPOT_CODES if exchange is Exchange.BINANCE_SPOT else FUTURES_CODES
    found = own.get(code) or CODES.get(code)
    if found is None:
        return None
    low = text.lower()
    if code in TEXT_CODES:
        reason = next((reason for words, reason in TEXTS if words in low), None)
        return found if reason is None else Meaning(reason, found.retryable, found.kind)
    if exchange is Exchange.BINANCE_COIN_M and code in BY_TEXT and BY_TEXT[code][0] in low:
        return Meaning(BY_TEXT[code][1])
    return found


def verdict(exchange: Exchange, error: VenueError) -> Verdict:
    """Return what an error means for a request that was to change something."""
    found = meaning_of(exchange, error.status, _number(error.code), error.venue_message)
    return Verdict(found.kind, found.reason, found.retryable)


def error_of(exchange: Exchange, call: Call[Any], request: Request, response: Response) -> VenueError | None:
    """Return the typed error that an answer is, None if it is a good one.

    An answer of 200 is an error where it is an object whose ``code`` is below zero; a ``code`` of 200 is
    none (facts D.2.7). Elements of a batch are read one by one: see `element_error`.
    """
    good = OK <= response.status < FIRST_OTHER
    if good and b'"code"' not in response.body[:SHOWN]:
        return None
    said = _read(response.body)
    code = _number(said.code)
    if good and (code is None or code >= 0):
        return None
    data = _data(said)
    fields: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "status": response.status,
        "code": code if code is not None else said.code,
        "venue_message": said.msg,
        "retry_after_ns": read_limits(exchange, response).retry_after_ns or _stay_away_ns(data),
        "limits": limits_of(response.headers),
    }
    if data.cancelResult in ("SUCCESS", "FAILURE"):
        return PartlyReplaced(data=bytes(said.data), **fields)
    found = meaning_of(exchange, response.status, code, said.msg)
    if found.reason is Reason.ENDPOINT_GONE:
        fields["venue_message"] = _with_hint(said.msg, request.url)
    return _class_of(found, changes=call.changes or call.slots > 0)(**fields)


def element_error(
    exchange: Exchange,
    call: Call[Any],
    raw: bytes,
    *,
    status: int = OK,
    limits: Mapping[str, str] | None = None,
) -> VenueError | None:
    """Return the error that one element of a good answer is, None if it is none (facts D.1.7, D.2.8)."""
    said = _read(raw)
    code = _number(said.code)
    if code is None or code >= 0:
        return None
    found = meaning_of(exchange, status, code, said.msg)
    return _class_of(found, changes=True)(
        method=call.method,
        url=call.path,
        status=status,
        code=code,
        venue_message=said.msg,
        limits=limits,
    )


def unanswered(call: Call[Any], why: str) -> VenueError:
    """Return an error for a request among several that has no answer: its `verdict` is unknown."""
    return VenueError(method=call.method, url=call.path, status=0, code=None, venue_message=why)


def limits_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that speak of limits: used weight, order counts, how long to stay away (C.4)."""
    return {
        name: value
        for name, value in headers.items()
        if name.startswith(("x-mbx-used-weight", "x-mbx-order-count")) or name == "retry-after"
    }


def order_counts(headers: Mapping[str, str]) -> tuple[tuple[int, int], ...]:
    """Return the order counts that headers name: length of the window (ns), count (facts C.4)."""
    counts: list[tuple[int, int]] = []
    for name, value in headers.items():
        match = _COUNT.fullmatch(name)
        if match is not None and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
            counts.append((int(match[1]) * _UNITS[match[2]] * SECOND, int(value)))
    return tuple(counts)


def _class_of(found: Meaning, *, changes: bool) -> type[VenueError]:
    """Return the class of an error: where nothing is certain, none that says that nothing was done."""
    if found.kind is not VerdictKind.REJECTED:
        return VenueError
    if found.reason is Reason.OTHER and not changes:
        return VenueError  # no order was asked for, so none was rejected
    return ERRORS[found.reason]


def _read(body: bytes) -> _Body:
    try:
        return _BODY.decode(body)
    except (ValueError, RecursionError):  # a firewall's page, or no object
        return _Body(msg=bytes(body[:SHOWN]).decode("utf-8", "replace"))


def _data(said: _Body) -> _Data:
    try:
        return _DATA.decode(said.data) if said.data else _Data()
    except (ValueError, RecursionError):
        return _Data()


def _stay_away_ns(data: _Data) -> int:
    """Return how long the WebSocket API wants no request: both its times are milliseconds (facts F.2)."""
    if data.retryAfter is None or data.serverTime is None:
        return 0
    return max(0, from_ms(data.retryAfter - data.serverTime))


def _number(code: int | str | None) -> int | None:
    if isinstance(code, str):
        digits = code.removeprefix("-")
        return int(code) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else None
    return code


def _with_hint(message: str, url: str) -> str:
    hint = next((hint for part, hint in _HINTS if part in url), "the venue has withdrawn this address")
    return f"{message.strip()[:SHOWN]} ({hint})" if message.strip() else hint
