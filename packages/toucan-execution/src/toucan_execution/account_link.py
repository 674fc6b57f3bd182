"""One supervised connection to an account, and the session that is on it now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from toucan_execution._bare import bare
from toucan_execution.requesting import AccountSession
from toucan_instrument.errors import DialError, PayloadError, RequestFailed, VenueError
from toucan_instrument.link import (
    Clock,
    Connected,
    DialOptions,
    Disconnected,
    Lane,
    LinkStatus,
    Network,
    Retrying,
    Socket,
    before,
    budget_for,
    dial,
    may_dial,
    supervise,
)
from toucan_instrument.pool import Pool

__all__ = ["LOGGER", "AccountLink"]

LOGGER = logging.getLogger("toucan_execution")


class AccountLink:
    """Keeps a connection up for as long as its client lives.

    Args:
        name: What its status values are signed with, such as ``binance-spot/main/account``.
        network: The way out.
        clock: Where time comes from.
        rng: Where jitter comes from.
        url: Gives the address to dial; it may have to ask the venue for a key first.
        new_session: Makes the protocol of one new connection.
        emit: Takes `Connected`, `Disconnected` and `Retrying`.
        connection_pool: How many connections the address may open.
        request_pool: What a stop of the address stops as well, and what opening a connection is charged to.
        weight: What that costs of the request weight, with what the connection begins with.
        final: Tells whether an error of `url` cannot be mended by trying again.
    """

    def __init__(
        self,
        name: str,
        *,
        network: Network,
        clock: Clock,
        rng: Callable[[], float],
        url: Callable[[], Awaitable[str]],
        new_session: Callable[[], AccountSession],
        emit: Callable[[LinkStatus], None],
        connection_pool: Pool,
        request_pool: Pool,
        weight: int = 0,
        final: Callable[[VenueError], bool],
    ) -> None:
        self.name: str = name
        self.session: AccountSession | None = None
        self._network = network
        self._clock = clock
        self._rng = rng
        self._url = url
        self._new_session = new_session
        self._emit_status = emit
        self._connection_pool = connection_pool
        self._request_pool = request_pool
        self._weight = weight
        self._final = final
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keep the connection up until cancelled.

        Raises:
            DialError: The venue refuses the connection for a reason that trying again cannot mend.
        """
        await supervise(
            self.name,
            dial=self._dial,
            before_dial=self._before_dial,
            new_session=self._make_session,
            emit=self._emit,
            clock=self._clock,
            rng=self._rng,
        )

    async def ready(self, end_ns: int) -> AccountSession | None:
        """Return the session once it is ready, None if the clock reaches `end_ns` first."""
        while self.session is None or not self.session.ready:
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                if not await before(self._clock, end_ns, changed):
                    return None
            finally:
                changed.cancel()
        return self.session

    def wake(self) -> None:
        """Let those who wait for the session look again."""
        self._changed.set()

    def fail(self, reason: str, *, planned: bool = False) -> None:
        """Give the present connection up; a new one is opened."""
        if self.session is not None:
            self.session.fail(reason, planned=planned)

    async def _before_dial(self) -> None:
        await may_dial(self._connection_pool, self._clock)
        # Also where it costs nothing: an address that is banned must not even connect.
        await budget_for(self._request_pool, clock=self._clock).acquire(self._weight, Lane.RECONCILE)

    async def _dial(self) -> Socket:
        try:
            url = await self._url()
        except (RequestFailed, PayloadError) as error:
            raise DialError(str(error), retryable=True) from error
        except VenueError as error:
            raise DialError(
                str(error), retryable=not self._final(error), retry_after_ns=error.retry_after_ns
            ) from error
        try:
            return await dial(
                self._network,
                url,
                DialOptions(),
                connection_pool=self._connection_pool,
                request_pool=self._request_pool,
                clock=self._clock,
            )
        except DialError as error:
            failed = error
        finally:
            url = ""  # it may hold a listen key: no traceback that shows variables must show it
        raise bare(failed)

    def _make_session(self) -> AccountSession:
        self.session = self._new_session()
        return self.session

    def _emit(self, status: LinkStatus) -> None:
        extra = {"connection": self.name}
        if isinstance(status, Connected):
            LOGGER.info("connected", extra=extra)
        elif isinstance(status, Disconnected):
            LOGGER.warning("disconnected: %s", status.closed.reason or status.closed.code, extra=extra)
        elif isinstance(status, Retrying):
            LOGGER.info("retrying in %.3f s", status.delay_ns / 1e9, extra=extra)
        self._emit_status(status)
