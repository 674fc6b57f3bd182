"""The exchange on loopback, in a thread: the commands run an event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument import Exchange


@pytest.fixture(scope="session")
def spot() -> Iterator[list[str]]:
    """Give the arguments that name a seeded spot market."""
    ready = threading.Event()
    found: list[str] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        over = asyncio.Event()
        async with ScriptedExchange.seeded(Exchange.BINANCE_SPOT, pace_ms=20) as exchange:
            addresses = ("--ws-url", exchange.ws_url_of(), "--rest-url", exchange.rest_url_of())
            found.extend(["binance-spot", *addresses])
            stop.append((asyncio.get_running_loop(), over))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield found
    loop, over = stop[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
