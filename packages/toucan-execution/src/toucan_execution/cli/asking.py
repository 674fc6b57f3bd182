"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import sys

import click

from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import remark

__all__ = ["ask"]

YES = ("y", "yes")


def ask(question: str) -> None:
    """Ask on stderr, and end the command unless the answer is yes.

    An answer of no ends it with 1; where nobody can answer it ends with 2, and says how not to be asked.
    """
    context = click.get_current_context()
    remark(f"{question} [y/N]")
    answer = sys.stdin.readline()
    if not answer:
        remark("error: nobody answered, so nothing was sent; --yes sends it without asking")
        context.exit(ExitCode.USAGE)
    if answer.strip().lower() not in YES:
        remark("nothing was sent")
        context.exit(ExitCode.FAILED)
