"""What is offered where, as the registry says: for the command line, and for the README.

``python -m toucan_data.support`` writes the README's table; a test compares the two.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from toucan_data.kinds import ALL_KINDS
from toucan_data.registry import VENUES, venue_class
from toucan_data.venue import Venue
from toucan_instrument import Exchange

__all__ = ["Cell", "markdown", "support"]

BLIND = "a loss cannot be seen"


class Cell(msgspec.Struct, frozen=True):
    """What is said of one kind at one venue.

    Attributes:
        offered: Whether it is there.
        remark: What is to be known of it, or why it is not there; often empty.
    """

    offered: bool
    remark: str


def support() -> dict[Exchange, dict[str, Cell]]:
    """Return what is said of each kind, by name, at each exchange."""
    return {exchange: _row(venue_class(exchange)) for exchange in VENUES}


def _row(made: Any) -> dict[str, Cell]:
    venue: Venue = made()
    offered = {kind.name: remark for kind, remark in venue.kinds.items()}
    lacking = {kind.name: remark for kind, remark in venue.lacking.items()}
    row = {}
    for kind in ALL_KINDS:
        name = kind.name
        if name not in offered:
            row[name] = Cell(offered=False, remark=lacking.get(name, ""))
            continue
        remarks = (offered[name], BLIND if name in venue.blind else "")
        row[name] = Cell(offered=True, remark="; ".join(filter(None, remarks)))
    return row


def markdown() -> str:
    """Return the table, and what is to be said of some of its cells."""
    table = support()
    names = [kind.name for kind in ALL_KINDS]
    lines = [
        f"| venue | {' | '.join(f'`{name}`' for name in names)} |",
        "| --- |" + " --- |" * len(names),
    ]
    notes = []
    for exchange, row in table.items():
        cells = [
            ("yes" if row[name].offered else "-") + ("\\*" if row[name].remark else "") for name in names
        ]
        lines.append(f"| `{exchange.value}` | {' | '.join(cells)} |")
        said = [f"`{name}` {row[name].remark}" for name in names if row[name].remark]
        if said:
            notes.append(f"- `{exchange.value}`: {'; '.join(said)}")
    return "\n".join([*lines, "", "What a \\* stands for:", "", *notes])


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
