"""``toucan-data demo``: an exchange within this process, and the real client over real sockets."""

from __future__ import annotations

from pathlib import Path

import click

from toucan_data.cli.demo_capture import show_recording
from toucan_data.cli.demo_market import show_market
from toucan_data.cli.demo_report import Report
from toucan_data.cli.embedded import playing, seeded
from toucan_data.cli.options import common
from toucan_data.cli.recording import load
from toucan_instrument.console.captures import BrokenFileError
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import remark
from toucan_instrument.console.running import run

__all__ = ["demo"]


@click.command
@click.option(
    "--capture",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Play this recording instead of the seeded market.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20.0,
    help="How long the show takes; a recording ends when it has been played.  [20]",
)
@common
def demo(*, capture: Path | None, seconds: float, as_json: bool, plain: bool) -> None:
    """Show toucan-data against an exchange within this process, over real sockets.

    Every kind of all three Binance markets arrives, a book is kept, a connection is cut on purpose
    and mended, and the books are compared with the exchange's own. Exit code 1 if any of that does
    not happen. With --capture, a recording is played, and every frame of it must arrive.
    """
    report = Report(as_json=as_json, plain=plain)
    context = click.get_current_context()
    try:
        show = _recording(capture, seconds, report) if capture else _market(seconds, report)
        if run(show):
            remark(report.tally.summary())
            context.exit(ExitCode.INTERRUPTED)
    except BrokenFileError as error:
        remark(f"error: {error}")
        context.exit(ExitCode.FAILED)
    if report.failures:
        context.exit(ExitCode.FAILED)


async def _market(seconds: float, report: Report) -> None:
    async with seeded() as exchange:
        report.say(f"An exchange within this process, at {exchange.address}")
        await show_market(exchange, seconds, report)


async def _recording(folder: Path, seconds: float, report: Report) -> None:
    recording = load(folder)
    async with playing(recording) as venue:
        report.say(f"An exchange within this process plays {folder}")
        await show_recording(recording, venue, seconds, report)
