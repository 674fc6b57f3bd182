"""The WebSocket API: one connection's requests, its session, and its subscriptions (facts E.2, F).

Pure: a text comes in, texts go out. What a request does is behind `Gate`, the same as over REST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint, Security
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.gate import Gate, Incoming, Outgoing
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params

__all__ = ["WsRequest", "WsSession", "ws_names"]

MILLI = 1_000_000
VERSIONS = ("v1/", "v3/")
MOST_SUBSCRIPTIONS = 1_000
MOST_SUBSCRIPTION_IDS = 65_535
SHOWN = "returnRateLimits"
"""A parameter that every request may have: it goes before what the address says."""
LOST_SESSION: dict[str, Any] = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}


class WsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as it was read.

    Attributes:
        id: What the client calls it: echoed.
        method: What it asks, without a version.
        params: What it says.
    """

    id: Any = None
    method: str = ""
    params: dict[str, Any] = {}


class WsSession:
    """One connection to the WebSocket API of a market.

    Args:
        market: Which market.
        gate: Checks what comes.
        methods: What can be asked, by name.
        now_ns: When it was opened.
        quiet: Whether answers leave out the rate limits (``returnRateLimits=false``).
    """

    def __init__(
        self,
        market: SandboxMarket,
        gate: Gate,
        methods: Mapping[str, Endpoint],
        *,
        now_ns: int,
        quiet: bool = False,
    ) -> None:
        self.market = market
        self.account: str = ""
        """Whose session it is, empty while nobody has logged on."""
        self.subscriptions: dict[int, str] = {}
        """The accounts that are subscribed here, by subscription."""
        self._by_session: set[int] = set()
        self._gate = gate
        self._methods = methods
        self._own = {endpoint.ws[0]: endpoint for endpoint in self._endpoints()}
        self._opened_ns = now_ns
        self._authorized_ns: int | None = None
        self._api_key = ""
        self._ids = 0
        self._quiet = quiet
        self._after: list[bytes] = []

    # Reading and answering.

    def read(self, text: bytes) -> WsRequest | bytes:
        """Read a request; a text that is none gives the answer to it."""
        try:
            request = msgspec.json.decode(text, type=WsRequest)
        except msgspec.DecodeError:
            error = {"code": -1135, "msg": "This is not a valid JSON request."}
            return msgspec.json.encode({"id": None, "status": 400, "error": error})
        for version in VERSIONS:
            if request.method.startswith(version):
                return msgspec.structs.replace(request, method=request.method.removeprefix(version))
        return request

    def answer(self, request: WsRequest, now_ns: int) -> list[bytes]:
        """Do what a request asks; return its answer, and what is told after it."""
        outgoing = self.perform(request, now_ns)
        after, self._after = self._after, []
        return [self.frame(request, outgoing), *after]

    def incoming(self, request: WsRequest) -> Incoming | None:
        """Return a request as the gate takes it; None where nothing has that name."""
        endpoint = self._own.get(request.method) or self._methods.get(request.method)
        if endpoint is None:
            return None
        params = request.params
        return Incoming(
            endpoint=endpoint,
            params=Params({name: value for name, value in params.items() if name != SHOWN}),
            api_key=str(params.get("apiKey", "")),
            payload=_payload(params),
            signature=str(params.get("signature", "")),
            session=self._api_key,
        )

    def perform(self, request: WsRequest, now_ns: int) -> Outgoing:
        """Do what a request asks."""
        incoming = self.incoming(request)
        if incoming is None:
            unknown = ApiError(-1100, f"Unknown method '{request.method}'.")
            return Outgoing(status=400, result=unknown.body(), failed=True, limits=self._gate.address.rows())
        return self._gate.pass_through(self.market, incoming, now_ns)

    def frame(self, request: WsRequest, outgoing: Outgoing) -> bytes:
        """Write an answer."""
        kind = "error" if outgoing.failed else "result"
        result = {**outgoing.result, "data": outgoing.times} if outgoing.times else outgoing.result
        answer = {"id": request.id, "status": outgoing.status, kind: result}
        shown = request.params.get(SHOWN, not self._quiet)
        limits = {"rateLimits": outgoing.limits} if shown and outgoing.limits else {}
        return msgspec.json.encode({**answer, **limits})

    # What an account is told.

    def tell(self, account: str, payload: Mapping[str, Any]) -> list[bytes]:
        """Return the frames that tell of an account's event here."""
        return [
            _event(number, payload)
            for number, subscribed in self.subscriptions.items()
            if subscribed == account
        ]

    def revoke(self, api_key: str, now_ns: int) -> list[bytes]:
        """End the session of a key that was deleted; return what tells of it."""
        if not api_key or self._api_key != api_key:
            return []
        self._log_off(now_ns)
        ended, self._after = self._after, []
        return [msgspec.json.encode({"id": None, "status": 401, "error": LOST_SESSION}), *ended]

    # Its own methods.

    def _endpoints(self) -> Iterable[Endpoint]:
        def own(
            name: str,
            act: Callable[[Ask], Any],
            security: Security = Security.NONE,
            *optional: str,
            weight: int = 2,
        ) -> Endpoint:
            return Endpoint(
                method="", path="", ws=(name,), act=act, security=security, optional=optional, weight=weight
            )

        yield own("session.logon", self._log_on, Security.SIGNED)
        yield own("session.status", self._status)
        yield own("session.logout", self._logout)
        if self.market.futures:
            return
        yield own("session.subscriptions", self._list)
        yield own("userDataStream.subscribe", self._subscribe)
        yield own("userDataStream.subscribe.signature", self._subscribe_signed, Security.SIGNED)
        yield own("userDataStream.unsubscribe", self._unsubscribe, Security.NONE, "subscriptionId")

    def _log_on(self, ask: Ask) -> dict[str, Any]:
        self._gate.check_session_key(ask.params.text("apiKey"))
        self.account, self._api_key = ask.account, ask.params.text("apiKey")
        self._authorized_ns = ask.server_ns
        return self._status(ask)

    def _status(self, ask: Ask) -> dict[str, Any]:
        since = self._authorized_ns
        status: dict[str, Any] = {
            "apiKey": self._api_key or None,
            "authorizedSince": None if since is None else since // MILLI,
            "connectedSince": self._opened_ns // MILLI,
            "returnRateLimits": not self._quiet,
            "serverTime": ask.server_ns // MILLI,
        }
        return status if self.market.futures else {**status, "userDataStream": bool(self.subscriptions)}

    def _logout(self, ask: Ask) -> dict[str, Any]:
        self._log_off(ask.now_ns)
        return self._status(ask)

    def _log_off(self, now_ns: int) -> None:
        for number in sorted(self._by_session):
            self._end(number, now_ns)
        self.account, self._api_key, self._authorized_ns = "", "", None

    def _subscribe(self, ask: Ask) -> dict[str, Any]:
        del ask
        if not self.account:
            raise ApiError(-1002, "You are not authorized to execute this request.", status=401)
        number = self._add(self.account)
        self._by_session.add(number)
        return {"subscriptionId": number}

    def _subscribe_signed(self, ask: Ask) -> dict[str, Any]:
        return {"subscriptionId": self._add(ask.account)}

    def _add(self, account: str) -> int:
        if account in self.subscriptions.values():
            raise ApiError(-2035, "User Data Stream subscription already active.")
        if self._ids >= MOST_SUBSCRIPTION_IDS:
            raise ApiError(-2042, "Maximum subscription ID reached for this connection.")
        if len(self.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise ApiError(-1003, "Too many subscriptions on this connection.")
        number, self._ids = self._ids, self._ids + 1
        self.subscriptions[number] = account
        return number

    def _unsubscribe(self, ask: Ask) -> dict[str, Any]:
        wanted = ask.params.integer("subscriptionId")
        chosen = list(self.subscriptions) if wanted is None else [wanted]
        if not chosen or any(number not in self.subscriptions for number in chosen):
            raise ApiError(-2036, "User Data Stream subscription not active.")
        for number in chosen:
            self._end(number, ask.now_ns)
        return {}

    def _end(self, number: int, now_ns: int) -> None:
        self._after.append(_event(number, {"e": "eventStreamTerminated", "E": now_ns // MILLI}))
        del self.subscriptions[number]
        self._by_session.discard(number)

    def _list(self, ask: Ask) -> list[dict[str, Any]]:
        del ask
        return [{"subscriptionId": number} for number in self.subscriptions]


def ws_names(endpoints: Iterable[Endpoint]) -> dict[str, Endpoint]:
    """Return what can be asked over a WebSocket API, by name."""
    return {name: endpoint for endpoint in endpoints for name in endpoint.ws}


def _payload(params: Mapping[str, Any]) -> bytes:
    """Return what the signature of a request has to be of (facts C.6)."""
    names = sorted(name for name in params if name != "signature")
    return "&".join(f"{name}={_plain(params[name])}" for name in names).encode()


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return msgspec.json.encode(value).decode()
    return str(value)


def _event(number: int, payload: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"subscriptionId": number, "event": payload})
