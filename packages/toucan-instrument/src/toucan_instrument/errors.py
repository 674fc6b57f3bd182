"""Every error that the shared types and the link raise; each half adds its own below.

    ToucanError
    ├── InvalidInput           a bad argument: names the field, the value and what is accepted
    │   ├── UnknownSymbol      no such instrument; near matches
    │   └── UnsupportedKind    the venue has no such thing
    ├── LinkError
    │   └── DialError          a connection could not be opened
    ├── RequestError           a call over HTTP did not succeed
    │   ├── RequestFailed      no complete answer came
    │   └── VenueError         the venue answered with an error
    │       ├── RateLimited    429: a limit was broken
    │       └── AddressBanned  418: the address is banned
    └── PayloadError           what a venue sent cannot be read

All of them can be pickled. None holds a secret: addresses are kept without their query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AddressBanned",
    "DialError",
    "InvalidInput",
    "LinkError",
    "PayloadError",
    "RateLimited",
    "RequestError",
    "RequestFailed",
    "ToucanError",
    "UnknownSymbol",
    "UnsupportedKind",
    "VenueError",
]

SHOWN = 200


def _rebuild(cls: type[ToucanError], args: tuple[Any, ...], fields: dict[str, Any]) -> ToucanError:
    """Make an error again from its pickle."""
    return cls(*args, **fields)


class ToucanError(Exception):
    """Base of all errors of toucan."""

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments that make this error again."""
        return self.args, {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the arguments it was made from."""
        args, fields = self._fields()
        return _rebuild, (type(self), args, fields)


class InvalidInput(ToucanError, ValueError):
    """A bad argument.

    Attributes:
        message: What is wrong with it.
        field: Which argument or field.
        value: What was given.
        accepted: What would be accepted, empty where that goes without saying.
    """

    def __init__(self, message: str, *, field: str, value: object, accepted: str = "") -> None:
        """Name what is wrong, where, what was given and what would be right."""
        self.message = message
        self.field = field
        self.value = value
        self.accepted = accepted
        shown = repr(value)
        if len(shown) > SHOWN:
            shown = shown[:SHOWN] + "…"
        wanted = f"; accepted: {accepted}" if accepted else ""
        super().__init__(f"{field}={shown}: {message}{wanted}")

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.message,), {
            "field": self.field,
            "value": self.value,
            "accepted": self.accepted,
        }


class UnknownSymbol(InvalidInput):
    """No instrument of that name.

    Attributes:
        near: Names that are spelt much like it.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str,
        value: object,
        accepted: str = "",
        near: tuple[str, ...] = (),
    ) -> None:
        """Name what was not found, and what is near it."""
        self.near = near
        self._said = accepted
        hint = f"near: {', '.join(near)}" if near else ""
        super().__init__(
            message,
            field=field,
            value=value,
            accepted="; ".join(part for part in (accepted, hint) if part),
        )

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, fields = super()._fields()
        return args, fields | {"accepted": self._said, "near": self.near}


class UnsupportedKind(InvalidInput):
    """The venue has no such thing; `accepted` names what it has."""


class LinkError(ToucanError):
    """A connection, or the means to make one, failed."""


class DialError(LinkError):
    """A connection could not be opened.

    Attributes:
        message: What happened.
        retryable: Whether the same attempt may succeed later.
        retry_after_ns: How long the server asks to stay away, nanoseconds, 0 where it does not say.
        status: The HTTP status of the handshake, 0 where there was none.
    """

    def __init__(self, message: str, *, retryable: bool, retry_after_ns: int = 0, status: int = 0) -> None:
        """Say what happened, and whether to try again."""
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.retry_after_ns = retry_after_ns
        self.status = status

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.message,), {
            "retryable": self.retryable,
            "retry_after_ns": self.retry_after_ns,
            "status": self.status,
        }


class RequestError(ToucanError):
    """A call over HTTP did not succeed.

    Attributes:
        method: ``GET``, ``POST`` and so on.
        url: The address without its query, which may hold a signature.
    """

    def __init__(self, message: str, *, method: str, url: str) -> None:
        """Name the call."""
        self.message = message
        self.method = method
        self.url: str = url.partition("?")[0]
        super().__init__(f"{method} {self.url}: {message}")

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.message,), {"method": self.method, "url": self.url}


class RequestFailed(RequestError):
    """No complete answer came.

    Attributes:
        sent: False where the request certainly never left, None where that is not known: whatever it
            asked for may have happened.
    """

    def __init__(self, message: str, *, method: str, url: str, sent: bool | None) -> None:
        """Name the call, and whether it may have had an effect."""
        super().__init__(message, method=method, url=url)
        self.sent = sent

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, fields = super()._fields()
        return args, fields | {"sent": self.sent}


class VenueError(RequestError):
    """The venue answered with an error.

    Attributes:
        status: The HTTP status.
        code: The venue's error code, None where it gave none.
        venue_message: The venue's words.
        retry_after_ns: How long it asks to stay away, nanoseconds, 0 where it does not say.
        limits: What the answer said of the limits: names as the venue writes them, in lower case.
    """

    def __init__(
        self,
        *,
        method: str,
        url: str,
        status: int,
        code: int | str | None,
        venue_message: str,
        retry_after_ns: int = 0,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        """Name the call and the answer."""
        self.status = status
        self.code = code
        self.venue_message = venue_message
        self.retry_after_ns = retry_after_ns
        self.limits: Mapping[str, str] = dict(limits or {})
        named = "" if code is None else f", code {code}"
        wait = f" (retry after {retry_after_ns / 1e9:g} s)" if retry_after_ns else ""
        super().__init__(f"status {status}{named}: {venue_message[:SHOWN]}{wait}", method=method, url=url)

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (), {
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "code": self.code,
            "venue_message": self.venue_message,
            "retry_after_ns": self.retry_after_ns,
            "limits": self.limits,
        }


class RateLimited(VenueError):
    """A limit was broken (429): nothing more may be sent until the time that the venue names."""


class AddressBanned(VenueError):
    """The address is banned (418), for every process behind it."""


class PayloadError(ToucanError):
    """What a venue sent cannot be read.

    Attributes:
        what: What it was taken for.
        raw: The bytes.
        cause: Why it cannot be read.
    """

    def __init__(self, what: str, *, raw: bytes, cause: str) -> None:
        """Name what it should have been, and why it is not."""
        self.what = what
        self.raw = raw
        self.cause = cause
        shown = raw[:SHOWN].decode("utf-8", "backslashreplace")
        super().__init__(f"{what} cannot be read: {cause}: {shown}")

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.what,), {"raw": self.raw, "cause": self.cause}
