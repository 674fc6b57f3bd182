"""A venue's rules as one dated table: each with the document behind it, so that it can be checked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

import msgspec

from toucan_data.feed import Limits
from toucan_instrument import Environment, Exchange

__all__ = ["Endpoints", "Row"]


class Row(msgspec.Struct, frozen=True):
    """One rule of a venue.

    Attributes:
        value: What holds.
        document: Where it is written.
        since: Since when it holds, as far as known.
    """

    value: str
    document: str
    since: date


class Endpoints(Protocol):
    """What the module ``endpoints`` of a venue's folder holds."""

    @property
    def STREAM_HOSTS(self) -> Mapping[tuple[Exchange, Environment], Row]:  # noqa: N802 - a constant of a module
        """Base addresses of streams; what is appended to them is the venue's."""
        ...

    @property
    def REST_HOSTS(self) -> Mapping[tuple[Exchange, Environment], Row]:  # noqa: N802
        """Addresses of REST, without a path, where they are others than those of `Grammar.rest_base`."""
        ...

    @property
    def ROUTES(self) -> Mapping[str, Row]:  # noqa: N802
        """Which route serves a stream, by a word of the stream's name; empty where there is one route."""
        ...

    @property
    def CONNECTION_LIMITS(self) -> Mapping[Exchange, Row]:  # noqa: N802
        """How many connections an address may open; the budget itself is `Venue.connection_pool`."""
        ...

    @property
    def STREAM_RULES(self) -> Mapping[Exchange, tuple[Row, ...]]:  # noqa: N802
        """What the venue says of its streams."""
        ...

    @property
    def LIMITS(self) -> Mapping[Exchange, Limits]:  # noqa: N802
        """What we keep to, which is never more."""
        ...
