"""Running examples as they are written, against an exchange on loopback instead of the live venues."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from toucan_data.exchange.binance import endpoints
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Environment, Exchange
from toucan_instrument.testing.binance import DEFAULT_SYMBOLS

__all__ = ["on_loopback"]

WAIT_S = 20.0


@contextmanager
def on_loopback() -> Iterator[None]:
    """Let the live addresses of every venue be a seeded exchange in a thread of this process."""
    ready, over = threading.Event(), threading.Event()
    found: dict[Exchange, tuple[str, str]] = {}
    failed: list[BaseException] = []

    async def serve() -> None:
        async with ScriptedExchange.seeded(tuple(DEFAULT_SYMBOLS), pace_ms=20) as exchange:
            for each in DEFAULT_SYMBOLS:
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
    streams, rest = dict(endpoints.STREAM_HOSTS), dict(endpoints.REST_HOSTS)
    for exchange, (ws_url, rest_url) in addresses.items():
        key = (exchange, Environment.LIVE)
        endpoints.STREAM_HOSTS[key] = endpoints.Row(ws_url, "loopback", date(2026, 1, 1))
        endpoints.REST_HOSTS[key] = endpoints.Row(rest_url, "loopback", date(2026, 1, 1))
    try:
        yield
    finally:
        endpoints.STREAM_HOSTS.update(streams)
        endpoints.REST_HOSTS.clear()
        endpoints.REST_HOSTS.update(rest)
