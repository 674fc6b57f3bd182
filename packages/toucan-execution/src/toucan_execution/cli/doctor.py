"""``toucan-execution doctor``: is everything there that trading needs?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import click
from rich.text import Text

from toucan_execution.account import AccountSnapshot
from toucan_execution.caller import Caller
from toucan_execution.cli.options import Setup, account_options, common
from toucan_execution.client.protocol import ExecutionClient
from toucan_execution.live import LiveClient
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import console, is_live, json_line, line, remark, shown
from toucan_instrument.console.running import run
from toucan_instrument.console.texts import seconds
from toucan_instrument.errors import ToucanError
from toucan_instrument.link import Budget
from toucan_instrument.plain import Plain

__all__ = ["Check", "doctor", "examine"]

SECOND = 1_000_000_000
READY_S = 30.0
MOST_SKEW_NS = SECOND
"""How wrong a computer's own clock may be; requests are signed by the venue's in any case."""
NEARLY_FULL = 90
"""Percent of a limit: the rest is kept for cancels and orders."""


class Check(Plain, frozen=True):
    """What was found of one thing.

    Attributes:
        check: Which.
        ok: Whether it is as it should be.
        said: What was found.
    """

    check: str
    ok: bool
    said: str


async def examine(client: ExecutionClient, setup: Setup) -> AsyncIterator[Check]:
    """Look at one thing after the other; what cannot be reached is bad, and ends nothing."""
    config = setup.config
    yield Check("key", ok=True, said=f"{config.credentials.kind.value}, from the environment's variables")
    caller = client.caller if isinstance(client, LiveClient) else None
    reached = Check("rest", ok=True, said="no network is used")
    if caller is not None:
        reached = await _reach(caller)
        yield reached
        if reached.ok:
            yield _clock(caller, int(config.receive_window) * 1_000_000)
    if reached.ok:
        yield await _instruments(client)
        yield await _permissions(client)
    else:
        for name in ("instruments", "permissions"):
            yield Check(name, ok=False, said="not asked for: there is no way to the venue")
    yield await _stream(client)
    if caller is not None:
        yield _limit("weight", caller.budget)
        for budget in caller.order_budgets:
            yield _limit("orders", budget)


async def _reach(caller: Caller) -> Check:
    begun = time.monotonic_ns()
    try:
        await caller.measure()
    except ToucanError as error:
        return Check("rest", ok=False, said=str(error))
    if not caller.offset.known:
        return Check("rest", ok=False, said="the venue's time could not be read")
    return Check("rest", ok=True, said=f"answers; its clock was read in {_ms(time.monotonic_ns() - begun)}")


def _clock(caller: Caller, window_ns: int) -> Check:
    skew = time.time_ns() - caller.venue_ns()
    uncertainty = caller.offset.uncertainty_ns or 0
    way = "ahead of" if skew > 0 else "behind"
    said = f"this computer's is {_ms(abs(skew))} {way} the venue's, give or take {_ms(uncertainty)}"
    if uncertainty >= window_ns:
        return Check("clock", ok=False, said=f"{said}: too uncertain for the receive window")
    if abs(skew) > MOST_SKEW_NS + uncertainty:
        return Check("clock", ok=False, said=f"{said}: set it; requests are signed by the venue's")
    return Check("clock", ok=True, said=said)


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms"


async def _instruments(client: ExecutionClient) -> Check:
    try:
        found = await client.instruments()
    except ToucanError as error:
        return Check("instruments", ok=False, said=str(error))
    return Check("instruments", ok=bool(len(found)), said=f"{len(found)}, with their rules")


async def _permissions(client: ExecutionClient) -> Check:
    try:
        snapshot = await client.account_snapshot()
    except ToucanError as error:
        return Check("permissions", ok=False, said=str(error))
    return Check("permissions", ok=snapshot.can_trade is not False, said=_allowed(snapshot))


def _allowed(snapshot: AccountSnapshot) -> str:
    may = {True: "may trade", False: "MAY NOT trade", None: "the venue does not say whether it may trade"}
    said = [f"the key may read; {may[snapshot.can_trade]}", snapshot.account_type]
    if snapshot.position_mode is not None:
        said.append(f"{snapshot.position_mode.value.replace('_', '-')} mode")
    if snapshot.multi_assets is not None:
        said.append(f"multi-assets {'on' if snapshot.multi_assets else 'off'}")
    return ", ".join(filter(None, said))


async def _stream(client: ExecutionClient) -> Check:
    begun = time.monotonic_ns()
    try:
        await client.ready(READY_S)
    except ToucanError as error:
        cause = error.__cause__
        return Check("stream", ok=False, said=str(error) if cause is None else f"{error}: {cause}")
    return Check("stream", ok=True, said=f"the account is in sync, after {_ms(time.monotonic_ns() - begun)}")


def _limit(name: str, budget: Budget) -> Check:
    pool, used = budget.pool, budget.used
    said = f"{used} of {pool.limit} in {pool.window_ns / SECOND:g} s are used"
    if (stop := budget.stopped) is not None:
        left = max(0, stop.until_ns - budget.clock.monotonic_ns())
        return Check(name, ok=False, said=f"{said}; STOPPED for {seconds(left)}: {stop.reason}")
    return Check(name, ok=used * 100 < pool.limit * NEARLY_FULL, said=said)


@click.command
@account_options
@common
def doctor(*, setup: Setup, as_json: bool, plain: bool) -> None:
    """Check keys, clock, permissions, reachability and limits; a line each, exit code 1 if one is bad.

    Nothing is changed, and no order is sent.
    """
    found: list[Check] = []

    async def whole() -> None:
        async with setup.client() as client:
            async for check in examine(client, setup):
                found.append(check)
                _show(check, plain=plain, as_json=as_json)

    interrupted = run(whole())
    bad = [check.check for check in found if not check.ok]
    if interrupted:
        click.get_current_context().exit(ExitCode.INTERRUPTED)
    remark(f"{setup.place}: {'bad: ' + ', '.join(bad) if bad else 'all is well'}")
    if bad:
        click.get_current_context().exit(ExitCode.FAILED)


def _show(check: Check, *, plain: bool, as_json: bool) -> None:
    if as_json:
        json_line(check)
        return
    word = "ok" if check.ok else "bad"
    text = f"{word:<4} {check.check:<12} {shown(check.said)}"
    if is_live(plain=plain, as_json=as_json):
        picture = Text(text)
        picture.stylize("green" if check.ok else "bold red", 0, len(word))
        console().print(picture)
    else:
        line(text)
