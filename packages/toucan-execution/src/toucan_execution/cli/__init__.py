"""The command ``toucan-execution``, behind the extra ``[cli]``.

Exit codes, which do not change between versions:

- 0: what was asked for was done; an order, a change or a cancel was accepted; ``watch`` that was ended by
  Ctrl-C has done it too.
- 1: what was asked for failed, and nothing is in doubt: an order or a cancel was rejected, the question
  before it was answered with no, a message could not be read, a history ended early, a check of ``doctor``
  is bad.
- 2: the command was not right: an unknown option, symbol or venue, an order that cannot be; keys are missing;
  a question that nobody could answer; or the extra is missing.
- 3: the network or the venue refused: no connection, no answer to a question, or an error for an answer.
- 4: **nobody knows** what became of an order or a cancel: it was sent, and may have been done. Its id is
  written out; ask for it (``toucan-execution orders``) before anything is sent again.
- 130: Ctrl-C before the end of a command that has one, and nothing is in doubt.

A reader that goes away (``| head``) ends a command quietly, with 0. SIGTERM is taken as Ctrl-C.

Keys come from the environment's variables, never from an argument: ``BINANCE_API_KEY`` and
``BINANCE_API_SECRET`` for live trading, ``BINANCE_TESTNET_API_KEY`` and so on for the testnet, and
``BINANCE_DEMO_API_KEY`` and so on for the demo. None of them is ever written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from toucan_instrument.console.start import start

if TYPE_CHECKING:
    from toucan_instrument.console.program import Program

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line with the arguments of the process, and exit with its code."""
    start("toucan-execution", _load)


def _load() -> Program:
    from toucan_execution.cli.app import program  # noqa: PLC0415 - only with the extra

    return program
