"""Running a command's coroutine so that Ctrl-C ends it clean, on every platform."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

__all__ = ["run"]


def run(work: Coroutine[Any, Any, None]) -> bool:
    """Run to the end, or until Ctrl-C or SIGTERM, which cancel the work so that it can tidy up.

    Returns:
        Whether it was interrupted.
    """
    try:
        asyncio.run(_terminable(work))
    except KeyboardInterrupt:
        return True
    return False


async def _terminable(work: Coroutine[Any, Any, None]) -> None:
    # Windows has no such handlers, and no SIGTERM to speak of.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    await work
