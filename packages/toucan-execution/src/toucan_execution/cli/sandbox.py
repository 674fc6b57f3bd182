"""``toucan-execution sandbox``: a local Binance, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from toucan_execution.cli.options import common
from toucan_execution.client.binance.config import Market
from toucan_execution.signing import KeyKind
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import json_line, line, remark
from toucan_instrument.console.running import run
from toucan_instrument.errors import InvalidInput

if TYPE_CHECKING:
    from toucan_execution.testing.sandbox import Sandbox

__all__ = ["sandbox", "variables"]

MISSING = "the sandbox needs the extra: pip install 'toucan-execution[cli,testing]'"


@click.command
@click.option(
    "--market",
    "markets",
    type=click.Choice([market.value for market in Market]),
    multiple=True,
    help="Which markets; all three if not said.",
)
@click.option("--symbol", "symbols", multiple=True, metavar="MARKET:SYMBOL", help="What is traded.")
@click.option("--balance", "balances", multiple=True, metavar="MARKET:ASSET=AMOUNT", help="What is held.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Accounts; main if not said.")
@click.option(
    "--signing",
    "kind",
    type=click.Choice([kind.value for kind in KeyKind]),
    default=KeyKind.HMAC.value,
    show_default=True,
    help="What the accounts' keys sign with.",
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen; 0 is any that is free."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Where prices come from.")
@click.option(
    "--pace", type=click.IntRange(min=1), default=50, metavar="MS", help="How fast they move.  [50]"
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="End after so long.")
@common
def sandbox(
    *,
    markets: Sequence[str],
    symbols: Sequence[str],
    balances: Sequence[str],
    accounts: Sequence[str],
    kind: str,
    port: int,
    seed: int,
    pace: int,
    seconds: float | None,
    as_json: bool,
    plain: bool,
) -> None:
    """Run a local Binance on loopback: no network, no account, no money.

    It writes its addresses and the keys of its accounts as environment variables to paste, and then
    serves until Ctrl-C. The keys are worth nothing anywhere else.
    """
    del plain  # it is lines anyway
    try:
        from toucan_execution.testing.sandbox import Sandbox  # noqa: PLC0415 - only with the extra
    except ImportError as error:
        remark(f"error: {MISSING} ({error.name} is missing)")
        click.get_current_context().exit(ExitCode.USAGE)

    made = Sandbox(
        markets or tuple(Market),
        symbols=_by_market("--symbol", symbols),
        balances=_amounts(balances),
        seed=seed,
        pace_ms=pace,
        port=port,
    )
    names = tuple(accounts) or ("main",)

    async def serve() -> None:
        async with made:
            shown = variables(made, markets or [market.value for market in Market], names, KeyKind(kind))
            if as_json:
                json_line(dict(shown))
            else:
                for name, value in shown:
                    line(_assignment(name, value))
            remark(f"{made!r}; Ctrl-C ends it")
            await asyncio.sleep(seconds if seconds is not None else float("inf"))

    if run(serve()) and seconds is not None:
        click.get_current_context().exit(ExitCode.INTERRUPTED)


def variables(
    sandbox: Sandbox, markets: Iterable[str], accounts: Iterable[str], kind: KeyKind
) -> list[tuple[str, str]]:
    """Return what a client has to know, as names and values of environment variables."""
    found: list[tuple[str, str]] = []
    for market in markets:
        prefix = f"TOUCAN_SANDBOX_{market.upper().replace('-', '_')}"
        found += [
            (f"{prefix}_REST_URL", sandbox.rest_url(market)),
            (f"{prefix}_WS_API_URL", sandbox.ws_api_url(market)),
            (f"{prefix}_STREAM_URL", sandbox.stream_url(market)),
        ]
    for number, account in enumerate(accounts):
        key = sandbox.key(account, kind)
        # The first account's are those that a client of toucan takes by itself.
        prefix = f"BINANCE_DEMO_{'' if not number else account.upper() + '_'}API"
        secret = key.secret.strip().replace("\n", "\\n")
        found += [(f"{prefix}_KEY", key.api_key), (f"{prefix}_SECRET", secret)]
    return [*found, ("TOUCAN_ENVIRONMENT", "demo")]


def _assignment(name: str, value: str) -> str:
    """Return what sets a variable in the shell that is usual here; no value holds a quote."""
    return f"$env:{name} = '{value}'" if os.name == "nt" else f"export {name}='{value}'"


def _by_market(option: str, texts: Iterable[str]) -> dict[Market | str, list[str]]:
    found: dict[Market | str, list[str]] = {}
    for text in texts:
        market, colon, rest = text.partition(":")
        if not colon or not rest:
            raise InvalidInput("that names no market", field=option, value=text, accepted="MARKET:...")
        found.setdefault(market, []).append(rest)
    return found


def _amounts(texts: Iterable[str]) -> dict[Market | str, dict[str, str]]:
    found: dict[Market | str, dict[str, str]] = {}
    for market, each in _by_market("--balance", texts).items():
        for text in each:
            asset, equals, amount = text.partition("=")
            if not equals or not asset:
                raise InvalidInput(
                    "that is no balance", field="--balance", value=text, accepted="MARKET:ASSET=AMOUNT"
                )
            found.setdefault(market, {})[asset] = amount
    return found
