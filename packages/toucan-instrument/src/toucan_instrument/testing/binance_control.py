"""What clients may say to Binance's public streams and how that is answered; addresses, and REST's weights.

Facts A.1 to A.3 and C.2, as pure functions: a test exchange's server only moves the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote

import msgspec

from toucan_instrument.exchange import Exchange
from toucan_instrument.testing.binance import combined, raw
from toucan_instrument.testing.binance_rest import COIN_M, FUTURES, USD_M

__all__ = [
    "METHODS",
    "MOST_STREAMS",
    "Asked",
    "Opened",
    "combined",
    "error",
    "framed",
    "most_messages",
    "opened",
    "raw",
    "result",
    "shutdown_notice",
    "too_many",
    "understood",
    "weight",
]

SECOND = 1_000_000_000
MOST_STREAMS = 1024
"""How many streams a connection may have (facts A.2)."""
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
"""What may be asked."""

Id: TypeAlias = int | str | None

UNKNOWN_PROPERTY, BAD_VALUE, BAD_REQUEST, BAD_JSON, TOO_MANY = range(5)
LONGEST_ID = 36
LARGEST_ID = 2**63 - 1


def most_messages(exchange: Exchange) -> tuple[int, int]:
    """Return how many messages a client may send, and within how many nanoseconds (facts A.2)."""
    return (10 if exchange in FUTURES else 5), SECOND


# Addresses.


class Opened(msgspec.Struct, frozen=True):
    """What a connection's address says.

    Attributes:
        route: ``public``, ``market`` or ``private`` on USD-M, empty elsewhere and where it is not said.
        combined: Whether events come with the name of their stream.
        names: The streams that are followed from the start.
        micro: Whether times count microseconds.
    """

    route: str
    combined: bool
    names: tuple[str, ...]
    micro: bool = False


_ROUTES = ("public", "market", "private")


def opened(exchange: Exchange, path: str, query: Mapping[str, str]) -> Opened | None:
    """Read the address of a connection; None where no streams are at such a path.

    ``/ws``, ``/ws/<name>/<name>`` and ``/stream?streams=<name>/<name>``, on USD-M also behind a route
    (facts A.1.1). Names may be percent-encoded.

    Args:
        exchange: Which market.
        path: The path.
        query: The parameters.
    """
    parts = [part for part in path.split("/") if part]
    route = parts.pop(0) if exchange is USD_M and parts and parts[0] in _ROUTES else ""
    if not parts or parts[0] not in {"ws", "stream"}:
        return None
    names = parts[1:] if parts[0] == "ws" else query.get("streams", "").split("/")
    if parts[0] == "stream" and len(parts) > 1:
        return None
    micro = exchange not in FUTURES and query.get("timeUnit", "").upper() == "MICROSECOND"
    return Opened(route, parts[0] == "stream", _once(map(unquote, names)), micro)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


# Messages.


class Asked(msgspec.Struct, frozen=True):
    """A message that was understood.

    Attributes:
        method: One of `METHODS`.
        id: What the answer is to carry.
        names: The streams, to subscribe or unsubscribe.
        combined: What the property ``combined`` is to be set to, for SET_PROPERTY.
    """

    method: str
    id: Id
    names: tuple[str, ...] = ()
    combined: bool | None = None


class _Refused(Exception):
    """What becomes of a message that is refused, inside of this module only."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def understood(exchange: Exchange, text: bytes) -> Asked | bytes:
    """Read a message: what is asked, or the frame that refuses it (facts A.3).

    Whether there are such streams does not matter: unknown ones are acknowledged all the same.
    """
    try:
        words = text.decode()
        said = json.loads(words)
    except UnicodeDecodeError:
        return error(BAD_JSON, "Invalid JSON: invalid unicode code point at line 1 column 1", None)
    except json.JSONDecodeError as bad:
        return error(BAD_JSON, f"Invalid JSON: expected value at line {bad.lineno} column {bad.colno}", None)
    except (ValueError, RecursionError):
        return error(BAD_JSON, "Invalid JSON: number out of range at line 1 column 1", None)
    request_id: Id = None
    try:
        if not isinstance(said, dict):
            _refuse(f"invalid type, expected a request at line 1 column {len(words)}")
        method = _method(said, words)
        request_id = _id(exchange, said)
        return _READERS[method](Asked(method, request_id), said.get("params"))
    except _Refused as refused:
        return error(refused.code, refused.message, request_id)


