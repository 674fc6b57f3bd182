"""The options that say how a venue is reached."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
import msgspec

__all__ = ["Way", "network"]

R = TypeVar("R")


class Way(msgspec.Struct, frozen=True):
    """How a venue is reached.

    Attributes:
        proxy: Address of an HTTP proxy.
        trust_env: Whether ``HTTPS_PROXY`` and its like are honoured.
    """

    proxy: str | None
    trust_env: bool


def network(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options for proxies; it takes a ``way``."""

    @click.option("--proxy", metavar="URL", help="Go through this HTTP proxy.")
    @click.option("--trust-env", is_flag=True, help="Honour HTTPS_PROXY and its like.")
    @wraps(command)
    def wrapped(*args: Any, proxy: str | None, trust_env: bool, **kwargs: Any) -> R:
        kwargs["way"] = Way(proxy, trust_env)
        return command(*args, **kwargs)

    return wrapped
