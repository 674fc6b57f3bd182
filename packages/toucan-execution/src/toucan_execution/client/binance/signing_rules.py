"""What exactly Binance wants signed, and how it is written on the wire (facts C.5, C.6, F.3).

REST signs the text that is sent, percent-encoded: it is written once, and nothing may write it again. The
WebSocket API signs the values as they are, sorted by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import quote

from toucan_execution.call import Value
from toucan_execution.secret import Secret
from toucan_execution.signing import Signer
from toucan_instrument.decimals import plain
from toucan_instrument.errors import InvalidInput

__all__ = [
    "RecvWindow",
    "encode_params",
    "rest_payload",
    "signed_query",
    "signed_ws_params",
    "wire_time",
    "ws_payload",
]

RecvWindow = str | int | Decimal
"""How long after its timestamp a request is good, in milliseconds (facts C.5)."""

OURS = frozenset({"apiKey", "recvWindow", "signature", "timestamp"})
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")
_DIGITS = re.compile(r"[0-9]+")


def encode_params(params: Iterable[tuple[str, Value]]) -> str:
    """Return parameters as a query or a form body, in their order.

    UTF-8, percent-encoded once: all but letters, digits and ``-._~``; a space is ``%20``. A boolean is
    ``true`` or ``false``.

    Raises:
        InvalidInput: A value is a float, or anything but a text, an int or a boolean; or a text is no
            Unicode (a lone surrogate).
    """
    return "&".join([f"{_quoted(name, name)}={_quoted(_text(name, value), name)}" for name, value in params])


def rest_payload(query: str, body: str = "") -> bytes:
    """Return what is signed of a request whose parameters stand in both query and body: no ``&`` between.

    Both are as sent, percent-encoded, without ``signature`` (facts C.6). We never mix them.
    """
    return (query + body).encode("ascii")


def signed_query(
    params: Iterable[tuple[str, Value]],
    signer: Signer,
    *,
    timestamp: int,
    recv_window: RecvWindow | None = None,
) -> str:
    """Return parameters as a query or a form body, signed; these very bytes have to be sent.

    Args:
        params: Names and values, in order; neither time nor signature.
        signer: Signs them.
        timestamp: The venue's time in the unit of the wire: see `wire_time`.
        recv_window: In milliseconds, as it is to be sent; None for the venue's default of 5000.

    Raises:
        InvalidInput: As `encode_params`; or a name is there that is added here.
    """
    query = encode_params(_timed(params, timestamp, recv_window))
    return f"{query}&signature={quote(signer.sign(query.encode('ascii')), safe='')}"


def ws_payload(params: Mapping[str, Value]) -> bytes:
    """Return what is signed of a request over the WebSocket API (facts C.6).

    All but ``signature``, sorted by name, ``name=value`` joined by ``&``, in UTF-8 and not percent-encoded.

    Raises:
        InvalidInput: As `encode_params`.
    """
    names = sorted(name for name in params if name != "signature")
    return b"&".join([_utf8(f"{name}={_text(name, params[name])}", name) for name in names])


def signed_ws_params(
    params: Iterable[tuple[str, Value]],
    api_key: Secret,
    signer: Signer,
    *,
    timestamp: int,
    recv_window: RecvWindow | None = None,
) -> dict[str, Value]:
    """Return the ``params`` of a request over the WebSocket API, with key, time and signature.

    Values keep their JSON types: whole numbers are numbers, decimals are texts (facts F.2). The arguments
    are those of `signed_query`. The dict holds the key and the signature in plain: encode it, and let it go.

    Raises:
        InvalidInput: As `signed_query`; or a name is there twice.
    """
    signed: dict[str, Value] = {}
    for name, value in _timed(params, timestamp, recv_window):
        if name in signed:
            raise InvalidInput("that parameter is there twice", field="params", value=name)
        signed[name] = value
    ws_payload(signed)  # whatever can be refused is refused before the key stands in it
    signed["apiKey"] = api_key.reveal()
    signed["signature"] = signer.sign(ws_payload(signed))
    return signed


def wire_time(time_ns: int, *, microseconds: bool = False) -> int:
    """Return a time as it is sent: milliseconds, or microseconds (spot alone); cut, never rounded up.

    A timestamp ahead of the venue's clock is refused sooner than one behind it (facts C.5).
    """
    return time_ns // (1_000 if microseconds else 1_000_000)


def _timed(
    params: Iterable[tuple[str, Value]], timestamp: int, recv_window: RecvWindow | None
) -> list[tuple[str, Value]]:
    """Return parameters with the time."""
    timed = list(params)
    for name, _ in timed:
        if name in OURS:
            raise InvalidInput("that parameter is added here", field="params", value=name)
    if recv_window is not None:
        window = plain(recv_window) if isinstance(recv_window, Decimal) else _text("recvWindow", recv_window)
        timed.append(("recvWindow", int(window) if _DIGITS.fullmatch(window) else window))
    if isinstance(timestamp, bool) or not isinstance(timestamp, int) or timestamp <= 0:
        raise InvalidInput(
            "that is no time", field="timestamp", value=timestamp, accepted="an int above 0, see wire_time"
        )
    timed.append(("timestamp", timestamp))
    return timed


def _text(name: str, value: object) -> str:
    """Return a value as it is sent, whatever subclass of a text or an int it is."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    raise InvalidInput(
        "that has no exact text", field=name, value=value, accepted="a text in plain notation, an int, a bool"
    )


def _quoted(text: str, name: str) -> str:
    if _UNRESERVED.fullmatch(text):
        return text
    return quote(_utf8(text, name), safe="")


def _utf8(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
    raise InvalidInput("that is no Unicode text", field=name, value=f"U+{code:04X}", accepted="no surrogates")
