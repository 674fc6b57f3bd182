"""The command ``toucan-data``, behind the extra ``[cli]``.

Exit codes, which do not change between versions:

- 0: what was asked for was done; ``watch`` and ``book`` that were ended by Ctrl-C have done it too.
- 1: what was asked for failed: a frame that could not be read, a demo that did not show everything,
  fewer events than ``--count`` within ``--seconds``.
- 2: the command was not right: an unknown option, symbol, kind or venue; or the extra is missing.
- 3: the network or the venue refused: no connection, no answer, or an error for an answer.
- 130: Ctrl-C before the end of a command that has one (``demo``, ``decode``, ``ask``, ``instruments``).

A reader that goes away (``| head``) ends a command quietly, with 0. SIGTERM is taken as Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from toucan_instrument.console.start import start

if TYPE_CHECKING:
    from toucan_instrument.console.program import Program

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and exit with its code."""
    start("toucan-data", _load)


def _load() -> Program:
    from toucan_data.cli.app import program  # noqa: PLC0415 - only with the extra

    return program
