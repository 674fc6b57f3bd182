"""``toucan-data venues``: what is offered where, and the rules with document and date."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from toucan_data.cli.market import KINDS
from toucan_data.cli.options import common
from toucan_data.kinds import Kind
from toucan_data.registry import VENUES, venue_class
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.console.output import console, is_live, json_line, line

__all__ = ["rules_of", "support", "venues"]


def support() -> dict[Exchange, dict[str, str | None]]:
    """Return for each exchange and kind a remark, often empty; None where it lacks the kind."""
    table: dict[Exchange, dict[str, str | None]] = {}
    for exchange in VENUES:
        offered = {kind.name: remark for kind, remark in _venue(exchange).kinds.items()}
        table[exchange] = {kind.name: offered.get(kind.name) for kind in KINDS.values()}
    return table


def _venue(exchange: Exchange) -> Venue:
    made: Any = venue_class(exchange)
    venue: Venue = made()
    return venue


def rules_of(exchange: Exchange) -> list[dict[str, str]]:
    """Return a venue's addresses, routes and limits, each with document and date."""
    return [
        {"rule": rule, "value": value, "document": document, "since": since}
        for rule, value, document, since in _rules(exchange)
    ]


def _rules(exchange: Exchange) -> Iterator[tuple[str, str, str, str]]:
    module, _ = VENUES[exchange]
    table = import_module(f"{module}.endpoints")
    for (of, environment), row in table.STREAM_HOSTS.items():
        if of is exchange:
            yield f"streams, {environment.value}", row.value, row.document, str(row.since)
    venue = _venue(exchange)
    routes: dict[tuple[str, str, str], list[str]] = {}
    for word, row in table.ROUTES.items():
        routes.setdefault((row.value, row.document, str(row.since)), []).append(word)
    # A venue whose streams are all on one route needs no table of them.
    routed = {venue.channel(None, kind).route for kind in _whole_market(venue)} - {""}
    for (route, document, since), words in routes.items() if routed else ():
        yield f"route /{route}", ", ".join(words), document, since
    for row in (table.CONNECTION_LIMITS[exchange], *table.STREAM_RULES[exchange]):
        yield "limit", row.value, row.document, str(row.since)
    limits = venue.limits
    kept = (
        f"{limits.streams_per_connection} streams on each connection, "
        f"{limits.control_messages} messages in {limits.control_window_ns / 1e9:g} s, "
        f"{limits.connection_life_ns / 3600e9:g} h"
    )
    yield "what we keep to", kept, "toucan-data", ""
    pool = venue.request_pool
    yield (
        "request weight",
        f"{pool.limit} in {pool.window_ns / 1e9:g} s ({pool.name})",
        pool.source,
        "",
    )


def _whole_market(venue: Venue) -> list[Kind[Any]]:
    return [kind for kind in venue.kinds if kind.name == "Tickers24h"]


@click.command
@common
def venues(*, as_json: bool, plain: bool) -> None:
    """List the exchanges, the kinds that each has, its routes and its limits."""
    table = support()
    if as_json:
        for exchange, kinds in table.items():
            offered = {name: remark for name, remark in kinds.items() if remark is not None}
            rules = rules_of(exchange)
            json_line({"type": "Venue", "venue": exchange.value, "kinds": offered, "rules": rules})
    elif is_live(plain=plain, as_json=as_json):
        _draw(table)
    else:
        _write(table)


def _write(table: dict[Exchange, dict[str, str | None]]) -> None:
    for exchange, kinds in table.items():
        line(exchange.value)
        for name, remark in kinds.items():
            said = "no" if remark is None else f"yes{remark and ', '}{remark}"
            line(f"  {name}: {said}")
        for rule in rules_of(exchange):
            line(f"  {rule['rule']}: {rule['value']}{_source(rule)}")


def _source(rule: dict[str, str]) -> str:
    said = ", ".join(rule[part] for part in ("document", "since") if rule[part])
    return f" [{said}]" if said else ""


def _draw(table: dict[Exchange, dict[str, str | None]]) -> None:
    screen = console()
    picture = Table(title="What is offered where", title_justify="left")
    picture.add_column("kind", no_wrap=True)
    for exchange in table:
        picture.add_column(exchange.value)
    for kind in KINDS.values():
        cells = [table[exchange][kind.name] for exchange in table]
        picture.add_row(kind.name, *(Text("-" if cell is None else cell or "yes") for cell in cells))
    screen.print(picture)
    for exchange in table:
        rules = Table(title=exchange.value, title_justify="left")
        for name in ("rule", "value", "document", "since"):
            rules.add_column(name)
        for rule in rules_of(exchange):
            rules.add_row(*(Text(rule[part]) for part in ("rule", "value", "document", "since")))
        screen.print(rules)
