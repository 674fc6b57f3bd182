"""``toucan-execution watch``: the account's stream, as lines or as JSON."""

from __future__ import annotations

import asyncio
from collections import Counter

import click

from toucan_execution.cli.options import Setup, account_options, common
from toucan_execution.cli.texts import event_line
from toucan_execution.client.protocol import ExecutionClient
from toucan_execution.events import (
    AccountEvent,
    Connected,
    Disconnected,
    OutOfSync,
    Retrying,
    UnknownEvent,
    UnreadableEvent,
)
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import json_line, line, remark
from toucan_instrument.console.running import run
from toucan_instrument.link.status import LinkStatus

__all__ = ["Tally", "watch"]


class Tally:
    """What has arrived so far.

    Attributes:
        events: How many events of the account.
        trouble: Why there is no connection, as last told; empty if there is one.
    """

    def __init__(self) -> None:
        self.events: int = 0
        self.trouble: str = ""
        self._links: Counter[str] = Counter()
        self._rare: Counter[type] = Counter()

    def add(self, event: AccountEvent) -> None:
        """Count an event."""
        self._rare[type(event)] += 1
        if not isinstance(event, LinkStatus):
            self.events += 1
        elif isinstance(event, Connected):
            self._links[event.link] += 1
            self.trouble = ""
        elif isinstance(event, Disconnected):
            self.trouble = event.closed.reason or f"close code {event.closed.code}"
        elif isinstance(event, Retrying):
            self.trouble = event.reason

    @property
    def connected(self) -> bool:
        """Whether there has been any connection."""
        return bool(self._links)

    def summary(self) -> str:
        """Return everything on one line; what is rare only where it happened."""
        reconnects = sum(self._links.values()) - len(self._links)
        parts = [_count(self.events, "event"), _count(reconnects, "reconnect")]
        rare = ((OutOfSync, "losses of sync"), (UnknownEvent, "unknown"), (UnreadableEvent, "unreadable"))
        parts += [f"{what}: {self._rare[kind]}" for kind, what in rare if self._rare[kind]]
        return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@click.command
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many events of the account.")
@account_options
@common
def watch(*, setup: Setup, seconds: float | None, count: int | None, as_json: bool, plain: bool) -> None:
    """Follow the account: what it holds, then every event, each exactly once and in order.

    Events of the account go to stdout, what the connection does to stderr; with --json all go to stdout.
    """
    del plain
    tally = Tally()

    async def follow() -> None:
        async with setup.client() as client:
            try:
                async with asyncio.timeout(seconds) as limit:
                    await _read(client, tally, count, as_json=as_json)
            except TimeoutError:
                if not limit.expired():
                    raise

    interrupted = run(follow())
    click.get_current_context().exit(_end_of(tally, interrupted=interrupted, wanted=count))


async def _read(client: ExecutionClient, tally: Tally, count: int | None, *, as_json: bool) -> None:
    # A key that the venue refuses ends the command: `ready` tells, the stream would wait for ever.
    getting_ready = asyncio.create_task(client.ready())
    reading = asyncio.create_task(_show(client, tally, count, as_json=as_json))
    try:
        await asyncio.wait((getting_ready, reading), return_when=asyncio.FIRST_COMPLETED)
        if getting_ready.done():
            getting_ready.result()
        await reading
    finally:
        for task in (getting_ready, reading):
            task.cancel()
        await asyncio.gather(getting_ready, reading, return_exceptions=True)


async def _show(client: ExecutionClient, tally: Tally, count: int | None, *, as_json: bool) -> None:
    async for event in client.account_stream():
        tally.add(event)
        if as_json:
            json_line(event)
        elif isinstance(event, LinkStatus):
            remark(event_line(event))
        else:
            line(event_line(event))
        if tally.events == count:
            return


def _end_of(tally: Tally, *, interrupted: bool, wanted: int | None) -> ExitCode:
    remark(tally.summary())
    if interrupted:
        return ExitCode.DONE
    if not tally.connected and tally.trouble:
        remark(f"error: there was no connection: {tally.trouble}")
        return ExitCode.REFUSED
    if wanted is not None and tally.events < wanted:
        remark(f"error: {wanted} events were wanted")
        return ExitCode.FAILED
    return ExitCode.DONE
