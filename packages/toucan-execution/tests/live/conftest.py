"""A client of the scripted exchange, on a clock that the test moves."""

import asyncio
import sys
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from toucan_execution.client.binance.clients import BinanceExecution
from toucan_execution.client.binance.config import BinanceConfig
from toucan_execution.errors import ClientClosed
from toucan_instrument.testing.clock import FakeClock

sys.path.insert(0, str(Path(__file__).parent))

from futures_script import REST as FUTURES_REST, FuturesScript
from spot_script import KEY, REST, SECRET, SpotScript


class Stage:
    """The exchange, the client, and everything that the client has told."""

    def __init__(self, *, market="spot", clock=None, prepare=None, key=KEY, secret=SECRET, **options):
        self.clock = clock or FakeClock()
        spot = market == "spot"
        self.venue = SpotScript(self.clock) if spot else FuturesScript(self.clock, market)
        if prepare is not None:
            prepare(self.venue)
        fields = {"account": "main", "client_id_prefix": "bot", "base_url": REST if spot else FUTURES_REST}
        config = BinanceConfig(key, secret, testnet=True, market=market, **fields | options)
        self.client = BinanceExecution.new_with_config(config, network=self.venue.network, clock=self.clock)
        self.events = []
        self.fault = None

    async def watch(self):
        try:
            async for event in self.client.account_stream():
                self.events.append(event)
        except ClientClosed as error:
            self.fault = error

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]

    async def ready(self):
        await self.client.ready(60)

    async def idle(self, seconds=0.0):
        if seconds:
            await self.clock.sleep_until(self.clock.monotonic_ns() + int(seconds * 1e9))
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
def stage_of():
    @asynccontextmanager
    async def make(*, ready=True, faulty=False, **options):
        stage = Stage(**options)
        running = nullcontext() if "clock" in options else stage.clock.running()  # else it runs already
        async with running:
            watching = asyncio.ensure_future(stage.watch())
            try:
                if ready:
                    await stage.ready()
                    await stage.idle()
                yield stage
            finally:
                await stage.client.close()
                await watching
                assert (stage.fault is not None) is faulty

    return make
