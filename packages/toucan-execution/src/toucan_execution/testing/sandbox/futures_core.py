"""What all of the futures' endpoints share: the market, what is noted of orders, how an order is named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from toucan_execution.mock import Engine, Refused
from toucan_execution.orders import CancelRequest, Order, OrderStatus
from toucan_execution.testing.sandbox.endpoint import Ask, Cost
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.futures_errors import engine_errors, refuse, refused
from toucan_execution.testing.sandbox.futures_notes import Notes
from toucan_execution.testing.sandbox.futures_rows import is_regular
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_execution.testing.sandbox.params import Params
from toucan_instrument import Exchange, Instrument

__all__ = ["DONE", "FuturesCore", "weight_of"]

DONE: dict[str, Any] = {"code": 200, "msg": "The operation of cancel all open order is done."}
"""The answer to a cancel of all orders (facts D.2.7)."""

DAY_NS = 86_400 * 1_000_000_000
UNFILLED_KEPT_NS, KEPT_NS = 3 * DAY_NS, 90 * DAY_NS
"""How long the venue finds orders: those that ended without a fill, and all others (facts D.2.5)."""
_ENDED = (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH)
_ALIAS = 16


def weight_of(one: int, everything: int, *names: str) -> Cost:
    """Return the cost of a request that is about one symbol or pair, and of one that is about all."""
    wanted = names or ("symbol",)
    return lambda params: one if any(name in params for name in wanted) else everything


class FuturesCore:
    """One futures market as its endpoints see it.

    Args:
        market: The market.

    Attributes:
        coin: Whether it is COIN-M.
        prefix: What its paths begin with.
        notes: What is noted of orders.
    """

    def __init__(self, market: SandboxMarket) -> None:
        self.market = market
        self.coin: bool = market.exchange is Exchange.BINANCE_COIN_M
        self.prefix: str = "/dapi" if self.coin else "/fapi"
        self.notes: Notes = Notes(market.engine.settings.keep)

    @property
    def engine(self) -> Engine:
        """The market's engine."""
        return self.market.engine

    @staticmethod
    def alias_of(account: str) -> str:
        """Return what the venue calls an account in answers and events: letters that mean nothing."""
        digest = hashlib.sha256(account.encode()).digest()
        return "".join(chr(ord("A") + byte % 26) for byte in digest[:_ALIAS])

    def new_client_id(self) -> str:
        """Return an id for an order that came without one."""
        return f"sandbox_{self.notes.new_number():014d}"

    # What a request is about.

    def instrument(self, params: Params) -> Instrument:
        """Return the instrument that a request names.

        Raises:
            ApiError: It is not traded here.
        """
        return self.market.instrument(params.text("symbol"))

    def chosen(self, params: Params) -> list[Instrument]:
        """Return the instruments that a request is about: a symbol, a pair (COIN-M), or all.

        Raises:
            ApiError: It names both, or one that is not traded here.
        """
        if "symbol" in params:
            if "pair" in params:
                raise refuse(-1128)
            return [self.instrument(params)]
        if "pair" not in params:
            return list(self.market.instruments.values())
        found = self.market.of_pair(params.text("pair"))
        if not found:
            raise ApiError(-4087, "Invalid pair")
        return found

    def find(self, ask: Ask, params: Params) -> Order | None:
        """Return the regular order that a request names, None where there is none; its number wins.

        Raises:
            ApiError: It names none.
        """
        number, name = params.integer("orderId"), params.text("origClientOrderId")
        if number is None and not name:
            raise refuse(-1102, "origClientOrderId", "orderId")
        return self.regular(ask.account, self.instrument(params), number, name)

    def regular(self, account: str, instrument: Instrument, number: int | None, name: str) -> Order | None:
        """Return a regular order by its number or else by its own id, None where there is none."""
        found = self.engine.order(
            account,
            instrument,
            client_order_id="" if number is not None else name,
            order_id="" if number is None else str(number),
            conditional=False if number is not None else None,
        )
        return found if found is not None and is_regular(found) else None

    def find_algo(self, ask: Ask) -> Order | None:
        """Return the conditional order that a request names, which needs no symbol for it (facts D.2.4).

        Raises:
            ApiError: It names none.
        """
        number, name = ask.params.integer("algoId"), ask.params.text("clientAlgoId")
        if number is None and not name:
            raise refuse(-1102, "algoId", "clientAlgoId")
        for instrument in self.chosen(ask.params):
            found = self.engine.order(
                ask.account,
                instrument,
                client_order_id="" if number is not None else name,
                order_id="" if number is None else str(number),
                conditional=True,
            )
            if found is not None and found.algo_id:
                return found
        return None

    def open_regular(self, account: str, instruments: Iterable[Instrument]) -> list[Order]:
        """Return the open regular orders of instruments, in the order in which they were placed."""
        wanted = set(instruments)
        found = self.engine.open_orders(account)
        return [each for each in found if each.instrument in wanted and is_regular(each)]

    def open_algo(self, account: str, instruments: Iterable[Instrument]) -> list[Order]:
        """Return the conditional orders that wait for their trigger."""
        wanted = set(instruments)
        found = self.engine.open_orders(account)
        return [each for each in found if each.instrument in wanted and each.algo_id and not each.triggered]

    @staticmethod
    def is_kept(order: Order, now_ns: int) -> bool:
        """Tell whether the venue would still find an order."""
        age = now_ns - (order.created_ns or 0)
        unfilled = order.status in _ENDED and not order.filled_quantity
        return order.is_open or age <= (UNFILLED_KEPT_NS if unfilled else KEPT_NS)

    # Doing.

    def refusal(self, why: Refused, *, amending: bool = False) -> ApiError:
        """Return the error that a refusal of the engine is."""
        return refused(why, coin=self.coin, amending=amending)

    def cancel(self, account: str, order: Order, now_ns: int) -> Order:
        """Cancel an order that is open, by the number of its kind.

        Raises:
            ApiError: It is not.
        """
        waiting = bool(order.algo_id) and not order.triggered
        request = CancelRequest(
            instrument=order.instrument,
            order_id=order.algo_id if waiting else order.order_id,
            conditional=waiting,
        )
        with engine_errors():
            result = self.engine.cancel(account, request, now_ns)
        if isinstance(result, Refused) or result.order is None:
            raise refuse(-2011)
        return result.order