def _refuse(words: str) -> NoReturn:
    raise _Refused(BAD_REQUEST, f"Invalid request: {words}")


def _method(said: dict[str, Any], words: str) -> str:
    method = said.get("method")
    if method is None:
        _refuse(f"missing field `method` at line 1 column {len(words)}")
    if not isinstance(method, str) or method not in METHODS:
        column = max(0, words.find(f'"{method}"')) + len(str(method)) + 2
        accepted = ", ".join(f"`{each}`" for each in METHODS)
        _refuse(f"unknown variant `{method}`, expected one of {accepted} at line 1 column {column}")
    return method


def _id(exchange: Exchange, said: dict[str, Any]) -> Id:
    """Read the id: an integer or a short text; spot also takes null (facts A.2).

    The futures' documentation asks for an unsigned integer, yet Binance's own client sends them texts.
    """
    given = said.get("id", False)
    if isinstance(given, int) and not isinstance(given, bool):
        if (0 if exchange in FUTURES else -LARGEST_ID) <= given <= LARGEST_ID:
            return given
    elif exchange not in FUTURES and given is None:
        return None
    elif isinstance(given, str) and _short(given):
        return given
    _refuse("request ID must be an unsigned integer")


def _short(text: str) -> bool:
    return len(text) <= LONGEST_ID and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def _streams(asked: Asked, params: Any) -> Asked:
    if params is None:
        _refuse("missing field `params`")
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        _refuse("invalid type, expected a sequence of strings")
    return msgspec.structs.replace(asked, names=_once(params))


def _nothing(asked: Asked, params: Any) -> Asked:
    if params:
        _refuse("too many parameters")
    return asked


def _property(params: Any, most: int) -> list[Any]:
    """Check a property's name and how much follows it."""
    given = params if isinstance(params, list) else []
    if len(given) > most:
        _refuse("too many parameters")
    if not given or not isinstance(given[0], str):
        _refuse("property name must be a string")
    if given[0] != "combined":
        raise _Refused(UNKNOWN_PROPERTY, "Unknown property")
    return given


def _get(asked: Asked, params: Any) -> Asked:
    _property(params, 1)
    return asked


def _set(asked: Asked, params: Any) -> Asked:
    value = _property(params, 2)[1:]
    if not value or not isinstance(value[0], bool):
        raise _Refused(BAD_VALUE, "Invalid value type: expected Boolean")
    return msgspec.structs.replace(asked, combined=value[0])


_READERS: dict[str, Callable[[Asked, Any], Asked]] = {
    "SUBSCRIBE": _streams,
    "UNSUBSCRIBE": _streams,
    "LIST_SUBSCRIPTIONS": _nothing,
    "SET_PROPERTY": _set,
    "GET_PROPERTY": _get,
}


# Answers.


def result(value: Any, request_id: Id) -> bytes:
    """Return the answer to what was done: null, the list of streams, or a property; it is never wrapped."""
    return msgspec.json.encode({"result": value, "id": request_id})


def error(code: int, message: str, request_id: Id) -> bytes:
    """Return the answer to what was refused, in the form that was observed."""
    return msgspec.json.encode({"error": {"code": code, "msg": message}, "id": request_id})


def too_many(request_id: Id) -> bytes:
    """Return the answer to a subscription beyond `MOST_STREAMS`; the connection is closed then, with 1008."""
    return error(TOO_MANY, "Too many subscriptions", request_id)


def framed(name: str, payload: Any, *, wrapped: bool) -> bytes:
    """Return an event's frame: wrapped in the name of its stream, or raw."""
    return combined(name, payload) if wrapped else raw(payload)


