"""A small Binance USD-M or COIN-M behind a fake network: REST, listen keys, streams and its WebSocket API.

It is scripted by the tests and keeps just enough of an account that streams, REST and queries agree.
"""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from toucan_execution.orders import OrderRequest, OrderType
from toucan_execution.outcome import Accepted
from toucan_instrument import Side
from toucan_instrument.errors import RequestFailed
from toucan_instrument.link import Closed
from toucan_instrument.rest import Response
from toucan_instrument.testing.socket import FakeNetwork, FakeSocket

REST = "https://futures.test"
D = Decimal
OPEN = ("NEW", "PARTIALLY_FILLED")
STOP = {"type": OrderType.STOP_MARKET, "price": None, "trigger_price": D("900")}

FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.1", "maxPrice": "900000", "tickSize": "0.1"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
USD = {
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "status": "TRADING",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "filters": [
        *FILTERS,
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
    ],
}
COIN = {
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "contractStatus": "TRADING",
    "contractSize": 100,
    "quoteAsset": "USD",
    "filters": [
        *FILTERS[:1],
        {"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "1000000", "stepSize": "1"},
    ],
}


class FuturesScript:
    """The exchange."""

    def __init__(self, clock, market="usd-m"):
        self.clock = clock
        self.coin = market == "coin-m"
        self.network = FakeNetwork(answer=self.answer)
        self.network.add_dial(self.dial)
        self.streams, self.lines = [], []  # sockets of the account's events, and of the WebSocket API
        self.prefix = "/dapi" if self.coin else "/fapi"
        self.asset = "BTC" if self.coin else "USDT"
        self.wallet = D(10) if self.coin else D(10_000)
        self.positions = {}  # (symbol, side) -> amount
        self.orders, self.algos, self.trades, self.ledger = {}, {}, [], []
        self.next_id, self.next_trade = 100, 500
        self.keys, self.keeps = [], []
        self.hedge, self.margin, self.leverage = False, {}, {}
        self.has_algo = True
        self.faults = {}  # (method, path or ws method) -> what a call gives instead; popped in order
        self.calls = []
        self.skew_ns = 0
        self.streaming = True
        self.line_hook = None

    @property
    def now_ms(self):
        return (self.clock.utc_ns() + self.skew_ns) // 1_000_000

    @property
    def symbol(self):
        return "BTCUSD_PERP" if self.coin else "BTCUSDT"

    def names(self):
        return [name for name, _ in self.calls]

    # Connections.

    def dial(self, url):
        self.network.add_dial(self.dial)
        socket = FakeSocket()
        if "ws-fapi" in url or "ws-dapi" in url:
            socket.on_send = lambda frame: self.hear(socket, json.loads(frame))
            self.lines.append(socket)
        else:
            self.calls.append(("DIAL", {"url": url}))
            self.streams.append(socket)
        return socket

    def tell(self, event):
        """Send an event of the account's stream."""
        if self.streaming and self.streams and self.streams[-1].closed is None:
            self.streams[-1].push(json.dumps({"E": self.now_ms, "T": self.now_ms, **event}).encode())

    def drop(self):
        self.streams[-1].end(Closed(1006, "cut by the test"))

    def hear(self, socket, message):
        method, params, number = message["method"], message.get("params") or {}, message["id"]
        self.calls.append((method, params))

        def reply(status, body, **more):
            name = "result" if status == 200 else "error"
            socket.push(json.dumps({"id": number, "status": status, name: body, **more}).encode())

        if self.line_hook is not None and self.line_hook(socket, method, params, reply):
            return
        status, body = self.line(method, params)
        limits = [
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300, "count": 7},
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": 2400,
                "count": 90,
            },
        ]
        reply(status, body, rateLimits=limits)

    def line(self, method, params):
        if method == "session.logon":
            return 200, {"apiKey": params["apiKey"], "authorizedSince": 1}
        verb, path = {
            "order.place": ("POST", "/v1/order"),
            "order.modify": ("PUT", "/v1/order"),
            "order.cancel": ("DELETE", "/v1/order"),
            "algoOrder.place": ("POST", "/v1/algoOrder"),
            "algoOrder.cancel": ("DELETE", "/v1/algoOrder"),
        }[method]
        return self.apply(verb, path, {name: str(value) for name, value in params.items()})

    # REST.

    def answer(self, request):
        parts = urlsplit(request.url)
        params = dict(parse_qsl(parts.query)) | dict(parse_qsl(request.body.decode()))
        path = parts.path.removeprefix(self.prefix)
        self.calls.append((f"{request.method} {path}", params))
        for fault in self.faults.get((request.method, path), [])[:1]:
            self.faults[request.method, path].pop(0)
            if fault == "lost":
                self.apply(request.method, path, params)
            if fault in ("lost", "never"):
                raise RequestFailed("timed out", method=request.method, url=request.url, sent=None)
            status, body = fault[:2]
            headers = fault[2] if len(fault) > 2 else {}
            return Response(status, headers, json.dumps(body).encode())
        if "timestamp" in params and abs(int(params["timestamp"]) - self.now_ms) > 5_000:
            body = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
            return Response(400, {}, json.dumps(body).encode())
        status, body = self.apply(request.method, path, params)
        headers = {"x-mbx-used-weight-1m": "9", "x-mbx-order-count-10s": "2", "x-mbx-order-count-1m": "3"}
        return Response(status, headers, json.dumps(body).encode())

    def apply(self, method, path, params):
        if path.endswith("/listenKey"):
            return self.listen_key(method)
        if "algo" in path.lower():
            if not self.has_algo:
                return 404, {"code": -5000, "msg": f"Path {path}, Method {method} is invalid"}
            return self.algo(method, path, params)
        if path == "/v1/order":
            return self.order(method, params)
        if path == "/v1/batchOrders":
            return self.batch(method, params)
        reader = getattr(self, "on_" + path.rpartition("/")[2].lower(), None)
        return (404, {"code": -1, "msg": f"no {path}"}) if reader is None else reader(method, params)

    def listen_key(self, method):
        if method == "POST":
            if not self.keys or self.keys[-1] == "":
                self.keys.append(f"listen-key-{len(self.keys) + 1}")
            return 200, {"listenKey": self.keys[-1]}
        if not self.keys or self.keys[-1] == "":
            return 400, {"code": -1125, "msg": "This listenKey does not exist."}
        if method == "PUT":
            self.keeps.append(self.clock.monotonic_ns())
            return 200, {"listenKey": self.keys[-1]}
        self.keys.append("")
        return 200, {}

    def on_time(self, method, params):
        return 200, {"serverTime": self.now_ms}

    def on_exchangeinfo(self, method, params):
        base = COIN if self.coin else USD
        suffix = "USD_PERP" if self.coin else "USDT"
        rows = [
            {"symbol": asset + suffix, "baseAsset": asset, "pair": asset + suffix.partition("_")[0], **base}
            | ({"marginAsset": asset} if self.coin else {})
            for asset in ("BTC", "ETH")
        ]
        return 200, {"serverTime": 1, "rateLimits": [], "exchangeFilters": [], "symbols": rows}

    def on_account(self, method, params):
        asset = {
            "asset": self.asset,
            "walletBalance": str(self.wallet),
            "unrealizedProfit": "0",
            "initialMargin": "0",
            "crossWalletBalance": str(self.wallet),
            "availableBalance": str(self.wallet),
            "updateTime": self.now_ms,
        }
        return 200, {"assets": [asset], "positions": [], "canTrade": True}

    def on_accountconfig(self, method, params):
        return 200, {"canTrade": True, "dualSidePosition": self.hedge, "multiAssetsMargin": False}

    def on_positionrisk(self, method, params):
        rows = [
            {
                "symbol": symbol,
                "positionSide": side,
                "positionAmt": str(amount),
                "entryPrice": "1000",
                "markPrice": "1000",
                "unRealizedProfit": "0",
                "liquidationPrice": "0",
                "updateTime": self.now_ms,
            }
            for (symbol, side), amount in self.positions.items()
        ]
        return 200, rows

    def on_symbolconfig(self, method, params):
        return 200, [
            {"symbol": self.symbol, "marginType": "CROSSED", "leverage": 20, "maxNotionalValue": "1000000"}
        ]

    def on_openorders(self, method, params):
        return 200, [self.shown(o) for o in self.orders.values() if o["status"] in OPEN]

    def on_usertrades(self, method, params):
        rows = [t for t in self.trades if t["symbol"] == params["symbol"]]
        if "fromId" in params:
            rows = [t for t in rows if t["id"] >= int(params["fromId"])]
        if "startTime" in params:
            rows = [t for t in rows if int(params["startTime"]) <= t["time"] <= int(params["endTime"])]
        return 200, rows

    def on_allopenorders(self, method, params):
        for order in self.orders.values():
            if order["status"] in OPEN:
                self.close(order, "CANCELED", "CANCELED")
        return 200, {"code": 200, "msg": "The operation of cancel all open order is done."}

    def on_leverage(self, method, params):
        most = {"maxQty": "1000"} if self.coin else {"maxNotionalValue": "1000000"}
        return 200, {"symbol": params["symbol"], "leverage": int(params["leverage"]), **most}

    def on_leveragebracket(self, method, params):
        row = {"bracket": 1, "initialLeverage": 75, "maintMarginRatio": 0.0065, "cum": 0.0}
        size = {"qtyCap": 50, "qtylFloor": 0} if self.coin else {"notionalCap": 10000, "notionalFloor": 0}
        return 200, [{"symbol": self.symbol, "brackets": [row | size]}]

    def on_margintype(self, method, params):
        if self.margin.get(params["symbol"]) == params["marginType"]:
            return 400, {"code": -4046, "msg": "No need to change margin type."}
        self.margin[params["symbol"]] = params["marginType"]
        return 200, {"code": 200, "msg": "success"}

    def on_positionmargin(self, method, params):
        return 200, {"amount": float(params["amount"]), "code": 200, "msg": "ok", "type": int(params["type"])}

    def on_dual(self, method, params):
        if method == "GET":
            return 200, {"dualSidePosition": self.hedge}
        wanted = params["dualSidePosition"] == "true"
        if wanted is self.hedge:
            return 400, {"code": -4059, "msg": "No need to change position side."}
        self.hedge = wanted
        return 200, {"code": 200, "msg": "success"}

    def on_countdowncancelall(self, method, params):
        return 200, {"symbol": params["symbol"], "countdownTime": params["countdownTime"]}

    def on_income(self, method, params):
        start, end, limit = (int(params[name]) for name in ("startTime", "endTime", "limit"))
        rows = [row for row in self.ledger if start <= row["time"] <= end]
        first = (int(params.get("page", 1)) - 1) * limit
        return 200, rows[first : first + limit]

    # Orders.

    def batch(self, method, params):
        if method == "POST":
            return 200, [self.order("POST", row)[1] for row in json.loads(params["batchOrders"])]
        by_id = "orderIdList" in params
        names = json.loads(params["orderIdList" if by_id else "origClientOrderIdList"])
        field = "orderId" if by_id else "origClientOrderId"
        return 200, [self.order("DELETE", {field: str(name)})[1] for name in names]

    def order(self, method, params):
        if method == "POST":
            conditional = "STOP" in params["type"] or "TAKE" in params["type"]
            if conditional and (self.has_algo or not self.coin):
                return 400, {"code": -4120, "msg": "Order type not supported for this endpoint."}
            name = params["newClientOrderId"]
            if name in self.orders:
                return 400, {"code": -4116, "msg": "ClientOrderId is duplicated."}
            if params.get("reduceOnly") == "true" and not self.positions:
                return 400, {"code": -2022, "msg": "ReduceOnly Order is rejected."}
            return 200, self.open(params, name)
        order = self.orders.get(params.get("origClientOrderId")) or next(
            (o for o in self.orders.values() if str(o["orderId"]) == params.get("orderId")), None
        )
        if order is None:
            code = -2011 if method == "DELETE" else -2013
            return 400, {"code": code, "msg": "Unknown order sent."}
        if method == "GET":
            return 200, self.shown(order) | {"avgPrice": "0"}
        if order["status"] not in OPEN:
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        if method == "PUT":
            order |= {"price": params["price"], "origQty": params["quantity"], "updateTime": self.now_ms}
            self.report(order, "AMENDMENT")
            return 200, self.shown(order)
        return 200, self.close(order, "CANCELED", "CANCELED")

    def open(self, params, name):
        self.next_id += 1
        order = {
            "symbol": params["symbol"],
            "orderId": self.next_id,
            "clientOrderId": name,
            "price": params.get("price", "0"),
            "origQty": params.get("quantity", "0"),
            "executedQty": "0",
            "status": "NEW",
            "timeInForce": params.get("timeInForce", "GTC"),
            "type": params["type"],
            "origType": params["type"],
            "side": params["side"],
            "positionSide": params.get("positionSide", "BOTH"),
            "reduceOnly": params.get("reduceOnly") == "true",
            "closePosition": False,
            "stopPrice": params.get("stopPrice", "0"),
            "workingType": "CONTRACT_PRICE",
            "selfTradePreventionMode": "NONE",
            "time": self.now_ms,
            "updateTime": self.now_ms,
        }
        self.orders[name] = order
        self.report(order, "NEW")
        return self.shown(order)

    def shown(self, order):
        return dict(order)

    def close(self, order, status, execution):
        order |= {"status": status, "updateTime": self.now_ms}
        self.report(order, execution)
        return self.shown(order)

    def fill(self, name, quantity, price=None, *, early=True):
        """Fill a part of an order; tells it early, of the account, and over the order, as the venue does."""
        order = self.orders[name]
        price = price or order["price"]
        done = D(order["executedQty"]) + D(quantity)
        full = done >= D(order["origQty"])
        order |= {"executedQty": str(done), "status": "FILLED" if full else "PARTIALLY_FILLED"}
        order["updateTime"] = self.now_ms
        self.next_trade += 1
        buy = order["side"] == "BUY"
        trade = {
            "symbol": order["symbol"],
            "id": self.next_trade,
            "orderId": order["orderId"],
            "side": order["side"],
            "price": price,
            "qty": quantity,
            "realizedPnl": "0",
            "commission": "0.1",
            "commissionAsset": self.asset,
            "time": self.now_ms,
            "positionSide": order["positionSide"],
            "buyer": buy,
            "maker": True,
        }
        self.trades.append(trade)
        key = (order["symbol"], order["positionSide"])
        amount = self.positions.get(key, D(0)) + (D(quantity) if buy else -D(quantity))
        self.positions[key] = amount
        if not amount:
            del self.positions[key]
        self.wallet -= D("0.1")
        if early and not self.coin:
            lite = {"s": order["symbol"], "q": order["origQty"], "p": order["price"], "m": True}
            lite |= {"c": order["clientOrderId"], "S": order["side"], "L": price, "l": quantity}
            self.tell({"e": "TRADE_LITE", **lite, "t": trade["id"], "i": order["orderId"]})
        self.account_update("ORDER", key)
        self.report(order, "TRADE", trade)
        return trade

    def account_update(self, reason, *keys):
        rows = [
            {
                "s": s,
                "ps": ps,
                "pa": str(self.positions.get((s, ps), 0)),
                "ep": "1000",
                "up": "0",
                "mt": "cross",
            }
            for s, ps in keys
        ]
        balance = {"a": self.asset, "wb": str(self.wallet), "cw": str(self.wallet), "bc": "0"}
        self.tell({"e": "ACCOUNT_UPDATE", "a": {"m": reason, "B": [balance], "P": rows}})

    def report(self, order, execution, trade=None):
        row = {
            "s": order["symbol"],
            "c": order["clientOrderId"],
            "S": order["side"],
            "o": order["type"],
            "ot": order["origType"],
            "f": order["timeInForce"],
            "q": order["origQty"],
            "p": order["price"],
            "ap": "0",
            "sp": order["stopPrice"],
            "x": execution,
            "X": order["status"],
            "i": order["orderId"],
            "l": trade["qty"] if trade else "0",
            "z": order["executedQty"],
            "L": trade["price"] if trade else "0",
            "T": self.now_ms,
            "t": trade["id"] if trade else 0,
            "m": bool(trade),
            "R": order["reduceOnly"],
            "ps": order["positionSide"],
            "rp": "0",
            "V": "NONE",
            "er": "0",
        }
        if trade:
            row |= {"N": trade["commissionAsset"], "n": trade["commission"]}
        self.tell({"e": "ORDER_TRADE_UPDATE", "o": row})

    # Conditional orders.

    def algo(self, method, path, params):
        if path == "/v1/openAlgoOrders":
            return 200, [a for a in self.algos.values() if a["algoStatus"] == "NEW"]
        if path == "/v1/algoOpenOrders":
            for algo in self.algos.values():
                if algo["algoStatus"] == "NEW":
                    self.algo_moves(algo, "CANCELED")
            return 200, {"code": 200, "msg": "The operation of cancel all open order is done."}
        if method == "POST":
            return 200, self.algo_open(params)
        algo = self.algos.get(params.get("clientAlgoId")) or next(
            (a for a in self.algos.values() if str(a["algoId"]) == params.get("algoId")), None
        )
        if algo is None:
            return 400, {"code": -2013, "msg": "Order does not exist."}
        if method == "GET":
            return 200, algo
        if algo["algoStatus"] != "NEW":
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        self.algo_moves(algo, "CANCELED")
        said = {"algoId": algo["algoId"], "clientAlgoId": algo["clientAlgoId"]}
        return 200, said | {"code": "200", "msg": "success"}

    def algo_open(self, params):
        self.next_id += 1
        algo = {
            "algoId": 2_000_000 + self.next_id,
            "clientAlgoId": params["clientAlgoId"],
            "algoType": "CONDITIONAL",
            "orderType": params["type"],
            "symbol": params["symbol"],
            "side": params["side"],
            "positionSide": params.get("positionSide", "BOTH"),
            "timeInForce": "GTC",
            "quantity": params.get("quantity", "0"),
            "algoStatus": "NEW",
            "triggerPrice": params.get("triggerPrice", ""),
            "price": params.get("price", "0"),
            "closePosition": params.get("closePosition") == "true",
            "reduceOnly": params.get("reduceOnly") == "true",
            "actualOrderId": "",
            "createTime": self.now_ms,
            "updateTime": self.now_ms,
            "triggerTime": 0,
        }
        self.algos[params["clientAlgoId"]] = algo
        self.algo_report(algo)
        return dict(algo)

    def algo_moves(self, algo, status):
        algo |= {"algoStatus": status, "updateTime": self.now_ms}
        self.algo_report(algo)

    def trigger(self, name):
        """Trigger a conditional order: a regular one with another id appears."""
        algo = self.algos[name]
        self.algo_moves(algo, "TRIGGERING")
        params = {"symbol": algo["symbol"], "side": algo["side"], "positionSide": algo["positionSide"]}
        params |= {"quantity": algo["quantity"], "type": "MARKET", "price": "0"}
        order = self.open(params, name)
        algo |= {"actualOrderId": str(order["orderId"]), "triggerTime": self.now_ms}
        self.algo_moves(algo, "TRIGGERED")
        return order

    def algo_report(self, algo):
        row = {
            "caid": algo["clientAlgoId"],
            "aid": algo["algoId"],
            "at": "CONDITIONAL",
            "o": algo["orderType"],
            "s": algo["symbol"],
            "S": algo["side"],
            "ps": algo["positionSide"],
            "f": "GTC",
            "q": algo["quantity"],
            "X": algo["algoStatus"],
            "ai": algo["actualOrderId"],
            "ap": "0",
            "aq": "0",
            "tp": algo["triggerPrice"],
            "p": algo["price"],
            "cp": algo["closePosition"],
            "R": algo["reduceOnly"],
            "tt": algo["triggerTime"],
        }
        self.tell({"e": "ALGO_UPDATE", "o": row})


async def order_of(stage, **changes):
    """Return an order in the instrument of a stage."""
    catalogue = await stage.client.instruments()
    fields = {
        "instrument": catalogue.by_symbol(stage.venue.symbol),
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": D(2),
        "price": D("1000.0"),
        **changes,
    }
    return OrderRequest(**fields)


async def placed(stage, **changes):
    """Place an order, and return what was accepted."""
    outcome = await stage.client.place_order(await order_of(stage, **changes))
    assert isinstance(outcome, Accepted), outcome
    await stage.idle()
    return outcome
