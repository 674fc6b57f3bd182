"""The futures' errors: codes and texts of facts C.9, and which of them a refusal of the engine is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toucan_execution.mock import Refused
from toucan_execution.outcome import Reason
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_instrument import InstrumentStatus, Violation
from toucan_instrument.decimals import plain
from toucan_instrument.errors import InvalidInput

__all__ = ["TEXTS", "engine_errors", "refuse", "refused"]

TEXTS: dict[int, str] = {
    -1102: "Param '{}' or '{}' must be sent, but both were empty/null!",
    -1106: "Parameter '{}' sent when not required.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1122: "Invalid symbol status.",
    -1127: "More than {} hours between startTime and endTime.",
    -1128: "Combination of optional parameters invalid.",
    -1130: "Data sent for parameter '{}' is not valid.",
    -1136: "Invalid newOrderRespType.",
    -2010: "NEW_ORDER_REJECTED",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4006: "Stop price less than zero.",
    -4007: "Stop price greater than max price.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id length should not be more than 36 chars",
    -4016: "Limit price can't be higher than {}.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price can't be lower than {}.",
    -4028: "Leverage {} is not valid",
    -4031: "Invalid parameter working type",
    -4032: "Exceed maximum cancel order size.",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4049: "Add margin only support for isolated position.",
    -4050: "Cross balance insufficient.",
    -4051: "Isolated balance insufficient.",
    -4054: "Cannot add position margin: position is 0.",
    -4055: "Amount must be positive.",
    -4059: "No need to change position side.",
    -4060: "Invalid position side.",
    -4061: "Order's position side does not match user's setting.",
    -4062: "Invalid or improper reduceOnly value.",
    -4067: "Position side cannot be changed if there exists open orders.",
    -4068: "Position side cannot be changed if there exists position.",
    -4082: "Invalid number of batch place orders.",
    -4088: "User can not place order currently",
    -4090: "User can not place order currently",
    -4116: "ClientOrderId is duplicated.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4135: "Invalid activation price",
    -4137: "Quantity must be zero with closePosition equals true",
    -4140: "Invalid symbol status for opening position.",
    -4141: "Symbol is closed.",
    -4150: "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    -4164: "Order's notional must be no smaller than {} (unless you choose reduce only)",
    -4166: "Search window is restricted to recent {} days only.",
    -4167: "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode.",
    -4169: "Unable to adjust Multi-Assets Mode with insufficient margin balance in USDⓈ-M Futures.",
    -4170: "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures.",
    -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.",
    -4178: "Order's notional must be no smaller than {} (unless you choose reduce only)",
    -4196: "Only limit order is supported.",
    -4197: "No need to modify the order.",
    -4198: "Exceed maximum modify order limit.",
    -4199: "Symbol is not in trading status. Order amendment is not permitted.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history",
    -5024: "Symbol is not in trading status. Order amendment is not permitted.",
    -5025: "Only limit order is supported.",
    -5026: "Exceed maximum modify order limit.",
    -5027: "No need to modify the order.",
    -5029: "Order's notional must be no smaller than {}",
    -5037: "Invalid price match",
    -5038: "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT",
    -5039: "Invalid self trade prevention mode",
    -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds "
    "and smaller than 253402300799000",
    -5041: "No depth matches this BBO order",
}
"""The texts of the futures' codes, with places for what they name."""

_RULES = {
    "tick_size": -4014,
    "min_price": -4013,
    "max_price": -4002,
    "step_size": -4023,
    "market_step_size": -4023,
    "min_quantity": -4004,
    "market_min_quantity": -4004,
    "max_quantity": -4005,
    "market_max_quantity": -4005,
    "max_notional": -4005,
    "above_zero": -4003,
    "max_position": -2027,
    "max_orders": -2025,
    "max_algo_orders": -4045,
    "max_account_algo_orders": -4045,
}
"""Trading rules by the engine's names."""
_TRIGGER_RULES = {"tick_size": -4014, "min_price": -4006, "max_price": -4007}
_REASONS = {
    Reason.INSUFFICIENT_BALANCE: -2019,
    Reason.WOULD_TRIGGER: -2021,
    Reason.WOULD_TAKE: -5022,
    Reason.REDUCE_ONLY: -2022,
    Reason.DUPLICATE_ID: -4116,
    Reason.POSITION_SIDE: -4061,
    Reason.UNKNOWN_ORDER: -2011,
    Reason.ALREADY_CLOSED: -2011,
    Reason.TOO_MANY_ORDERS: -2025,
    Reason.PARAMETER: -5040,  # the one parameter that goes by the time
}
_FIELDS = {
    "client_order_id": "newClientOrderId",
    "time_in_force": "timeInForce",
    "position_side": "positionSide",
    "reduce_only": "reduceOnly",
    "close_position": "closePosition",
    "trigger_price": "triggerPrice",
    "activation_price": "activatePrice",
    "trailing_bips": "callbackRate",
    "self_trade_prevention": "selfTradePreventionMode",
    "price_match": "priceMatch",
    "good_till_ns": "goodTillDate",
}
_CLOSED = (InstrumentStatus.CLOSED.value, InstrumentStatus.SETTLING.value)


def refuse(code: int, *words: object) -> ApiError:
    """Return an error of the futures, with what its text names."""
    return ApiError(code, TEXTS[code].format(*words))


def refused(why: Refused, *, coin: bool, amending: bool = False) -> ApiError:
    """Return the error that a refusal of the engine is.

    Args:
        why: The refusal.
        coin: Whether it is COIN-M, which has numbers of its own for some.
        amending: Whether an order was to be changed.
    """
    if why.violations:
        return _of_rule(why.violations[0], coin=coin, amending=amending)
    if why.reason is Reason.MARKET_CLOSED:
        return _of_market(why.message, coin=coin, amending=amending)
    if why.reason is Reason.AMEND_REFUSED:
        often = "as often" in why.message
        if coin:
            return refuse(-4198 if often else -4196)
        return refuse(-5026 if often else -5025)
    if why.reason is Reason.OTHER:
        return refuse(-5021 if "FOK" in why.message else -5041)
    return refuse(_REASONS.get(why.reason, -2010))


def _of_rule(broken: Violation, *, coin: bool, amending: bool) -> ApiError:
    field, _, rule = broken.rule.rpartition(".")
    if field == "activation_price":
        return refuse(-4135)
    if field:
        return refuse(_TRIGGER_RULES.get(rule, -4006))
    if rule == "percent_price":
        return refuse(-4016 if broken.given > broken.limit else -4024, plain(broken.limit))
    if rule == "min_notional":
        code = -4178 if coin else -5029 if amending else -4164
        return refuse(code, plain(broken.limit))
    return refuse(_RULES.get(rule, -2010))


def _of_market(message: str, *, coin: bool, amending: bool) -> ApiError:
    """Tell an account that may not trade from an instrument that is not traded, by the engine's words."""
    if message.startswith("This account"):
        return refuse(-4090 if coin else -4088)
    if amending:
        return refuse(-4199 if coin else -5024)
    if coin:
        return refuse(-1122)
    return refuse(-4141 if message.endswith(_CLOSED) else -4140)


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn what the engine cannot make sense of into the venue's error."""
    try:
        yield
    except InvalidInput as error:
        raise refuse(-1130, _FIELDS.get(error.field, error.field)) from None
