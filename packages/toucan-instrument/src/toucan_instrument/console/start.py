"""How a command begins, before it is known whether its extra is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NoReturn

from toucan_instrument.console.exits import ExitCode

__all__ = ["start"]

NEEDED = ("click", "rich")


def start(name: str, load: Callable[[], Any]) -> NoReturn:
    """Run a command line with the arguments of the process, and exit with its code.

    Args:
        name: Of the command and of its package, which are the same.
        load: Imports and returns the program; called only where what it needs is installed.
    """
    missing = [each for each in NEEDED if find_spec(each) is None]
    if missing:
        sys.stderr.write(
            f"{name}: the command line needs {' and '.join(missing)}, which are an extra: "
            f'pip install "{name}[cli]"\n'
        )
        sys.exit(ExitCode.USAGE)
    load().main()
    sys.exit(ExitCode.DONE)
