"""How much the sandbox takes: orders and cancels a second, and events of streams a second.

Run by `run.py`, which gives it a process of its own: it prints its addresses and keys, and serves.
"""

from __future__ import annotations

import asyncio
import json
import sys

from toucan_execution.testing.sandbox import Sandbox


async def main(pace_ms: int) -> None:
    """Serve a spot market without limits until the process is ended."""
    money = {"spot": {"USDT": 10**12, "BTC": 10**6}}
    async with Sandbox(["spot"], pace_ms=pace_ms, limited=False, balances=money) as sandbox:
        key = sandbox.key()
        urls = (sandbox.rest_url("spot"), sandbox.ws_api_url("spot"), sandbox.stream_url("spot"))
        print(json.dumps([*urls, key.api_key, key.secret]), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
