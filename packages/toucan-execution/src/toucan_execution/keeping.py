"""What has to be said now and then so that an account's events keep coming, and at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from toucan_execution.call import Conversation
from toucan_execution.caller import Caller
from toucan_instrument.errors import PayloadError, RequestError, VenueError
from toucan_instrument.link import Clock, before

__all__ = ["Keeper", "say_goodbye"]

LOGGER = logging.getLogger("toucan_execution")

SECOND = 1_000_000_000
RETRY_NS = 60 * SECOND
GOODBYE_NS = 5 * SECOND


class Keeper:
    """Keeps an account's events coming; a failure is tried again well before they would end.

    Where that cannot be done in time, the connection is renewed: it would be silent without saying why.

    Args:
        caller: Says it.
        clock: Where time comes from.
        every_ns: How often it is said.
        kept_ns: How long the events come after it was said, or after they were asked for.
        conversation: Gives what is to be said, None for nothing just now.
        is_gone: Tells whether an error says that there is nothing left to keep.
        renew: Has the events asked for anew, with the reason.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        clock: Clock,
        every_ns: int,
        kept_ns: int,
        conversation: Callable[[], Conversation[None] | None],
        is_gone: Callable[[VenueError], bool],
        renew: Callable[[str], None],
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._every_ns = every_ns
        self._for_ns = kept_ns
        self._conversation = conversation
        self._is_gone = is_gone
        self._renew = renew
        self._kept_ns = clock.monotonic_ns()

    def begun(self) -> None:
        """Note that the events have just been asked for."""
        self._kept_ns = self._clock.monotonic_ns()

    async def run(self) -> None:
        """Say it whenever that is due, until cancelled."""
        delay = self._every_ns
        while True:
            await self._clock.sleep_until(self._clock.monotonic_ns() + delay)
            conversation = self._conversation()
            delay = self._every_ns if conversation is None else await self._say(conversation)

    async def _say(self, conversation: Conversation[None]) -> int:
        """Say it once; return in how long to do so again."""
        end_ns = self._kept_ns + self._for_ns
        saying = asyncio.ensure_future(self._caller.converse(conversation))
        try:
            if not await before(self._clock, end_ns, saying):
                self._renew("it was not kept alive in time")
                return self._every_ns
            saying.result()
        except (RequestError, PayloadError) as error:
            LOGGER.warning("the account's stream could not be kept alive: %s", error)
            return self._after(error, end_ns)
        finally:
            saying.cancel()
        self.begun()
        return self._every_ns

    def _after(self, error: RequestError | PayloadError, end_ns: int) -> int:
        left_ns = end_ns - self._clock.monotonic_ns()
        if isinstance(error, VenueError) and self._is_gone(error):
            self._renew(f"the keep-alive was refused: {error.venue_message}")
        elif left_ns <= 0:
            self._renew("it was not kept alive in time")
        else:
            return min(RETRY_NS, left_ns)
        return self._every_ns


async def say_goodbye(caller: Caller, clock: Clock, conversation: Conversation[None]) -> None:
    """Say it at the end, if that can be done soon: an address that is banned waits for hours."""
    saying = asyncio.ensure_future(caller.converse(conversation))
    try:
        if await before(clock, clock.monotonic_ns() + GOODBYE_NS, saying):
            saying.result()
        else:
            LOGGER.info("there was no time for a goodbye")
    except (RequestError, PayloadError) as error:
        LOGGER.info("the goodbye failed: %s", error)
    finally:
        saying.cancel()
