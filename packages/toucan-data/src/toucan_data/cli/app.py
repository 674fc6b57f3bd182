"""The program: its commands, and what becomes of errors."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from toucan_data.cli.decode import decode
from toucan_data.cli.demo import demo
from toucan_data.cli.exits import ExitCode
from toucan_data.cli.instruments import instruments
from toucan_data.cli.ladder import book
from toucan_data.cli.output import ReaderGoneError, quieten, remark
from toucan_data.cli.venues import venues
from toucan_data.cli.watch import watch
from toucan_data.errors import StreamsClosed
from toucan_instrument.errors import (
    InvalidInput,
    LinkError,
    RequestError,
    ToucanError,
)

__all__ = ["Program", "program"]


class Program(click.Group):
    """A group of commands that ends with an `ExitCode`, and says errors on one line."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, and exit."""
        kwargs["standalone_mode"] = False
        kwargs.setdefault("prog_name", "toucan-data")
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a symbol may hold what the terminal cannot show
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        except ReaderGoneError:
            quieten()
            code = ExitCode.DONE
        except ToucanError as error:
            code = _explain(error)
        sys.exit(int(code or 0))


def _explain(error: ToucanError) -> ExitCode:
    """Write an error on one line, and return its code."""
    cause = error.__cause__
    if isinstance(error, StreamsClosed):
        if not isinstance(cause, ToucanError):
            raise error  # a fault of ours: with its traceback
        error = cause
    said = str(error)
    near = [each for each in getattr(error, "near", ()) if each not in said]
    remark(f"error: {said}" + (f" (did you mean {', '.join(near)}?)" if near else ""))
    if isinstance(error, InvalidInput):
        return ExitCode.USAGE
    return ExitCode.REFUSED if isinstance(error, (LinkError, RequestError)) else ExitCode.FAILED


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="toucan-data", prog_name="toucan-data")
def program() -> None:
    """Public market data from crypto exchanges: typed, exact, and honest about gaps.

    VENUE is one of those that `toucan-data venues` lists. Colours obey NO_COLOR.

    Exit codes: 0 done, 1 failed, 2 the command was not right, 3 the network or the venue refused,
    130 interrupted.
    """


for _command in (watch, book, instruments, venues, demo, decode):
    program.add_command(_command)
