"""Rate limits, as the venue counts them: fixed windows, headers, 429 and then 418 (facts C.4)."""

from __future__ import annotations

from typing import Any

import msgspec

from toucan_execution.testing.sandbox.errors import ApiError
from toucan_instrument import Exchange
from toucan_instrument.testing.binance_info import RATE_LIMITS

__all__ = ["AddressLimits", "LimitRule", "Limited", "OrderLimits", "rules_of"]

SECOND = 1_000_000_000
LENGTHS = {"SECOND": SECOND, "MINUTE": 60 * SECOND, "HOUR": 3600 * SECOND, "DAY": 86_400 * SECOND}
TOO_MANY, BANNED = 429, 418
NO_LIMIT = 10**9
SHORTEST_BAN_NS = 120 * SECOND
LONGEST_BAN_NS = 3 * 86_400 * SECOND


class LimitRule(msgspec.Struct, frozen=True):
    """A limit.

    Attributes:
        kind: ``REQUEST_WEIGHT``, ``ORDERS`` or ``RAW_REQUESTS``.
        unit: ``SECOND``, ``MINUTE``, ``HOUR`` or ``DAY``.
        number: How many of them the window has.
        limit: How much counts at most in it.
    """

    kind: str
    unit: str
    number: int
    limit: int

    @property
    def length_ns(self) -> int:
        """How long its window is."""
        return LENGTHS[self.unit] * self.number

    @property
    def label(self) -> str:
        """What headers call it, such as ``1M``."""
        return f"{self.number}{self.unit[0]}"


def rules_of(*, futures: bool, limited: bool = True) -> tuple[LimitRule, ...]:
    """Return the limits of a market; the two futures markets share theirs.

    Args:
        futures: Which market.
        limited: Whether they are the venue's; else nobody ever comes to them.
    """
    exchange = Exchange.BINANCE_USD_M if futures else Exchange.BINANCE_SPOT
    rules = tuple(
        LimitRule(row["rateLimitType"], row["interval"], row["intervalNum"], row["limit"])
        for row in RATE_LIMITS[exchange]
    )
    return rules if limited else tuple(msgspec.structs.replace(rule, limit=NO_LIMIT) for rule in rules)


