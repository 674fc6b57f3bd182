"""The program: its commands."""

from __future__ import annotations

import click

from toucan_data.cli.ask import ask
from toucan_data.cli.decode import decode
from toucan_data.cli.demo import demo
from toucan_data.cli.instruments import instruments
from toucan_data.cli.ladder import book
from toucan_data.cli.venues import venues
from toucan_data.cli.watch import watch
from toucan_data.errors import StreamsClosed
from toucan_instrument.console.program import Program
from toucan_instrument.errors import ToucanError

__all__ = ["program"]


def _cause_of(error: ToucanError) -> ToucanError:
    """Return what has ended the streams, for streams that have ended."""
    if not isinstance(error, StreamsClosed):
        return error
    if not isinstance(error.__cause__, ToucanError):
        raise error  # a fault of ours: with its traceback
    return error.__cause__


@click.group("toucan-data", cls=Program, cause_of=_cause_of)
@click.version_option(package_name="toucan-data", prog_name="toucan-data")
def program() -> None:
    """Public market data from crypto exchanges: typed, exact, and honest about gaps.

    VENUE is one of those that `toucan-data venues` lists. Colours obey NO_COLOR.

    Exit codes: 0 done, 1 failed, 2 the command was not right, 3 the network or the venue refused,
    130 interrupted.
    """


for _command in (watch, book, ask, instruments, venues, demo, decode):
    program.add_command(_command)
