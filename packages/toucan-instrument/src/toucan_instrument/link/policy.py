"""When to try again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from toucan_instrument.errors import InvalidInput

__all__ = ["Backoff"]

SECOND = 1_000_000_000


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Capped exponential delays with full jitter, without an end.

    Full jitter (a delay is anything between nothing and its ceiling) is what keeps hundreds of
    links that were cut at the same moment from coming back at the same moment.

    Attributes:
        first_ns: The ceiling of the first delay.
        cap_ns: The ceiling of every later one.
        factor: How much each ceiling grows on the one before.

    Raises:
        InvalidInput: A delay that is not positive, a cap below the first, or a factor below 1.
    """

    first_ns: int = SECOND
    cap_ns: int = 60 * SECOND
    factor: float = 2.0

    def __post_init__(self) -> None:
        if self.first_ns <= 0:
            raise InvalidInput(
                "first_ns must be positive", field="first_ns", value=self.first_ns, accepted="> 0"
            )
        if self.cap_ns < self.first_ns:
            raise InvalidInput(
                "cap_ns is below first_ns",
                field="cap_ns",
                value=self.cap_ns,
                accepted=f"first_ns ({self.first_ns}) or more",
            )
        if not self.factor >= 1:  # also refuses nan
            raise InvalidInput(
                "delays cannot shrink", field="factor", value=self.factor, accepted="1 or more"
            )

    def ceiling_ns(self, attempt: int) -> int:
        """Return the longest delay before `attempt`, which counts from 1."""
        ceiling: float = self.first_ns
        for _ in range(attempt - 1):  # a power would overflow in an outage that lasts for days
            if ceiling >= self.cap_ns or self.factor == 1:
                break
            ceiling *= self.factor
        return int(min(ceiling, self.cap_ns))

    def delay_ns(self, attempt: int, rng: Callable[[], float]) -> int:
        """Return the delay before `attempt`, which counts from 1; `rng` gives [0, 1)."""
        return int(self.ceiling_ns(attempt) * rng())