class Limited(ApiError):
    """A limit is broken.

    Attributes:
        retry_after_ns: How long nothing may be asked.
        until_ns: When that is over, nanoseconds since the epoch.
    """

    def __init__(self, code: int, text: str, *, status: int, now_ns: int, until_ns: int) -> None:
        """Say for how long."""
        super().__init__(code, text, status=status)
        self.now_ns: int = now_ns
        self.until_ns: int = until_ns
        self.retry_after_ns: int = max(until_ns - now_ns, 0)

    def _fields(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, fields = super()._fields()
        return args, {"status": fields["status"], "now_ns": self.now_ns, "until_ns": self.until_ns}


class _Window:
    """One limit, and what counts against it now."""

    def __init__(self, rule: LimitRule) -> None:
        self.rule = rule
        self.count = 0
        self.most = 0
        self._begin = 0

    def roll(self, now_ns: int) -> None:
        """Begin a new window where the clock has come to one."""
        begin = now_ns - now_ns % self.rule.length_ns
        if begin != self._begin:
            self._begin, self.count = begin, 0

    def add(self, amount: int) -> None:
        """Count."""
        self.count = max(self.count + amount, 0)
        self.most = max(self.most, self.count)

    @property
    def over_ns(self) -> int:
        """When it is over."""
        return self._begin + self.rule.length_ns

    def row(self) -> dict[str, Any]:
        """Return it as an answer of the WebSocket API shows it."""
        rule = self.rule
        return {
            "rateLimitType": rule.kind, "interval": rule.unit, "intervalNum": rule.number,
            "limit": rule.limit, "count": self.count,
        }  # fmt: skip


class AddressLimits:
    """What one address may ask: all clients of a sandbox have the same.

    Args:
        rules: The limits of the market; those of orders are of no interest here.
        patience: How many requests beyond a limit are answered with 429 in one window before the address
            is banned.
    """

    def __init__(self, rules: tuple[LimitRule, ...], *, patience: int = 10) -> None:
        self.patience: int = patience
        self.banned_until_ns: int = 0
        self.refused: int = 0
        """How many requests were beyond a limit, in all."""
        self._windows = [_Window(rule) for rule in rules if rule.kind != "ORDERS"]
        self._strikes = 0
        self._bans = 0
        self._throttled_until_ns = 0

    def charge(self, now_ns: int, weight: int) -> None:
        """Count a request, which counts whatever becomes of it.

        Raises:
            Limited: 429, or 418 for an address that does not listen.
        """
        if now_ns < self.banned_until_ns:
            self.refused += 1
            raise self._banned(now_ns)
        if now_ns < self._throttled_until_ns:
            raise self._too_many(now_ns, self._throttled_until_ns)
        broken: _Window | None = None
        for window in self._windows:
            window.roll(now_ns)
            window.add(1 if window.rule.kind == "RAW_REQUESTS" else weight)
            if window.count > window.rule.limit:
                broken = window
        if broken is None:
            self._strikes = 0
            return
        raise self._too_many(now_ns, broken.over_ns)

    def _too_many(self, now_ns: int, until_ns: int) -> Limited:
        self.refused += 1
        self._strikes += 1
        if self._strikes > self.patience:
            self.ban(now_ns, min(SHORTEST_BAN_NS << self._bans, LONGEST_BAN_NS))
            return self._banned(now_ns)
        words = (
            f"Too many requests; current limit of IP is {self._windows[0].rule.limit} request weight per "
            "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return Limited(-1003, words, status=TOO_MANY, now_ns=now_ns, until_ns=until_ns)

    def _banned(self, now_ns: int) -> Limited:
        until = self.banned_until_ns
        words = (
            f"Way too much request weight used; IP banned until {until // 1_000_000}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return Limited(-1003, words, status=BANNED, now_ns=now_ns, until_ns=until)

    def ban(self, now_ns: int, duration_ns: int) -> None:
        """Ban the address for a while."""
        self.banned_until_ns = now_ns + duration_ns
        self._bans += 1
        self._strikes = 0

    def throttle(self, now_ns: int, duration_ns: int) -> None:
        """Answer everything with 429 for a while, whatever was counted."""
        self._throttled_until_ns = now_ns + duration_ns

    def refund(self, weight: int) -> None:
        """Take back what a request that has succeeded does not cost."""
        self._windows[0].add(-weight)

    @property
    def used(self) -> int:
        """The request weight that counts now."""
        return self._windows[0].count

    @property
    def most_used(self) -> int:
        """The most request weight that ever counted in a window."""
        return self._windows[0].most

    @property
    def limit(self) -> int:
        """The request weight that a window has."""
        return self._windows[0].rule.limit

    def headers(self) -> dict[str, str]:
        """Return what every answer over REST says of them."""
        window = self._windows[0]
        used = str(window.count)
        return {"X-MBX-USED-WEIGHT": used, f"X-MBX-USED-WEIGHT-{window.rule.label}": used}

    def rows(self) -> list[dict[str, Any]]:
        """Return what answers over the WebSocket API say of them."""
        return [self._windows[0].row()]


class OrderLimits:
    """How many orders an account may place.

    Args:
        rules: The limits of the market.
    """

    def __init__(self, rules: tuple[LimitRule, ...]) -> None:
        self._windows = [_Window(rule) for rule in rules if rule.kind == "ORDERS"]

    def charge(self, now_ns: int, orders: int) -> None:
        """Count orders that are about to be placed.

        Raises:
            Limited: -1015; they were not counted.
        """
        for window in self._windows:
            window.roll(now_ns)
            if window.count + orders > window.rule.limit:
                rule = window.rule
                words = (
                    f"Too many new orders; current limit is {rule.limit} orders per "
                    f"{rule.number} {rule.unit}."
                )
                raise Limited(-1015, words, status=TOO_MANY, now_ns=now_ns, until_ns=window.over_ns)
        for window in self._windows:
            window.add(orders)

    def filled(self, now_ns: int, orders: int = 1) -> None:
        """Take back orders that were filled: on spot only unfilled ones count (facts C.4)."""
        for window in self._windows:
            window.roll(now_ns)
            window.add(-orders)

    @property
    def most(self) -> tuple[int, ...]:
        """The most that ever counted, by window."""
        return tuple(window.most for window in self._windows)

    def headers(self, now_ns: int) -> dict[str, str]:
        """Return what answers over REST say of them."""
        self._roll(now_ns)
        return {f"X-MBX-ORDER-COUNT-{window.rule.label}": str(window.count) for window in self._windows}

    def rows(self, now_ns: int) -> list[dict[str, Any]]:
        """Return what answers over the WebSocket API say of them."""
        self._roll(now_ns)
        return [window.row() for window in self._windows]

    def _roll(self, now_ns: int) -> None:
        for window in self._windows:
            window.roll(now_ns)
