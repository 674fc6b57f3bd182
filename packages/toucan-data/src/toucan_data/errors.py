"""Errors of toucan-data, on top of the tree that both halves share.

    ToucanError
    ├── InvalidInput               a bad argument: names the field, the value and what is accepted
    │   ├── UnknownSymbol
    │   ├── UnsupportedKind
    │   └── DuplicateSubscription  the same stream was asked for twice
    ├── LinkError, RequestError    the network and the venue's REST answers
    └── DataError
        ├── StaleBook              a book that is not in sync was read
        ├── NotReady               `Streams.ready` ran out of time; names what is missing
        └── StreamsClosed          the streams were closed, or ended by a fault that retrying cannot mend

What a venue sends never raises in a user's loop: it arrives as a status value (see `toucan_data.status`).
"""

from __future__ import annotations

from toucan_instrument.errors import InvalidInput, ToucanError

__all__ = ["DataError", "DuplicateSubscription", "NotReady", "StaleBook", "StreamsClosed"]

SHOWN = 8


class DataError(ToucanError):
    """Base of what only toucan-data raises."""


class DuplicateSubscription(InvalidInput):
    """The same stream was asked for twice, or twice with settings that cannot both hold."""


class StaleBook(DataError):
    """A book was read that is not in sync.

    Attributes:
        instrument: The unified symbol of the book.
        state: What the book was doing instead.
    """

    def __init__(self, instrument: str, state: str) -> None:
        """Describe the book that was not to be read."""
        super().__init__(
            f"the book of {instrument} is {state}: reading it now would show a past that may be wrong; "
            "wait for Resynced or Streams.ready(), or pass allow_stale=True"
        )
        self.instrument = instrument
        self.state = state

    def __reduce__(self) -> tuple[type[StaleBook], tuple[str, str]]:
        """Pickle by what it was made from."""
        return type(self), (self.instrument, self.state)


class NotReady(DataError, TimeoutError):
    """Not everything that was subscribed had delivered when the time was up.

    Attributes:
        missing: What had not, one text each: the instrument, the kind and what it waits for.
    """

    def __init__(self, missing: tuple[str, ...]) -> None:
        """List what is missing."""
        more = len(missing) - SHOWN
        shown = ", ".join(missing[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        super().__init__(f"not ready: {shown}")
        self.missing = missing

    def __reduce__(self) -> tuple[type[NotReady], tuple[tuple[str, ...]]]:
        """Pickle by what it was made from."""
        return type(self), (self.missing,)


class StreamsClosed(DataError):
    """The streams are closed, so nothing can be read from or added to them."""
