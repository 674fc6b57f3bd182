"""Client order ids: made before anything is sent, and never the same one twice.

The pattern is the one that all of Binance's markets take, ``[A-Za-z0-9_-]{1,36}`` (facts D.4).
"""

from __future__ import annotations

import base64
import itertools
import os
import re
from collections.abc import Callable

from toucan_execution.errors import ConfigError
from toucan_instrument.errors import InvalidInput

__all__ = ["ClientIds", "check_client_id", "is_own"]

LONGEST = 36
LONGEST_PREFIX = 16
"""Leaves room for two dashes, ten letters of chance, and a count of eight digits to the base 36: at a
thousand orders a second that lasts for 89 years."""
ENTROPY_BYTES = 7
CHANCE_LETTERS = 10
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")
_PREFIX = re.compile(rf"[A-Za-z0-9_]{{1,{LONGEST_PREFIX}}}")
_RESERVED = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
"""What the venue's own orders begin with: liquidation, auto-deleveraging, settlement (facts E.5)."""


def check_client_id(client_id: str, *, field: str = "client_order_id") -> str:
    """Return a client order id that every market takes.

    Raises:
        InvalidInput: It is of another shape, or one that the venue keeps for orders of its own.
    """
    if not isinstance(client_id, str) or not _ID.fullmatch(client_id):
        raise InvalidInput(
            "the venue does not take that as an id",
            field=field,
            value=client_id,
            accepted=f"1 to {LONGEST} of A-Z a-z 0-9 _ -",
        )
    if client_id.lower().startswith(_RESERVED):
        raise InvalidInput(
            "such ids are the venue's own: liquidation, auto-deleveraging, settlement",
            field=field,
            value=client_id,
            accepted=f"none that begins with {', '.join(_RESERVED)}",
        )
    return client_id


def is_own(client_id: str, prefix: str) -> bool:
    """Tell whether an id carries a prefix: ``bot-1`` and ``bot-x-y`` carry ``bot``, ``bot2-1`` does not."""
    return client_id.startswith(f"{prefix}-")


class ClientIds:
    """Makes client order ids: prefix, chance, count, such as ``bot-k3jq5xw2ma-1``.

    Two of these, in one process or in several, never make the same id: the chance is of 50 bits, drawn when
    the first id is made, and anew in a process that was forked.

    Args:
        prefix: What they begin with: 1 to 16 letters, digits and underscores. A dash ends it, so that no
            prefix is the beginning of another.
        entropy: Returns as many random bytes as asked for, such as `os.urandom`.
        process: Returns what tells processes apart.

    Raises:
        ConfigError: The prefix is of another shape, or what the venue's own orders begin with.
    """

    def __init__(
        self, prefix: str, entropy: Callable[[int], bytes], *, process: Callable[[], int] = os.getpid
    ) -> None:
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise ConfigError(
                "client order ids cannot begin with that",
                field="client_id_prefix",
                value=prefix,
                accepted=f"1 to {LONGEST_PREFIX} of A-Z a-z 0-9 _",
            )
        if f"{prefix}-".lower().startswith(_RESERVED):
            raise ConfigError(
                "the venue's own orders begin with that", field="client_id_prefix", value=prefix
            )
        self.prefix: str = prefix
        self._entropy = entropy
        self._process = process
        self._drawn_in: int | None = None
        self._start = ""
        self._count = itertools.count(1)

    def __repr__(self) -> str:
        return f"ClientIds({self.prefix!r})"

    def new(self) -> str:
        """Return an id that was never returned before."""
        process = self._process()
        if process != self._drawn_in:
            self._draw()
            self._drawn_in = process
        return self._start + _base36(next(self._count))

    def is_own(self, client_id: str) -> bool:
        """Tell whether an id carries this prefix, whoever made it: this process, or an earlier one."""
        return is_own(client_id, self.prefix)

    def _draw(self) -> None:
        letters = base64.b32encode(self._entropy(ENTROPY_BYTES)).decode("ascii").lower()
        self._start = f"{self.prefix}-{letters[:CHANCE_LETTERS]}-"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits
