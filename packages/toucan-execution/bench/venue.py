"""A spot venue for the benchmark, in a process of its own: it answers orders with prepared texts.

Run by `run.py`; prints its port, then serves until it is ended. It checks nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import parse_qs

from aiohttp import WSMsgType, web

SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "permissionSets": [["SPOT"]],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True},
    ],
}
INFO = {"timezone": "UTC", "serverTime": 1, "rateLimits": [], "exchangeFilters": [], "symbols": [SYMBOL]}
ACCOUNT = {
    "canTrade": True,
    "accountType": "SPOT",
    "updateTime": 1,
    "balances": [{"asset": "USDT", "free": "100000", "locked": "0"}],
}


IDS: dict[str, int] = {}


def order(name: str, status: str) -> dict[str, object]:
    """Return the answer to a new or a cancelled order."""
    now = time.time_ns() // 1_000_000
    return {
        "symbol": "BTCUSDT",
        "orderId": IDS.setdefault(name, len(IDS) + 1),
        "orderListId": -1,
        "clientOrderId": name,
        "origClientOrderId": name,
        "transactTime": now,
        "price": "1000.00000000",
        "origQty": "0.50000000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": status,
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": now,
        "fills": [],
        "selfTradePreventionMode": "NONE",
    }


async def rest(request: web.Request) -> web.Response:
    """Answer a request."""
    path = request.path
    if path.endswith("/time"):
        body: object = {"serverTime": time.time_ns() // 1_000_000}
    elif path.endswith("/exchangeInfo"):
        body = INFO
    elif path.endswith("/account"):
        body = ACCOUNT
    elif path.endswith("/order"):
        text = (await request.read()).decode() or request.query_string
        form = parse_qs(text)
        placing = request.method == "POST"
        name = form["newClientOrderId" if placing else "origClientOrderId"][0]
        body = order(name, "NEW" if placing else "CANCELED")
    else:
        body = []
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


async def api(request: web.Request) -> web.WebSocketResponse:
    """Answer requests over a WebSocket."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break
        asked = json.loads(message.data)
        params = asked.get("params") or {}
        result: object = {"subscriptionId": 0}
        if asked["method"] == "order.place":
            result = order(params["newClientOrderId"], "NEW")
        elif asked["method"] == "order.cancel":
            result = order(params["origClientOrderId"], "CANCELED")
        await socket.send_str(json.dumps({"id": asked["id"], "status": 200, "result": result}))
    return socket


async def serve() -> None:
    """Serve on a free port of the loopback."""
    app = web.Application()
    app.router.add_get("/ws-api/v3", api)
    app.router.add_route("*", "/{path:.*}", rest)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
