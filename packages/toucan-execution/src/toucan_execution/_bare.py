"""Errors of a transport without what they were raised from."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["bare"]

E = TypeVar("E", bound=Exception)


def bare(error: E) -> E:
    """Return an error without its traceback and causes.

    A transport's frames hold whole addresses, and its own errors may print them: signatures, listen keys.
    What happened stands in the error's words.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
