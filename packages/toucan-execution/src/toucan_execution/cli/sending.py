"""Sending what changes something, and saying what became of it, whatever comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from toucan_execution.cli.options import Setup
from toucan_execution.cli.texts import outcome_lines
from toucan_execution.client.protocol import ExecutionClient
from toucan_execution.outcome import Outcome, Rejected, Unknown
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import json_line, line, remark
from toucan_instrument.console.running import run

__all__ = ["OUTCOME_UNKNOWN", "code_of", "send"]

OUTCOME_UNKNOWN = 4
"""The exit code where nobody knows what became of an order or a cancel; see `toucan_execution.cli`."""


def send(
    setup: Setup,
    work: Callable[[ExecutionClient], Coroutine[Any, Any, Sequence[Outcome]]],
    *,
    settle: float,
    as_json: bool,
) -> int:
    """Do some work that changes something, find out what is unknown, write the outcomes.

    Args:
        setup: Whose account.
        work: Sends, and returns the outcomes.
        settle: For how many seconds to find out what became of what is unknown.
        as_json: Write JSON lines.

    Returns:
        The code that the command ends with.
    """
    outcomes: list[Outcome] = []

    async def whole() -> None:
        async with setup.client() as client:
            try:
                outcomes.extend(await work(client))
                for place, outcome in enumerate(outcomes):
                    if isinstance(outcome, Unknown) and settle:
                        remark(f"{outcome_lines(outcome)[0]}; finding out, for up to {settle:g} s")
                        outcomes[place] = await client.settle(outcome, settle)
            except asyncio.CancelledError:
                if not outcomes:  # interrupted while it was on its way
                    outcomes.extend(client.unknown)
                raise

    interrupted = run(whole())
    for outcome in outcomes:
        _show(outcome, as_json=as_json)
    code = code_of(outcomes)
    if interrupted and code == ExitCode.DONE and not outcomes:
        remark("interrupted; nothing was sent")
        return ExitCode.INTERRUPTED
    return code


def _show(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        json_line(outcome)
        return
    for text in outcome_lines(outcome):
        line(text)


def code_of(outcomes: Sequence[Outcome]) -> int:
    """Return the code that a command ends with: unknown outranks rejected, rejected accepted."""
    if any(isinstance(outcome, Unknown) for outcome in outcomes):
        return OUTCOME_UNKNOWN
    if any(isinstance(outcome, Rejected) for outcome in outcomes):
        return ExitCode.FAILED
    return ExitCode.DONE
