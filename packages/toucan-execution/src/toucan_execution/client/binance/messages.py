"""What all of Binance's private messages have in common: exact numbers, envelopes, errors.

Field names are the wire's own, which differ only by case (``e``/``E``, ``t``/``T``): decoding is case
sensitive. Unknown fields are ignored; what a market, an older or a newer API leaves out is optional.
Numbers are Decimals made from the text of the message, whether it is quoted or not, so that no digit is
lost; numbers that are not finite, or of a size that no amount has, are refused. Ints and booleans may come
quoted (``"leverage":"20"``).
"""

# ruff: noqa: N815 - the wire's own names

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TypeAlias, TypeVar, get_args, get_type_hints

import msgspec

from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError

__all__ = [
    "NOTHING",
    "ErrorBody",
    "Header",
    "Id",
    "RateLimit",
    "Wire",
    "WsAnswer",
    "decoder_of",
    "given",
    "loose",
    "masked",
    "read",
]

T = TypeVar("T")

Id: TypeAlias = int | str
"""An id: most are JSON integers, some answers quote them."""

NOTHING = msgspec.Raw(b"")
"""The default of what is decoded later: what lies within (see `given`), and numbers that may be an empty text
(see `loose`)."""

MAGNITUDE = 40
_RECURSION = "it is nested too deep"
_SECRET = re.compile(rb'("(?:listenKey|apiKey|signature|stream)"\s*:\s*")(?:[^"\\]|\\.)*', re.DOTALL)
"""A listen key is a secret: it is also the name of the stream in combined frames."""


class Wire(msgspec.Struct):
    """Base of the payloads: checks that every number is one."""

    def __post_init__(self) -> None:
        """Refuse what a Decimal can be and no amount is; msgspec makes a decoding error of it."""
        for name in _exact_fields(type(self)):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and -MAGNITUDE <= value.adjusted() <= MAGNITUDE):
                raise ValueError(f"{name} is no number of a size that an amount has")


@cache
def _exact_fields(cls: type[Wire]) -> tuple[str, ...]:
    hints = get_type_hints(cls)
    return tuple(
        name for name in cls.__struct_fields__ if hints[name] is Decimal or Decimal in get_args(hints[name])
    )


class Header(msgspec.Struct):
    """The first look at a frame: what it is, and what it is wrapped in (facts E.1, F.2).

    Attributes:
        e: The name of a user event.
        stream: Of a combined stream; on private ones that is a listen key, which is a secret.
        data: What a combined stream carries.
        event: What the WebSocket API's subscription carries.
        id: Of the request that it answers; null where it answers none that could be read.
        result: What it holds.
        error: Or why it holds nothing.
    """

    e: str | None = None
    stream: str | None = None
    data: msgspec.Raw = NOTHING
    event: msgspec.Raw = NOTHING
    id: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class RateLimit(Wire):
    """How much of a limit is used up (facts F.2)."""

    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int
    count: int | None = None


class ErrorBody(Wire):
    """An error, or the confirmation of something that answers with nothing else (facts C.9, D.2.7).

    Errors have codes below zero. ``code`` may be quoted; ``data`` is that of a cancel-replace (facts
    D.1.7) or of a ban (facts F.2).
    """

    code: int
    msg: str = ""
    data: msgspec.Raw = NOTHING

    @property
    def failed(self) -> bool:
        """Whether it is an error."""
        return self.code < 0


class WsAnswer(Wire):
    """An answer over the WebSocket API (facts F.2); it does not say what was asked."""

    id: int | str | None = None
    status: int | None = None
    result: msgspec.Raw = NOTHING
    error: ErrorBody | None = None
    rateLimits: list[RateLimit] | None = None


def given(raw: msgspec.Raw) -> bool:
    """Tell whether what is decoded later is there, and not null."""
    return raw is not NOTHING and bytes(raw) not in {b"", b"null"}


def decoder_of(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder that takes quoted ints and booleans for what they are."""
    return msgspec.json.Decoder(kind, strict=False)


def masked(raw: bytes) -> bytes:
    """Return a message without the keys that it holds, for errors and for events that keep it whole."""
    return _SECRET.sub(rb"\1***", raw)


def read(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw, what: str) -> T:
    """Read a payload.

    Raises:
        PayloadError: It cannot be read; says what is wrong, and where. Keys are masked in its bytes.
    """
    try:
        return decoder.decode(raw)
    except RecursionError:
        raise PayloadError(what, raw=masked(bytes(raw)), cause=_RECURSION) from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise PayloadError(what, raw=masked(bytes(raw)), cause=str(error)) from None


def loose(raw: msgspec.Raw, field: str) -> Decimal | None:
    """Return a number that may as well be null, an empty text, or ``INF``: then None.

    Raises:
        PayloadError: It is something else.
    """
    text = bytes(raw).strip()
    if text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
    if text in {b"", b"null", b"INF"}:
        return None
    try:
        return decimal_of(text.decode("ascii"), field=field)
    except (InvalidInput, UnicodeDecodeError):
        raise PayloadError(field, raw=text, cause="that is no number") from None
