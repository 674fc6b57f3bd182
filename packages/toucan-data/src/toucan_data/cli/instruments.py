"""``toucan-data instruments``: what a venue lists, chosen by the catalogue's own filters."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from toucan_data.catalogues import load_instruments
from toucan_data.cli.market import venue_argument
from toucan_data.cli.options import common
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Instrument, InstrumentKind
from toucan_instrument.asset import canonical
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.network import Way, network
from toucan_instrument.console.output import json_line, remark, shown
from toucan_instrument.console.rows import show_rows
from toucan_instrument.console.running import run
from toucan_instrument.console.texts import number
from toucan_instrument.errors import InvalidInput
from toucan_instrument.instrument import InstrumentStatus

__all__ = ["instruments"]

COLUMNS = ("instrument", "symbol", "kind", "status", "tick", "step", "min notional")


def _row(instrument: Instrument) -> tuple[str, ...]:
    rules = instrument.rules
    limits = (rules.tick_size, rules.step_size, rules.min_notional) if rules else (None, None, None)
    words = (str(instrument), instrument.symbol, instrument.kind.value, instrument.status)
    return (*map(shown, words), *map(number, limits))


def _record(instrument: Instrument) -> dict[str, Any]:
    rules = instrument.rules

    def limit(name: str) -> str | None:
        value = getattr(rules, name, None)
        return None if value is None else format(value, "f")

    return {
        "type": "Instrument",
        "exchange": instrument.exchange.value,
        "instrument": str(instrument),
        "symbol": instrument.symbol,
        "kind": instrument.kind.value,
        "base": instrument.base,
        "quote": instrument.quote,
        "settle": instrument.settle,
        "expiry_ns": instrument.expiry_ns,
        "contract_size": format(instrument.contract_size, "f"),
        "inverse": instrument.inverse,
        "quantity_unit": instrument.quantity_unit.value,
        "status": instrument.status,
        "status_venue": instrument.status_venue,
        "rules": {
            name: limit(name)
            for name in ("tick_size", "step_size", "min_quantity", "max_quantity", "min_notional")
        },
    }


@click.command
@venue_argument
@click.option("--base", multiple=True, metavar="ASSET", help="Only with this base asset; repeatable.")
@click.option("--quote", multiple=True, metavar="ASSET", help="Only with this quote asset; repeatable.")
@click.option(
    "--kind",
    multiple=True,
    type=click.Choice([kind.value for kind in InstrumentKind]),
    help="Only of this kind; repeatable.",
)
@click.option(
    "--status",
    multiple=True,
    type=click.Choice([status.value for status in InstrumentStatus]),
    help="Only in this status; repeatable.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="The N of most 24 h volume.")
@network
@common
def instruments(
    *,
    venue: Venue,
    base: tuple[str, ...],
    quote: tuple[str, ...],
    kind: tuple[str, ...],
    status: tuple[str, ...],
    top: int | None,
    way: Way,
    as_json: bool,
    plain: bool,
) -> None:
    """List the instruments of VENUE."""
    filters: dict[str, Any] = {"base": base, "quote": quote, "status": status}
    filters["kind"] = tuple(InstrumentKind(value) for value in kind)
    found: list[Catalogue] = []

    async def load() -> None:
        found.append(
            await load_instruments(venue, volumes=top is not None, proxy=way.proxy, trust_env=way.trust_env)
        )

    context = click.get_current_context()
    if run(load()):
        context.exit(ExitCode.INTERRUPTED)
    whole = found[0]
    _check_assets(whole, base=base, quote=quote)
    chosen = whole.where(**{name: wanted for name, wanted in filters.items() if wanted})
    if top is not None:
        chosen = chosen.top(top)
    _show(chosen, plain=plain, as_json=as_json)
    remark(f"{len(chosen)} of {len(whole)} instruments of {venue.exchange.value}")
    for symbol, reason in whole.skipped:
        remark(f"not readable: {symbol}: {reason}")
    if not len(chosen):
        context.exit(ExitCode.FAILED)


def _check_assets(whole: Catalogue, **wanted: tuple[str, ...]) -> None:
    """Refuse an asset that the venue does not have, naming near ones."""
    for field, values in wanted.items():
        known = {canonical(getattr(instrument, field)) for instrument in whole if instrument.quote}
        for value in values:
            if canonical(value) not in known:
                near = get_close_matches(canonical(value), known, n=5, cutoff=0.5)
                raise InvalidInput(
                    f"{whole.exchange.value} has nothing with it",
                    field=f"--{field}",
                    value=value,
                    accepted=", ".join(near) or "an asset of the venue",
                )


def _show(chosen: Catalogue, *, plain: bool, as_json: bool) -> None:
    if as_json:
        for instrument in chosen:
            json_line(_record(instrument))
        return
    show_rows(COLUMNS, map(_row, chosen), plain=plain)
