"""``toucan-data venues``: what is offered where, and the rules with document and date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from toucan_data.cli.market import KINDS
from toucan_data.cli.options import common
from toucan_data.kinds import Candles
from toucan_data.registry import endpoints_of, venue_class
from toucan_data.support import Cell, support
from toucan_data.venue import Venue
from toucan_instrument import Exchange
from toucan_instrument.console.output import console, is_live, json_line, line
from toucan_instrument.errors import InvalidInput

__all__ = ["rules_of", "venues"]


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
    table = endpoints_of(exchange)
    for (of, environment), row in table.STREAM_HOSTS.items():
        if of is exchange:
            yield f"streams, {environment.value}", row.value, row.document, str(row.since)
    venue = _venue(exchange)
    routes: dict[tuple[str, str, str], list[str]] = {}
    used = _routes(venue)
    for word, row in table.ROUTES.items():
        if row.value in used:
            routes.setdefault((row.value, row.document, str(row.since)), []).append(word)
    for (route, document, since), words in routes.items():
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


def _routes(venue: Venue) -> set[str]:
    """Return the routes that serve some instrument's streams."""
    instrument = venue.unchecked(venue.symbol("BTC", "USDT"))
    routes = set()
    for kind in venue.kinds:
        with suppress(InvalidInput):
            routes.add(venue.channel(instrument, Candles("1m") if kind == Candles else kind).route)
    return routes


@click.command
@common
def venues(*, as_json: bool, plain: bool) -> None:
    """List the exchanges, the kinds that each has, its routes and its limits."""
    table = support()
    if as_json:
        for exchange, kinds in table.items():
            offered = {name: cell.remark for name, cell in kinds.items() if cell.offered}
            lacking = {name: cell.remark for name, cell in kinds.items() if not cell.offered and cell.remark}
            json_line(
                {
                    "type": "Venue",
                    "venue": exchange.value,
                    "kinds": offered,
                    "lacking": lacking,
                    "rules": rules_of(exchange),
                }
            )
    elif is_live(plain=plain, as_json=as_json):
        _draw(table)
    else:
        _write(table)


def _write(table: dict[Exchange, dict[str, Cell]]) -> None:
    for exchange, kinds in table.items():
        line(exchange.value)
        for name, cell in kinds.items():
            line(f"  {name}: {'yes' if cell.offered else 'no'}{cell.remark and ', '}{cell.remark}")
        for rule in rules_of(exchange):
            line(f"  {rule['rule']}: {rule['value']}{_source(rule)}")


def _source(rule: dict[str, str]) -> str:
    said = ", ".join(rule[part] for part in ("document", "since") if rule[part])
    return f" [{said}]" if said else ""


def _draw(table: dict[Exchange, dict[str, Cell]]) -> None:
    screen = console()
    picture = Table(title="What is offered where", title_justify="left")
    picture.add_column("venue", no_wrap=True)
    for word in KINDS:
        picture.add_column(word)
    for exchange, row in table.items():
        cells = [row[kind.name] for kind in KINDS.values()]
        said = (("yes" if cell.offered else "-") + ("*" if cell.remark else "") for cell in cells)
        picture.add_row(exchange.value, *map(Text, said))
    screen.print(picture)
    for exchange, row in table.items():
        for name, cell in row.items():
            if cell.remark:
                screen.print(Text(f"* {exchange.value}, {name}: {cell.remark}"))
    for exchange in table:
        rules = Table(title=exchange.value, title_justify="left")
        for name in ("rule", "value", "document", "since"):
            rules.add_column(name)
        for rule in rules_of(exchange):
            rules.add_row(*(Text(rule[part]) for part in ("rule", "value", "document", "since")))
        screen.print(rules)
