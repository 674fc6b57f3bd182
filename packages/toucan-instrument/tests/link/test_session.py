"""What a session inherits."""

from __future__ import annotations

from toucan_instrument.link import Session


class Least(Session):
    def __init__(self) -> None:
        self.outbox: list[bytes] = []


def test_a_session_starts_with_nothing_to_do_and_nothing_proven():
    session = Least()
    assert (session.deadline, session.proven, session.failed, session.planned) == (
        None,
        False,
        "",
        False,
    )
