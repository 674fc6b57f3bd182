"""A small Binance spot behind a fake network: what it holds, its REST answers and its WebSocket API.

It is scripted by the tests and keeps just enough of an account that stream, REST and queries agree.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

from toucan_instrument.errors import RequestFailed
from toucan_instrument.link import Closed
from toucan_instrument.rest import Response
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

REST = "https://spot.test"
KEY, SECRET = "test-key-of-nobody", "test-secret-of-nobody"

INSTRUMENTS = {
    "timezone": "UTC",
    "serverTime": 1,
    "rateLimits": [],
    "exchangeFilters": [],
    "symbols": [
        {
            "symbol": symbol,
            "status": "TRADING",
            "baseAsset": symbol[:3],
            "quoteAsset": "USDT",
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"],
            "isSpotTradingAllowed": True,
            "permissionSets": [["SPOT"]],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "900000", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
                {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True},
            ],
        }
        for symbol in ("BTCUSDT", "ETHUSDT")
    ],
}


class SpotScript:
    """The exchange."""

    def __init__(self, clock):
        self.clock = clock
        self.network = FakeNetwork(answer=self.answer)
        self.network.add_dial(self.dial)
        self.sockets = []
        self.balances = {"USDT": ["10000", "0"], "BTC": ["1", "0"]}
        self.orders = {}  # by client order id
        self.trades = []
        self.next_order, self.next_trade = 100, 500
        self.skew_ns = 0
        self.faults = {}  # (method, path) -> list of what a call gives instead; popped in order
        self.calls = []
        self.streaming = True
        self.refuse_subscription = None
        self.ws_faults = {}

    # Time.

    @property
    def now_ms(self):
        return (self.clock.utc_ns() + self.skew_ns) // 1_000_000

    # Connections.

    def dial(self, url):
        self.network.add_dial(self.dial)
        socket = FakeSocket()
        socket.on_send = lambda frame: self.hear(socket, json.loads(frame))
        self.sockets.append(socket)
        return socket

    @property
    def socket(self):
        return self.sockets[-1]

    def drop(self):
        self.socket.end(Closed(1006, "cut by the test"))

    def hear(self, socket, message):
        method, params = message["method"], message.get("params") or {}
        self.calls.append((method, params))
        fault = self.ws_faults.get(method)
        if fault:
            what = fault.pop(0)
            if what == "silence":
                return
            if what == "cut":
                self.apply_ws(method, params)
                socket.end(Closed(1006, "cut by the test"))
                return
        if method.startswith("userDataStream.subscribe") and self.refuse_subscription:
            code, text = self.refuse_subscription
            socket.push(
                json.dumps(
                    {"id": message["id"], "status": 401, "error": {"code": code, "msg": text}}
                ).encode()
            )
            return
        status, body = self.apply_ws(method, params)
        name = "result" if status == 200 else "error"
        socket.push(json.dumps({"id": message["id"], "status": status, name: body}).encode())

    def apply_ws(self, method, params):
        if method.startswith("userDataStream.subscribe"):
            return 200, {"subscriptionId": 0}
        if method == "session.logon":
            return 200, {"apiKey": params["apiKey"], "authorizedSince": 1}
        verb = {"order.place": "POST", "order.cancel": "DELETE", "order.status": "GET"}[method]
        return self.order(verb, params)

    def tell(self, event):
        """Send an event of the account's stream."""
        if self.streaming and self.sockets and self.socket.closed is None:
            self.socket.push(json.dumps({"subscriptionId": 0, "event": event}).encode())

    # REST.

    def answer(self, request):
        parts = urlsplit(request.url)
        params = dict(parse_qsl(parts.query)) | dict(parse_qsl(request.body.decode()))
        key = (request.method, parts.path)
        self.calls.append((f"{request.method} {parts.path}", params))
        for fault in self.faults.get(key, [])[:1]:
            self.faults[key].pop(0)
            if fault == "lost":  # done, and the answer is lost
                self.apply(request.method, parts.path, params)
                raise RequestFailed("the answer was lost", method=request.method, url=request.url, sent=None)
            if fault == "never":  # lost on its way there
                raise RequestFailed("timed out", method=request.method, url=request.url, sent=None)
            if fault == "unsent":
                raise RequestFailed("refused", method=request.method, url=request.url, sent=False)
            status, body = fault
            return Response(status, {}, json.dumps(body).encode())
        if "timestamp" in params and abs(int(params["timestamp"]) - self.now_ms) > 5_000:
            body = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
            return Response(400, {}, json.dumps(body).encode())
        status, body = self.apply(request.method, parts.path, params)
        return Response(status, {"x-mbx-used-weight-1m": "7"}, json.dumps(body).encode())

    def apply(self, method, path, params):
        if path == "/api/v3/time":
            return 200, {"serverTime": self.now_ms}
        if path == "/api/v3/exchangeInfo":
            return 200, INSTRUMENTS
        if path == "/api/v3/account":
            rows = [{"asset": a, "free": f, "locked": k} for a, (f, k) in self.balances.items()]
            return 200, {
                "canTrade": True,
                "accountType": "SPOT",
                "updateTime": self.now_ms,
                "balances": rows,
                "permissions": ["SPOT"],
                "uid": 1,
            }
        if path == "/api/v3/openOrders":
            wanted = [o for o in self.orders.values() if o["status"] in ("NEW", "PARTIALLY_FILLED")]
            if method == "DELETE":
                return 200, [self.close(order, "CANCELED", "CANCELED") for order in wanted]
            return 200, wanted
        if path == "/api/v3/myTrades":
            rows = [t for t in self.trades if t["symbol"] == params["symbol"]]
            if "fromId" in params:
                rows = [t for t in rows if t["id"] >= int(params["fromId"])]
            if "startTime" in params:
                rows = [t for t in rows if t["time"] >= int(params["startTime"])]
            if "endTime" in params:
                rows = [t for t in rows if t["time"] <= int(params["endTime"])]
            return 200, rows[: int(params.get("limit", 500))]
        if path == "/api/v3/order":
            return self.order(method, params)
        return 404, {"code": -1, "msg": f"no {path}"}

    # Orders.

    def order(self, method, params):
        name = params.get("newClientOrderId") if method == "POST" else params.get("origClientOrderId")
        if method == "POST":
            if name in self.orders:
                return 400, {"code": -2010, "msg": "Duplicate order sent."}
            return 200, self.open(params, name)
        order = self.orders.get(name) or next(
            (o for o in self.orders.values() if str(o["orderId"]) == str(params.get("orderId"))), None
        )
        if order is None:
            code = -2011 if method == "DELETE" else -2013
            return 400, {
                "code": code,
                "msg": "Unknown order sent." if code == -2011 else "Order does not exist.",
            }
        if method == "GET":
            return 200, order
        if order["status"] not in ("NEW", "PARTIALLY_FILLED"):
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        return 200, self.close(order, "CANCELED", "CANCELED") | {
            "origClientOrderId": name,
            "clientOrderId": "the-cancel",
        }

    def open(self, params, name):
        self.next_order += 1
        order = {
            "symbol": params["symbol"],
            "orderId": self.next_order,
            "orderListId": -1,
            "clientOrderId": name,
            "price": params.get("price", "0"),
            "origQty": params["quantity"],
            "executedQty": "0",
            "cummulativeQuoteQty": "0",
            "status": "NEW",
            "timeInForce": params.get("timeInForce", "GTC"),
            "type": params["type"],
            "side": params["side"],
            "time": self.now_ms,
            "updateTime": self.now_ms,
            "transactTime": self.now_ms,
            "selfTradePreventionMode": "NONE",
        }
        self.orders[name] = order
        self.report(order, "NEW")
        return {**order, "fills": []}

    def close(self, order, status, execution):
        order |= {"status": status, "updateTime": self.now_ms, "transactTime": self.now_ms}
        self.report(order, execution)
        return dict(order)

    def fill(self, name, quantity, price=None):
        """Fill a part of an order as its maker; tells it over the stream."""
        order = self.orders[name]
        price = price or order["price"]
        done = float(order["executedQty"]) + float(quantity)
        order["executedQty"] = f"{done:.3f}"
        order["cummulativeQuoteQty"] = f"{done * float(price):.5f}"
        order["status"] = "FILLED" if done >= float(order["origQty"]) else "PARTIALLY_FILLED"
        order["updateTime"] = self.now_ms
        self.next_trade += 1
        worth = float(quantity) * float(price)
        trade = {
            "symbol": order["symbol"],
            "id": self.next_trade,
            "orderId": order["orderId"],
            "orderListId": -1,
            "price": price,
            "qty": quantity,
            "quoteQty": f"{worth:.5f}",
            "commission": "0.1",
            "commissionAsset": "USDT",
            "time": self.now_ms,
            "isBuyer": order["side"] == "BUY",
            "isMaker": True,
            "isBestMatch": True,
        }
        self.trades.append(trade)
        sign = 1 if trade["isBuyer"] else -1
        self.move("BTC", sign * float(quantity))
        self.move("USDT", -sign * worth - 0.1)
        self.report(order, "TRADE", trade)
        self.position("BTC", "USDT")
        return trade

    def move(self, asset, amount):
        free, locked = self.balances[asset]
        self.balances[asset] = [f"{float(free) + amount:.5f}", locked]

    def position(self, *assets):
        rows = [{"a": a, "f": self.balances[a][0], "l": self.balances[a][1]} for a in assets]
        self.tell({"e": "outboundAccountPosition", "E": self.now_ms, "u": self.now_ms, "B": rows})

    def report(self, order, execution, trade=None):
        cancel = execution == "CANCELED"
        self.tell(
            {
                "e": "executionReport",
                "E": self.now_ms,
                "s": order["symbol"],
                "c": "the-cancel" if cancel else order["clientOrderId"],
                "C": order["clientOrderId"] if cancel else "",
                "S": order["side"],
                "o": order["type"],
                "f": order["timeInForce"],
                "q": order["origQty"],
                "p": order["price"],
                "P": "0",
                "F": "0",
                "g": -1,
                "x": execution,
                "X": order["status"],
                "r": "NONE",
                "i": order["orderId"],
                "l": trade["qty"] if trade else "0",
                "z": order["executedQty"],
                "L": trade["price"] if trade else "0",
                "n": trade["commission"] if trade else "0",
                "N": trade["commissionAsset"] if trade else None,
                "T": self.now_ms,
                "t": trade["id"] if trade else -1,
                "I": 1,
                "w": True,
                "m": bool(trade),
                "O": order["time"],
                "Z": order["cummulativeQuoteQty"],
                "Y": trade["quoteQty"] if trade else "0",
                "Q": "0",
                "V": "NONE",
            }
        )
