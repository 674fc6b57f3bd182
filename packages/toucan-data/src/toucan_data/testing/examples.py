"""Running examples as they are written, against an exchange on loopback instead of the live venues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from toucan_data.registry import VENUES, endpoints_of
from toucan_data.table import Row
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Environment, Exchange

__all__ = ["on_loopback"]

WAIT_S = 20.0


@contextmanager
def on_loopback() -> Iterator[None]:
    """Let the live addresses of every venue be a seeded exchange in a thread of this process."""
    ready, over = threading.Event(), threading.Event()
    found: dict[Exchange, tuple[str, str]] = {}
    failed: list[BaseException] = []

    async def serve() -> None:
        async with ScriptedExchange.seeded(tuple(VENUES), pace_ms=20) as exchange:
            for each in VENUES:
                found[each] = (exchange.ws_url_of(each), exchange.rest_url_of(each))
            ready.set()
            await asyncio.to_thread(over.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="toucan examples exchange", daemon=True)
    thread.start()
    ready.wait(WAIT_S)
    if failed:
        raise failed[0]
    with _redirected(found):
        try:
            yield
        finally:
            over.set()
            thread.join(WAIT_S)


@contextmanager
def _redirected(addresses: dict[Exchange, tuple[str, str]]) -> Iterator[None]:
    changed: list[tuple[Any, dict[Any, Row]]] = []
    for exchange, (ws_url, rest_url) in addresses.items():
        table = endpoints_of(exchange)
        for rows, url in ((table.STREAM_HOSTS, ws_url), (table.REST_HOSTS, rest_url)):
            changed.append((rows, dict(rows)))
            rows[exchange, Environment.LIVE] = Row(url, "loopback", date(2026, 1, 1))  # type: ignore[index]
    try:
        yield
    finally:
        for rows, before in reversed(changed):
            rows.clear()
            rows.update(before)
