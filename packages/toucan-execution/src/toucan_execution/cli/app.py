"""The program: its commands."""

from __future__ import annotations

import click

from toucan_execution.cli.cancel import cancel, cancel_all
from toucan_execution.cli.decode import decode
from toucan_execution.cli.doctor import doctor
from toucan_execution.cli.order import order
from toucan_execution.cli.reading import balances, orders, positions, trades
from toucan_execution.cli.sandbox import sandbox
from toucan_execution.cli.watch import watch
from toucan_execution.errors import ClientClosed, NotSynced
from toucan_instrument.console.program import Program
from toucan_instrument.errors import ToucanError

__all__ = ["program"]


def _cause_of(error: ToucanError) -> ToucanError:
    """Return what has ended the client, for a client that has ended."""
    if not isinstance(error, ClientClosed):
        return error
    if not isinstance(error.__cause__, ToucanError):
        raise error  # a fault of ours: with its traceback
    return error.__cause__


@click.group("toucan-execution", cls=Program, cause_of=_cause_of, refused=(NotSynced,))
@click.version_option(package_name="toucan-execution", prog_name="toucan-execution")
def program() -> None:
    """Accounts and orders on crypto exchanges: nothing about money is ever guessed.

    Where to trade is chosen by name: --environment live, testnet or demo, or TOUCAN_ENVIRONMENT. Keys
    come from the environment's variables (BINANCE_API_KEY, BINANCE_API_SECRET; BINANCE_TESTNET_...,
    BINANCE_DEMO_...), never from an argument. Colours obey NO_COLOR.

    Exit codes: 0 done, 1 failed or rejected, 2 the command was not right, 3 the network or the venue
    refused, 4 nobody knows whether an order or a cancel was done, 130 interrupted.
    """


for _command in (
    balances,
    positions,
    orders,
    trades,
    watch,
    order,
    cancel,
    cancel_all,
    doctor,
    decode,
    sandbox,
):
    program.add_command(_command)