def shutdown_notice(now_ns: int, *, wrapped: bool) -> bytes:
    """Return the notice that the connection is about to be closed (facts A.6)."""
    return framed("!serverShutdown", {"e": "serverShutdown", "E": now_ns // 1_000_000}, wrapped=wrapped)


# What a request weighs.


def weight(exchange: Exchange, path: str, query: Mapping[str, str]) -> int:
    """Return what a request to a public endpoint weighs (facts C.2); 1 where the facts say nothing.

    Args:
        exchange: Which market.
        path: The path, from ``/api``, ``/fapi``, ``/dapi`` or ``/futures`` on.
        query: The parameters.
    """
    futures = exchange in FUTURES
    if path.startswith("/futures/data/"):
        return 1 if exchange is COIN_M else 0
    name = "/".join(path.strip("/").split("/")[2:])
    found = (_FUTURES_WEIGHTS if futures else _SPOT_WEIGHTS).get(name, 1)
    if exchange is COIN_M:
        found = {"premiumIndex": 10, "fundingRate": 1}.get(name, found)
    return found if isinstance(found, int) else found(query)


Weighed: TypeAlias = int | Callable[[Mapping[str, str]], int]


def _steps(usual: int, *steps: tuple[int, int], beyond: int) -> Callable[[Mapping[str, str]], int]:
    """Weigh by ``limit``, `usual` where none is given: each step is the most that weighs so much."""

    def weigh(query: Mapping[str, str]) -> int:
        text = query.get("limit", "")
        limit = int(text) if text.isascii() and text.isdigit() else usual
        return next((found for most, found in steps if limit <= most), beyond)

    return weigh


def _either(one: int, all_: int) -> Callable[[Mapping[str, str]], int]:
    """Weigh by whether it is of a single symbol."""
    return lambda query: one if query.get("symbol") else all_


def _count(query: Mapping[str, str]) -> int | None:
    """Return how many symbols are asked for by name, None for all."""
    if query.get("symbol"):
        return 1
    return query["symbols"].count(",") + 1 if query.get("symbols") else None


def _day(query: Mapping[str, str]) -> int:
    count = _count(query)
    return 80 if count is None else next((w for most, w in ((20, 2), (100, 40)) if count <= most), 80)


def _each(one: int, most: int) -> Callable[[Mapping[str, str]], int]:
    """Weigh every symbol."""
    return lambda query: min(one * (_count(query) or most), most)


_SPOT_WEIGHTS: dict[str, Weighed] = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 20,
    "executionRules": _each(2, 40),
    "depth": _steps(100, (100, 5), (500, 25), (1_000, 50), beyond=250),
    "trades": 25,
    "historicalTrades": 25,
    "aggTrades": 4,
    "historicalBlockTrades": 25,
    "klines": 2,
    "uiKlines": 2,
    "ticker/24hr": _day,
    "ticker/price": _either(2, 4),
    "ticker/bookTicker": _either(2, 4),
    "ticker": _each(4, 200),
    "ticker/tradingDay": _each(4, 200),
    "avgPrice": 2,
    "referencePrice": 2,
}
_KLINES = _steps(500, (99, 1), (499, 2), (1_000, 5), beyond=10)
_FUTURES_WEIGHTS: dict[str, Weighed] = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 1,
    "depth": _steps(500, (50, 2), (100, 5), (500, 10), beyond=20),
    "rpiDepth": 20,
    "trades": 5,
    "historicalTrades": 20,
    "aggTrades": 20,
    "klines": _KLINES,
    "continuousKlines": _KLINES,
    "indexPriceKlines": _KLINES,
    "markPriceKlines": _KLINES,
    "premiumIndexKlines": _KLINES,
    "ticker/24hr": _either(1, 40),
    "ticker/price": _either(1, 2),
    "ticker/bookTicker": _either(2, 5),
    "premiumIndex": _either(1, 10),
    "fundingRate": 0,
    "fundingInfo": 0,
    "openInterest": 1,
    "tradingSchedule": 5,
}
