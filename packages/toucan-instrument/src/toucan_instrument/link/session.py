"""What a venue must say about one connection, without I/O.

A session is made for each connection and thrown away with it, so that no state outlives the link
that it described. It never awaits, never reads a clock and never sleeps: frames and times come in
as arguments, events go to whatever callables it was built with, frames to send wait in `outbox`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from toucan_instrument.link.transport import OnFrames

__all__ = ["Session", "Wake"]

Wake = Callable[[], None]
"""Tells the link to look at a session's attributes now; never raises, harmless when late."""


class Session(Protocol):
    """The protocol of one connection to one venue.

    Times named `now` are monotonic nanoseconds. The attributes are plain, not methods. The link
    looks at them after `opened`, after every `tick`, and whenever `wake` was called: it does not
    look after every frame, as frames are many. So `wake` is called by the session (in `receive`
    too) whenever it has put something into the outbox, brought the deadline *forward* or failed.
    Putting a deadline off needs no `wake`: an early `tick` is harmless.

    A class that inherits from this one has the attributes' defaults that are written here; `outbox`
    has to be made for each session.

    Attributes:
        outbox: Text frames to send; the link takes them out, in order.
        deadline: When `tick` is wanted, None for never.
        proven: Whether the venue has answered usefully; only this resets the backoff.
        failed: Why this connection is to be given up, empty while it is not.
        planned: Whether the end of this connection is planned (a rotation, an announced shutdown)
            and no failure: a session that was proven is then followed by the next one at once.
    """

    outbox: list[bytes]
    deadline: int | None = None
    proven: bool = False
    failed: str = ""
    planned: bool = False

    def opened(self, now: int, utc: int, wake: Wake) -> None:
        """Take note that the connection is up.

        Args:
            now: Monotonic nanoseconds.
            utc: Nanoseconds since the Unix epoch at the same moment: the anchor of the connection.
            wake: May be called from anywhere on the event loop, at any time.
        """
        ...

    def receive(self, frame: bytes, now: int) -> None:
        """Take one frame; never raise for what it holds."""
        ...

    def reader(self, now: Callable[[], int]) -> OnFrames:
        """Return what takes the frames of this connection; called once, when it is open.

        Frames that arrived together are received at one time. A session that gets many small frames may
        return something faster than this.
        """

        def read(frames: list[bytes]) -> None:
            moment = now()
            for frame in frames:
                self.receive(frame, moment)

        return read

    def alive(self, now: int) -> None:
        """Take note that a ping or a pong arrived."""
        ...

    def tick(self, now: int) -> None:
        """Do what is due; called once `deadline` has passed or `wake` was called, or earlier."""
        ...

    def closed(self, now: int) -> None:
        """Take note that the connection is over, whatever the reason: once, if `opened` was."""
        ...
