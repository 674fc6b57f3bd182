"""The way in: who asks, when, how much, and with which parameters; then the endpoint answers.

Pure: no socket and no clock. REST and the WebSocket API come through here with the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint, Security
from toucan_execution.testing.sandbox.errors import (
    ApiError,
    illegal,
    invalid_signature,
    invalid_timestamp,
    missing,
)
from toucan_execution.testing.sandbox.keys import KeyRing
from toucan_execution.testing.sandbox.limits import (
    AddressLimits,
    Limited,
    LimitRule,
    OrderLimits,
    rules_of,
)
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params

__all__ = ["Gate", "Incoming", "Outgoing", "rest_parameters"]

MILLI, MICRO = 1_000_000, 1_000
AHEAD_NS = 1_000 * MILLI
FIRST_MICRO = 10**15
WINDOW = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
LONGEST_WINDOW_MS = 60_000
USUAL_WINDOW_MS = Decimal(5_000)
OK, NOT_FOUND = 200, 404


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as far as the way that it came does not matter.

    Attributes:
        endpoint: What it asks.
        params: What it says.
        api_key: The key that it carries, empty for none.
        payload: What its signature has to be of.
        signature: Its signature, empty for none.
        session: The API key of the session that it came on, empty for none: it needs no signature.
    """

    endpoint: Endpoint
    params: Params
    api_key: str = ""
    payload: bytes = b""
    signature: str = ""
    session: str = ""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is answered with.

    Attributes:
        status: The HTTP status.
        result: What is encoded as JSON: the result, or the error's body.
        failed: Whether it is an error.
        headers: What REST says besides.
        limits: What the WebSocket API says of the limits.
        account: Whose request it was, empty where that is not known.
        times: What the WebSocket API says besides of how long nothing may be asked (facts F.2).
    """

    status: int
    result: Any
    failed: bool = False
    headers: Mapping[str, str] = {}
    limits: list[dict[str, Any]] = []
    account: str = ""
    times: Mapping[str, int] = {}


class Gate:
    """Checks what comes to one market, or to the two futures markets, which share their limits.

    Args:
        keys: The keys that there are.
        futures: Which limits hold.
        advance: Lets a market's time pass before it is asked.
        limited: Whether these limits hold at all.
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        futures: bool,
        advance: Callable[[SandboxMarket, int], None],
        limited: bool = True,
    ) -> None:
        self.rules: tuple[LimitRule, ...] = rules_of(futures=futures, limited=limited)
        self.address: AddressLimits = AddressLimits(self.rules)
        self._orders: dict[str, OrderLimits] = {}
        self._keys = keys
        self._futures = futures
        self._advance = advance

    def orders_of(self, account: str) -> OrderLimits:
        """Return the order limits of an account."""
        found = self._orders.get(account)
        if found is None:
            found = self._orders[account] = OrderLimits(self.rules)
        return found

    def pass_through(self, market: SandboxMarket, incoming: Incoming, now_ns: int) -> Outgoing:
        """Check a request, do what it asks, and answer it."""
        endpoint, account = incoming.endpoint, ""
        try:
            weight = self._weight(incoming)
            self.address.charge(now_ns, weight)
            account = self.account_of(incoming, now_ns)
            incoming.params.check(endpoint.required, endpoint.optional)
            slots = endpoint.orders(incoming.params)
            if slots:
                self.orders_of(account).charge(now_ns, slots)
            self._advance(market, now_ns)
            result = endpoint.act(
                Ask(
                    market=market, account=account, params=incoming.params, now_ns=market.now_ns,
                    clock_ns=now_ns,
                )
            )  # fmt: skip
        except ApiError as error:
            return self.refusal(error, now_ns, account=account, ordering=endpoint.slots != 0)
        if endpoint.free:
            self.address.refund(weight)
        headers, limits = self._shown(account, now_ns, ordering=endpoint.slots != 0)
        return Outgoing(status=OK, result=result, headers=headers, limits=limits, account=account)

    def _count_orders(self, endpoint: Endpoint, ask: Ask, slots: int, now_ns: int) -> None:
        if not slots:
            return
        try:
            self.orders_of(ask.account).charge(now_ns, slots)
        except Limited as limited:
            error = limited if endpoint.over is None else endpoint.over(ask, limited)
            raise error from None

    @staticmethod
    def _weight(incoming: Incoming) -> int:
        try:
            return incoming.endpoint.cost(incoming.params)
        except ApiError:  # what the cost goes by cannot be read, which is answered in its turn
            return 1

    def _shown(
        self, account: str, now_ns: int, *, ordering: bool
    ) -> tuple[dict[str, str], list[dict[str, Any]]]:
        headers, limits = self.address.headers(), self.address.rows()
        if account and ordering:
            orders = self.orders_of(account)
            headers |= orders.headers(now_ns)
            limits = orders.rows(now_ns) + limits
        return headers, limits

    def refusal(self, error: ApiError, now_ns: int, *, account: str = "", ordering: bool = False) -> Outgoing:
        """Return what an error is answered with.

        Args:
            error: What is wrong.
            now_ns: The venue's time.
            account: Whose request it was, where that is known.
            ordering: Whether it counted for the order limits.
        """
        headers, limits = self._shown(account, now_ns, ordering=ordering)
        body = error.body()
        if isinstance(error, Limited):
            seconds = -(-error.retry_after_ns // 1_000_000_000)
            headers = {**headers, "Retry-After": str(seconds)}
            times = {"serverTime": now_ns // MILLI, "retryAfter": error.until_ns // MILLI}
            return Outgoing(
                status=error.status, result=body, failed=True, headers=headers, limits=limits,
                account=account, times=times,
            )  # fmt: skip
        return Outgoing(
            status=error.status, result=body, failed=True, headers=headers, limits=limits, account=account
        )

    # Who asks, and when.

    def account_of(self, incoming: Incoming, now_ns: int) -> str:
        """Return whose request it is, empty where that does not matter.

        Raises:
            ApiError: Key, time or signature are not right.
        """
        endpoint = incoming.endpoint
        if endpoint.security is Security.NONE:
            return ""
        signed = endpoint.security is Security.SIGNED
        trades = signed and endpoint.method in {"POST", "PUT", "DELETE"}
        if incoming.session and not incoming.api_key and not incoming.signature:
            account = self._keys.account_of(incoming.session, trades=trades)
            if signed:
                self.check_time(incoming.params, now_ns)
            return account
        account = self._keys.account_of(incoming.api_key, trades=trades)
        if signed:
            if "timestamp" not in incoming.params:
                raise missing("timestamp")
            if not incoming.signature:
                raise missing("signature")
            self.check_time(incoming.params, now_ns)
            self._keys.check(incoming.api_key, incoming.payload, incoming.signature)
        return account

    def check_session_key(self, api_key: str) -> None:
        """Refuse a key that cannot log a session on: it has to be an Ed25519 key (facts F.3).

        Raises:
            ApiError: It is of another kind.
        """
        if self._keys.kind_of(api_key) is not KeyKind.ED25519:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")

    def check_time(self, params: Params, now_ns: int) -> None:
        """Refuse a request that is too old, or from the future (facts C.5).

        Raises:
            ApiError: -1021, or what is wrong with the parameters.
        """
        sent_ns, unit = self._sent(params)
        now_ns -= now_ns % unit  # the venue's clock is read in the unit of the timestamp
        if sent_ns >= now_ns + AHEAD_NS:
            raise invalid_timestamp(ahead=True)
        if now_ns - sent_ns > self.window_ns(params):
            raise invalid_timestamp(ahead=False)

    def _sent(self, params: Params) -> tuple[int, int]:
        """Return when a request was sent, as it says, and the unit that it says that in, nanoseconds."""
        stamp = params.integer("timestamp")
        if stamp is None:
            raise missing("timestamp")
        unit = MICRO if not self._futures and stamp >= FIRST_MICRO else MILLI
        return stamp * unit, unit

    def last_ns(self, params: Params) -> int:
        """Return the last moment at which a request is good.

        Raises:
            ApiError: What is wrong with its timestamp or its receive window.
        """
        return self._sent(params)[0] + self.window_ns(params)

    def window_ns(self, params: Params) -> int:
        """Return how long after its timestamp a request is good.

        Raises:
            ApiError: It is no such number, or more than a minute.
        """
        text = params.text("recvWindow")
        if not text:
            return int(USUAL_WINDOW_MS * MILLI)
        if not WINDOW.fullmatch(text) or (self._futures and "." in text):
            raise illegal("recvWindow", WINDOW.pattern)
        if Decimal(text) > LONGEST_WINDOW_MS:
            raise ApiError(-1131, "'recvWindow' must be less than 60000.")
        return int(Decimal(text) * MILLI)


def rest_parameters(parts: Iterable[str]) -> tuple[dict[str, str], bytes, str]:
    """Read the parameters of a query and of a form body (facts C.1, C.6).

    Args:
        parts: The query and the body, as they were sent.

    Returns:
        The parameters, decoded (the query wins); what is signed: both parts as they were sent, one behind
        the other, without the signature; and the signature.

    Raises:
        ApiError: -1101: a parameter is there twice; -1022: the signature is not the last one.
    """
    values: dict[str, str] = {}
    payload, signature = "", ""
    for part in parts:
        kept: list[str] = []
        own: set[str] = set()
        for pair in part.split("&") if part else ():
            if not pair:  # between two ampersands there is nothing, but it is signed
                kept.append(pair)
                continue
            name, value = parse_qsl(pair, keep_blank_values=True, encoding="utf-8", errors="strict")[0]
            if name in own:
                raise ApiError(-1101, f"Duplicate values for parameter '{name}'.")
            own.add(name)
            if "signature" in own and name != "signature":
                raise invalid_signature()  # it comes last
            if name == "signature":
                signature = signature or value
            else:
                kept.append(pair)
            values.setdefault(name, value)
        payload += "&".join(kept)
    return values, payload.encode(), signature
