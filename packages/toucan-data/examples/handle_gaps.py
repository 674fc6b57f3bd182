"""Do something about every kind of trouble: against an exchange on loopback that makes it."""

import asyncio

from toucan_data import (
    DecodeFailed,
    Disconnected,
    Dropped,
    Exchange,
    Gap,
    OrderBooksL2,
    PublicTrades,
    Resynced,
    Streams,
)
from toucan_data.testing.exchange import ScriptedExchange
from toucan_instrument.testing.faults import Action, Fault


async def main() -> None:
    """Run until every kind of trouble has been seen."""
    faults = [
        Fault(Action.GARBAGE, stream="@trade", after=5),
        Fault(Action.GAP, stream="@trade", after=10, count=3),
        Fault(Action.GAP, stream="@depth", after=20),
        Fault(Action.DROP, stream="@depth", after=60),
    ]
    waiting = {DecodeFailed, Gap, Resynced, Disconnected}
    seeded = ScriptedExchange.seeded(Exchange.BINANCE_SPOT, ["BTCUSDT"], faults=faults, pace_ms=5)
    async with seeded as exchange:
        wanted = [(exchange.venue(), "BTC/USDT", kind) for kind in (PublicTrades, OrderBooksL2)]
        async with await Streams.builder().subscribe(wanted).init() as streams:
            async for status in streams.status():
                match status:
                    case Gap(instrument=instrument, kind=kind, first_missing=first, last_missing=last):
                        print(f"{instrument} {kind}: {first} to {last} are missing ({status.reason})")
                    case Resynced(instrument=instrument):
                        print(f"{instrument}: the book is whole again")
                    case Disconnected(closed=closed):
                        print(f"disconnected: {closed.reason}")
                    case DecodeFailed(raw=raw):
                        print(f"could not read {raw!r}")
                    case Dropped(count=count):
                        print(f"too slow: {count} events went")
                    case _:
                        print(status)
                waiting.discard(type(status))
                if not waiting:
                    return


asyncio.run(main())
