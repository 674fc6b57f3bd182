"""``toucan-data ask``: what a venue has over REST and on no stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from toucan_data.asking import load_candles, load_funding_rate, load_open_interest
from toucan_data.catalogues import load_instruments
from toucan_data.cli.market import kind_named, venue_argument
from toucan_data.cli.options import common
from toucan_data.cli.watch import Display
from toucan_data.events import MarketEvent
from toucan_data.kinds import CandleKind, FundingRates, Kind, OpenInterests
from toucan_data.venue import Venue
from toucan_instrument import Instrument
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.network import Way, network
from toucan_instrument.console.running import run
from toucan_instrument.errors import InvalidInput
from toucan_instrument.timestamps import from_iso

__all__ = ["ask"]

SPELLINGS = "interest, funding, candles:1h"


@click.command
@venue_argument
@click.argument("symbol", metavar="SYMBOL")
@click.option("--kind", required=True, metavar="KIND", help=f"{SPELLINGS}.")
@click.option("--start", metavar="TIME", help="Candles that begin then or later, as 2026-01-31T12:00:00Z.")
@click.option("--end", metavar="TIME", help="Candles that begin before then.")
@network
@common
def ask(
    *,
    venue: Venue,
    symbol: str,
    kind: str,
    start: str | None,
    end: str | None,
    way: Way,
    as_json: bool,
    plain: bool,
) -> None:
    """Ask VENUE once about SYMBOL: for open interest or funding that it does not stream, or past candles."""
    del plain  # it is lines anyway
    wanted = kind_named(kind)
    window = {name: from_iso(text) for name, text in (("start", start), ("end", end)) if text is not None}
    found: list[MarketEvent] = []

    async def load() -> None:
        options: dict[str, Any] = {"proxy": way.proxy, "trust_env": way.trust_env}
        instrument = (await load_instruments(venue, volumes=False, **options))[symbol]
        found.extend(await _answers(venue, instrument, wanted, window, options))

    if run(load()):
        click.get_current_context().exit(ExitCode.INTERRUPTED)
    display = Display(as_json=as_json)
    for event in found:
        display.show(event)


async def _answers(
    venue: Venue, instrument: Instrument, kind: Kind[Any], window: dict[str, Any], options: dict[str, Any]
) -> Sequence[MarketEvent]:
    if isinstance(kind, CandleKind):
        return await load_candles(venue, instrument, str(kind.interval), **window, **options)
    if window:
        raise InvalidInput("only candles are of the past", field="--kind", value=kind, accepted="candles:1h")
    if kind == OpenInterests:
        return [await load_open_interest(venue, instrument, **options)]
    if kind == FundingRates:
        return [await load_funding_rate(venue, instrument, **options)]
    raise InvalidInput("that is not asked for, but watched", field="--kind", value=kind, accepted=SPELLINGS)
