"""The errors that Binance answers with: its codes and texts (facts C.8, C.9)."""

from __future__ import annotations

from typing import Any

from toucan_execution.errors import ExecutionError

__all__ = [
    "ApiError",
    "bad_symbol",
    "illegal",
    "invalid_key",
    "invalid_signature",
    "invalid_timestamp",
    "missing",
    "unread",
]

BAD_REQUEST, UNAUTHORIZED = 400, 401


class ApiError(ExecutionError):
    """What a request is answered with in place of a result.

    Attributes:
        code: Binance's code, below zero.
        text: Its words.
        status: The HTTP status; the WebSocket API's is the same.
        data: What else the body says, None for nothing.
    """

    def __init__(self, code: int, text: str, *, status: int = BAD_REQUEST, data: Any = None) -> None:
        """Say what is wrong."""
        super().__init__(f"{code}: {text}")
        self.code: int = code
        self.text: str = text
        self.status: int = status
        self.data: Any = data

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.code, self.text), {"status": self.status, "data": self.data}

    def body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        body: dict[str, Any] = {"code": self.code, "msg": self.text}
        return body if self.data is None else {**body, "data": self.data}


def missing(name: str) -> ApiError:
    """A parameter is needed and not there, or empty."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> ApiError:
    """A parameter has characters that it must not have."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def unread(read: int, sent: int) -> ApiError:
    """There are parameters that nobody knows."""
    words = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
    return ApiError(-1104, words)


def bad_symbol() -> ApiError:
    """The symbol is not traded here."""
    return ApiError(-1121, "Invalid symbol.")


def invalid_key(*, malformed: bool = False) -> ApiError:
    """The API key is not known here, or is none at all."""
    if malformed:
        return ApiError(-2014, "API-key format invalid.", status=UNAUTHORIZED)
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=UNAUTHORIZED)


def invalid_signature() -> ApiError:
    """The signature is not that of the request."""
    return ApiError(-1022, "Signature for this request is not valid.")


def invalid_timestamp(*, ahead: bool) -> ApiError:
    """The request is too old, or comes from a clock that is ahead (facts C.5)."""
    if ahead:
        return ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    return ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")
