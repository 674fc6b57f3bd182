"""The support table that readers see is the one that the registry has."""

from pathlib import Path

import pytest

from toucan_data.registry import VENUES, venue_class

README = Path(__file__).parents[3] / "README.md"


def table() -> list[str]:
    venues = [venue_class(exchange)() for exchange in VENUES]  # type: ignore[call-arg]
    kinds = dict.fromkeys(kind.name for venue in venues for kind in venue.kinds)
    names = [f"`{venue.exchange.value}`" for venue in venues]
    rows = [f"| kind | {' | '.join(names)} |", "| --- |" + " --- |" * len(venues)]
    for name in kinds:
        cells = []
        for venue in venues:
            remarks = [remark for kind, remark in venue.kinds.items() if kind.name == name]
            cells.append(("yes: " + remarks[0] if remarks[0] else "yes") if remarks else "-")
        rows.append(f"| `{name}` | {' | '.join(cells)} |")
    return rows


def test_the_support_table_is_what_the_registry_says():
    if not README.exists():
        pytest.skip("the repository's README is not beside these tests")
    assert "\n".join(table()) in README.read_text("utf-8")
