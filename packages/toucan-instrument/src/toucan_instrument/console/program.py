"""The program: a group of commands, and what becomes of errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import ReaderGoneError, quieten, remark
from toucan_instrument.errors import InvalidInput, LinkError, RequestError, ToucanError

__all__ = ["Program"]


def _itself(error: ToucanError) -> ToucanError:
    return error


class Program(click.Group):
    """A group of commands that ends with an `ExitCode`, and says errors on one line.

    Args:
        args: As for a click group.
        cause_of: Returns what an error of the package's own really says: itself, or what is behind it.
            It raises the error again where that is a fault of ours, which is shown with its traceback.
        refused: Errors of the package's own that say that the network or the venue refused.
        kwargs: As for a click group.
    """

    def __init__(
        self,
        *args: Any,
        cause_of: Callable[[ToucanError], ToucanError] = _itself,
        refused: tuple[type[ToucanError], ...] = (),
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(*args, **kwargs)
        self._cause_of = cause_of
        self._refused = (LinkError, RequestError, *refused)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, and exit."""
        kwargs["standalone_mode"] = False
        kwargs.setdefault("prog_name", self.name)
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
            code = self._explain(self._cause_of(error))
        sys.exit(int(code or 0))

    def _explain(self, error: ToucanError) -> ExitCode:
        """Write an error on one line, and return its code."""
        said = str(error)
        near = [each for each in getattr(error, "near", ()) if each not in said]
        remark(f"error: {said}" + (f" (did you mean {', '.join(near)}?)" if near else ""))
        if isinstance(error, InvalidInput):
            return ExitCode.USAGE
        return ExitCode.REFUSED if isinstance(error, self._refused) else ExitCode.FAILED
