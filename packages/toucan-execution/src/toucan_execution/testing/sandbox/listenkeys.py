"""Listen keys of the futures, and the spot ones that are gone (facts E.2.1, E.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint, Security
from toucan_execution.testing.sandbox.errors import ApiError

__all__ = ["ListenKeys", "gone_endpoints"]

HOUR_NS = 3_600_000_000_000
GONE = 410


class _Key(msgspec.Struct):
    account: str
    until_ns: int


class ListenKeys:
    """The listen keys of one market: one for each account.

    Args:
        new: Makes a key.
        ended: Told of a key that has ended: its account, the key, and whether it had expired.
    """

    def __init__(self, new: Callable[[], str], ended: Callable[[str, str, bool], None]) -> None:
        self._new = new
        self._ended = ended
        self._keys: dict[str, _Key] = {}

    def account_of(self, key: str) -> str | None:
        """Return whose a key is, None where there is no such key."""
        found = self._keys.get(key)
        return None if found is None else found.account

    def of(self, account: str) -> str | None:
        """Return the key of an account, None where it has none."""
        return next((key for key, each in self._keys.items() if each.account == account), None)

    def start(self, ask: Ask) -> dict[str, Any]:
        """Make the account's key, or give it an hour more."""
        key = self.of(ask.account) or self._new()
        self._keys[key] = _Key(ask.account, ask.now_ns + HOUR_NS)
        return {"listenKey": key}

    def keep(self, ask: Ask) -> dict[str, Any]:
        """Give the account's key an hour more.

        Raises:
            ApiError: -1125: it has none.
        """
        key = self._named(ask)
        self._keys[key].until_ns = ask.now_ns + HOUR_NS
        return {"listenKey": key}

    def stop(self, ask: Ask) -> dict[str, Any]:
        """End the account's key, for everybody who uses it."""
        self._end(self._named(ask), expired=False)
        return {}

    def _named(self, ask: Ask) -> str:
        key = self.of(ask.account)
        if key is None or ask.params.text("listenKey", key) != key:
            raise ApiError(-1125, "This listenKey does not exist.")
        return key

    def expire(self, account: str) -> bool:
        """Let the key of an account expire now; return whether it had one."""
        key = self.of(account)
        if key is not None:
            self._end(key, expired=True)
        return key is not None

    def run_due(self, now_ns: int) -> None:
        """Let keys expire whose time has come."""
        for key in [key for key, each in self._keys.items() if each.until_ns <= now_ns]:
            self._end(key, expired=True)

    @property
    def due_ns(self) -> int | None:
        """When the next key expires."""
        return min((each.until_ns for each in self._keys.values()), default=None)

    def _end(self, key: str, *, expired: bool) -> None:
        ended = self._keys.pop(key)
        self._ended(ended.account, key, expired)

    def endpoints(self, prefix: str) -> tuple[Endpoint, ...]:
        """Return what can be asked of them.

        Args:
            prefix: Of the market's paths, such as ``/fapi/v1``.
        """
        path, may = f"{prefix}/listenKey", ("listenKey",)
        return (
            _endpoint("POST", path, self.start, "userDataStream.start", may),
            _endpoint("PUT", path, self.keep, "userDataStream.ping", may),
            _endpoint("DELETE", path, self.stop, "userDataStream.stop", may),
        )


def _endpoint(
    method: str, path: str, act: Callable[[Ask], Any], ws: str, optional: tuple[str, ...]
) -> Endpoint:
    return Endpoint(
        method=method, path=path, act=act, ws=(ws,), security=Security.KEY, optional=optional, weight=1
    )


def _gone(ask: Ask) -> Any:
    del ask
    words = "This endpoint is retired; subscribe with userDataStream.subscribe.signature."
    raise ApiError(-1000, words, status=GONE)


def gone_endpoints() -> tuple[Endpoint, ...]:
    """Return spot's listen keys, retired on 2026-02-20: they are answered with 410."""
    names = {"POST": "start", "PUT": "ping", "DELETE": "stop"}
    return tuple(
        Endpoint(
            method=method, path="/api/v3/userDataStream", act=_gone, ws=(f"userDataStream.{name}",),
            security=Security.NONE, optional=("listenKey",), weight=2,
        )
        for method, name in names.items()
    )  # fmt: skip
