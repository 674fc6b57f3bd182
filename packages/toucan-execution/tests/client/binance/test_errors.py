from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import pytest

from toucan_execution.call import Call
from toucan_execution.client.binance._codes import BY_TEXT, CODES, FUTURES_CODES, SPOT_CODES, TEXT_CODES
from toucan_execution.client.binance.errors import (
    PartlyReplaced,
    element_error,
    error_of,
    limits_of,
    meaning_of,
    order_counts,
    unanswered,
    verdict,
)
from toucan_execution.errors import (
    AuthenticationError,
    EndpointGone,
    ExecutionError,
    FilterViolated,
    InsufficientBalance,
    OrderRejected,
    ParameterRefused,
    TimestampRefused,
    UnknownOrder,
    VenueUnavailable,
)
from toucan_execution.outcome import ERRORS, Reason
from toucan_execution.venue import VerdictKind
from toucan_instrument import AddressBanned, Exchange, RateLimited, Request, Response, VenueError

SPOT, USD_M, COIN_M = Exchange.BINANCE_SPOT, Exchange.BINANCE_USD_M, Exchange.BINANCE_COIN_M
REJECTED, UNKNOWN, DONE = VerdictKind.REJECTED, VerdictKind.UNKNOWN, VerdictKind.DONE
FACTS = Path(os.environ.get("TOUCAN_CAPTURES", "/nowhere"), "facts", "binance.md")

PLACE = Call(
    name="place order", method="POST", path="/api/v3/order", decode=lambda *_: None, changes=True, slots=1
)
READ = Call(name="order", method="GET", path="/api/v3/order", decode=lambda *_: None)


def answer(exchange, status, body, call=PLACE, **headers):
    request = Request(call.method, f"https://venue.example{call.path}?signature=SECRET")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(exchange, call, request, Response(status, named, body))


def mapped(exchange, code):
    own = SPOT_CODES if exchange is SPOT else FUTURES_CODES
    return code in own or code in CODES


# Every code that the facts of 2026-11 name (C.9), by the markets that they name it for.
COMMON = {
    *(-1000, -1001, -1002, -1003, -1006, -1007, -1008, -1010, -1011, -1013, -1014, -1015, -1016, -1020),
    *(-1021, -1022, -1034, -1099, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1109, -1111),
    *(-1112, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1127, -1128, -1130),
    *(-1134, -1135, -1136, -1145, -1151, -1158, -1160, -1165, -1166, -1167, -1168, -1194, -1196, -1197),
    *(-1198, -1199, -1210, -1211, -1220, -1222, -1223, -1224, -1225, -2010, -2011, -2012, -2013, -2014),
    *(-2015, -2016, -2026),
}
ON_SPOT = {-2021, -2022, -2035, -2036, -2038, -2039, -2042, -2043}
ON_FUTURES = {
    *range(-2028, -2016),
    *range(-4014, -3999),
    *(-4015, -4016, -4021, -4023, -4024, -4028, -4031, -4032, -4045, -4046, -4047, -4048),
    *range(-4055, -4048),
    *(-4059, -4060, -4061, -4062, -4067, -4068, -4082, -4083, -4084, -4087, -4088, -4089, -4090, -4104),
    *(-4105, -4106, -4107, -4109, -4110, -4111, -4112, -4113, -4114, -4115, -4116, -4117, -4118, -4120),
    *(-4131, -4135, -4137, -4138, -4139, -4140, -4141, -4142, -4144, -4150, -4151, -4152, -4154, -4155),
    *(-4161, -4164, -4165, -4166, -4167, -4168, -4169, -4170, -4171, -4172, -4178, -4183, -4184, -4188),
    *(-4189, -4192, -4194, -4195, -4196, -4197, -4198, -4199),
    *range(-4209, -4199),
    *(-4210, -4211, -4220, -4400, -4401, -4402, -4403, -4531, -5021, -5022, -5024, -5025, -5026, -5027),
    *(-5028, -5029, -5037, -5038, -5039, -5040, -5041, -5043, -5047),
}


@pytest.mark.parametrize("exchange", [SPOT, USD_M, COIN_M])
def test_every_code_of_the_facts_is_mapped(exchange):
    named = COMMON | (ON_SPOT if exchange is SPOT else ON_FUTURES)
    assert {code for code in named if not mapped(exchange, code)} == set()


def codes_in(cell):
    """Read a cell of the facts' tables: single codes, ``-4006/7``, and spans with three dots."""
    for first, last in re.findall(r"(-\d{4})(?:…(-\d{4}))?", cell):
        yield from range(int(first), int(last or first) - 1, -1)


def test_every_code_of_the_facts_file_is_mapped():
    if not FACTS.exists():
        pytest.skip("TOUCAN_CAPTURES is not set")
    text = FACTS.read_text().partition("## C.9 Error codes")[2].partition("\n# D. ")[0]
    common, _, rest = text.partition("### C.9.2")
    spot, _, futures = rest.partition("### C.9.3")
    found = 0
    for part, markets in ((common, (SPOT, USD_M)), (spot, (SPOT,)), (futures, (USD_M, COIN_M))):
        for line in part.splitlines():
            cells = line.split("|")
            for code in codes_in(cells[1]) if len(cells) > 2 else ():
                found += 1
                for exchange in markets:
                    assert mapped(exchange, code), f"{code} on {exchange.value}"
    assert found > 200


def test_reasons_that_the_table_gives_have_an_error_each():
    for table in (CODES, SPOT_CODES, FUTURES_CODES):
        assert {meaning.reason for meaning in table.values()} <= set(ERRORS)
    assert all(issubclass(ERRORS[each], VenueError) for each in ERRORS)


@pytest.mark.parametrize(
    ("exchange", "status", "code", "text", "kind", "reason", "retryable"),
    [
        # The same number, another meaning.
        (SPOT, 400, -2021, "Order cancel-replace partially failed.", REJECTED, Reason.OTHER, False),
        (USD_M, 400, -2021, "Order would immediately trigger.", REJECTED, Reason.WOULD_TRIGGER, False),
        (SPOT, 400, -2022, "Order cancel-replace failed.", REJECTED, Reason.OTHER, False),
        (USD_M, 400, -2022, "ReduceOnly Order is rejected.", REJECTED, Reason.REDUCE_ONLY, False),
        (SPOT, 400, -2026, "Order was canceled or expired", REJECTED, Reason.UNKNOWN_ORDER, False),
        (COIN_M, 400, -2026, "This OrderType is not supported", REJECTED, Reason.REDUCE_ONLY, False),
        (USD_M, 400, -4087, "User can only place reduce only order", REJECTED, Reason.MARKET_CLOSED, False),
        (COIN_M, 400, -4087, "Invalid pair.", REJECTED, Reason.PARAMETER, False),
        (COIN_M, 400, -4087, "User can only place reduce only order", REJECTED, Reason.MARKET_CLOSED, False),
        (COIN_M, 400, -4088, "Invalid time interval.", REJECTED, Reason.PARAMETER, False),
        # Nobody knows.
        (SPOT, 400, -1000, "An unknown error occurred", UNKNOWN, Reason.OTHER, False),
        (SPOT, 200, -1006, "", UNKNOWN, Reason.OTHER, False),
        (USD_M, 400, -1007, "Timeout waiting for response", UNKNOWN, Reason.OTHER, False),
        (USD_M, 408, None, "", UNKNOWN, Reason.OTHER, False),
        (SPOT, 500, None, "", UNKNOWN, Reason.UNAVAILABLE, False),
        (SPOT, 503, None, "Service Unavailable.", UNKNOWN, Reason.UNAVAILABLE, False),
        (SPOT, 503, -1008, "Server is currently overloaded", UNKNOWN, Reason.UNAVAILABLE, False),
        (SPOT, 502, -2010, "Duplicate order sent.", UNKNOWN, Reason.UNAVAILABLE, False),
        (SPOT, 400, -1001, "Internal error", UNKNOWN, Reason.UNAVAILABLE, False),
        (
            USD_M,
            503,
            None,
            "Unknown error, please check your request or try again later.",
            UNKNOWN,
            Reason.UNAVAILABLE,
            False,
        ),
        (USD_M, 500, None, "Request occur unknown error.", UNKNOWN, Reason.UNAVAILABLE, False),
        (USD_M, 502, None, "Service Unavailable.", UNKNOWN, Reason.UNAVAILABLE, False),
        (USD_M, 504, -1008, "", UNKNOWN, Reason.UNAVAILABLE, False),
        (USD_M, 302, None, "", UNKNOWN, Reason.OTHER, False),
        (USD_M, 0, None, "the connection was lost", UNKNOWN, Reason.OTHER, False),
        # Failed for certain, and may pass later.
        (USD_M, 503, None, "Service Unavailable.", REJECTED, Reason.UNAVAILABLE, True),
        (
            USD_M,
            503,
            -1001,
            "Internal error; unable to process your request. Please try again.",
            REJECTED,
            Reason.UNAVAILABLE,
            True,
        ),
        (
            COIN_M,
            503,
            -1008,
            "Request throttled by system-level protection.",
            REJECTED,
            Reason.UNAVAILABLE,
            True,
        ),
        (USD_M, 400, -1001, "Internal error", REJECTED, Reason.UNAVAILABLE, True),
        (SPOT, 400, -1008, "Server is currently overloaded", REJECTED, Reason.UNAVAILABLE, True),
        (SPOT, 400, -1021, "Timestamp for this request was 1000ms ahead", REJECTED, Reason.TIMESTAMP, True),
        (USD_M, 400, -5028, "", REJECTED, Reason.TIMESTAMP, True),
        (SPOT, 429, -1015, "Too many new orders", REJECTED, Reason.RATE_LIMITED, True),
        (SPOT, 429, -1003, "Too much request weight used", REJECTED, Reason.RATE_LIMITED, True),
        (SPOT, 418, -1003, "IP banned until 1659146400000", REJECTED, Reason.BANNED, True),
        # Nothing was to be changed.
        (USD_M, 400, -4046, "No need to change margin type.", DONE, Reason.OTHER, False),
        (USD_M, 400, -4059, "No need to change position side.", DONE, Reason.OTHER, False),
        (USD_M, 400, -4171, "", DONE, Reason.OTHER, False),
        (USD_M, 400, -5027, "No need to modify the order.", DONE, Reason.AMEND_REFUSED, False),
        (COIN_M, 400, -4197, "No need to modify the order.", DONE, Reason.AMEND_REFUSED, False),
        (SPOT, 400, -2035, "", DONE, Reason.OTHER, False),
        # Statuses that say it all.
        (SPOT, 401, None, "", REJECTED, Reason.AUTHENTICATION, False),
        (SPOT, 403, None, "<html>", REJECTED, Reason.AUTHENTICATION, False),
        (SPOT, 451, None, "", REJECTED, Reason.AUTHENTICATION, False),
        (SPOT, 404, None, "", REJECTED, Reason.OTHER, False),
        (SPOT, 410, None, "", REJECTED, Reason.ENDPOINT_GONE, False),
        (SPOT, 400, -9999, "something new", REJECTED, Reason.OTHER, False),
        (
            USD_M,
            401,
            -2015,
            "Invalid API-key, IP, or permissions for action",
            REJECTED,
            Reason.AUTHENTICATION,
            False,
        ),
        (USD_M, 400, -4116, "ClientOrderId is duplicated.", REJECTED, Reason.DUPLICATE_ID, False),
        (
            USD_M,
            400,
            -5022,
            "Due to the order could not be executed as maker",
            REJECTED,
            Reason.WOULD_TAKE,
            False,
        ),
        (USD_M, 400, -4061, "Order's position side does not match", REJECTED, Reason.POSITION_SIDE, False),
        (USD_M, 400, -2019, "Margin is insufficient.", REJECTED, Reason.INSUFFICIENT_BALANCE, False),
        (USD_M, 400, -4164, "Order's notional must be no smaller than 5", REJECTED, Reason.FILTER, False),
        (USD_M, 400, -4131, "", REJECTED, Reason.FILTER, True),
        (USD_M, 400, -2013, "Order does not exist.", REJECTED, Reason.UNKNOWN_ORDER, True),
    ],
)
def test_what_errors_mean(exchange, status, code, text, kind, reason, retryable):
    meaning = meaning_of(exchange, status, code, text)
    assert (meaning.kind, meaning.reason, meaning.retryable) == (kind, reason, retryable)
    error = VenueError(method="POST", url="u", status=status, code=code, venue_message=text)
    found = verdict(exchange, error)
    assert (found.kind, found.reason, found.retryable) == (kind, reason, retryable)


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [  # Facts C.9.2
        (-2011, "Unknown order sent.", Reason.UNKNOWN_ORDER),
        (-2010, "Duplicate order sent.", Reason.DUPLICATE_ID),
        (-2010, "Market is closed.", Reason.MARKET_CLOSED),
        (-2010, "Account has insufficient balance for requested action.", Reason.INSUFFICIENT_BALANCE),
        (-2010, "Order would immediately match and take.", Reason.WOULD_TAKE),
        (-2010, "Order would trigger immediately.", Reason.WOULD_TRIGGER),
        (-2010, "Price * QTY is zero or less.", Reason.PARAMETER),
        (-2010, "IcebergQty exceeds QTY.", Reason.PARAMETER),
        (-2010, "Unsupported order combination", Reason.PARAMETER),
        (-2010, "Trailing stop orders are not supported for this symbol.", Reason.PARAMETER),
        (-2010, "This action is disabled on this account.", Reason.MARKET_CLOSED),
        (-2010, "This account may not place or cancel orders.", Reason.MARKET_CLOSED),
        (-2010, "This symbol is not permitted for this account.", Reason.MARKET_CLOSED),
        (-2010, "This symbol is restricted for this account.", Reason.MARKET_CLOSED),
        (-2011, "Order was not canceled due to cancel restrictions.", Reason.OTHER),
        (-2010, "Rest API trading is not enabled.", Reason.MARKET_CLOSED),
        (-2010, "WebSocket API trading is not enabled.", Reason.MARKET_CLOSED),
        (-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.", Reason.OTHER),
        (-2010, "The relationship of the prices for the orders is not correct.", Reason.PARAMETER),
        (-2038, "Order amend (quantity increase) is not supported.", Reason.AMEND_REFUSED),
        (-2038, "The requested action would change no state; rejecting", Reason.AMEND_REFUSED),
        (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS", Reason.AMEND_REFUSED),
        (-2010, "Pegged orders are not allowed.", Reason.PARAMETER),
        (-2010, "This price peg cannot be used with this order type.", Reason.PARAMETER),
        (-1013, "Filter failure: LOT_SIZE", Reason.FILTER),
        (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", Reason.FILTER),
        (-1013, "Filter failure: MAX_NUM_ORDERS", Reason.TOO_MANY_ORDERS),
        (-1013, "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS", Reason.TOO_MANY_ORDERS),
        (-2010, "Filter failure: NOTIONAL", Reason.FILTER),
        (-1010, "UNKNOWN ORDER SENT.", Reason.UNKNOWN_ORDER),
        (-2010, "Something that nobody has seen.", Reason.OTHER),
        (-2011, "", Reason.UNKNOWN_ORDER),
    ],
)
def test_texts_say_more_than_their_code(code, text, reason):
    assert code in TEXT_CODES
    assert meaning_of(SPOT, 400, code, text).reason is reason


def test_numbers_that_coin_m_uses_otherwise_are_in_the_table():
    assert set(BY_TEXT) <= set(FUTURES_CODES)


@pytest.mark.parametrize(
    ("exchange", "status", "body", "kind"),
    [
        (
            SPOT,
            400,
            b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
            InsufficientBalance,
        ),
        (SPOT, 400, b'{"code":-1013,"msg":"Filter failure: LOT_SIZE"}', FilterViolated),
        (SPOT, 400, b'{"code":-1121,"msg":"Invalid symbol."}', ParameterRefused),
        (SPOT, 400, b'{"code":-1022,"msg":"Signature for this request is not valid."}', AuthenticationError),
        (SPOT, 400, b'{"code":-1021,"msg":"Timestamp"}', TimestampRefused),
        (SPOT, 429, b'{"code":-1003,"msg":"Too much"}', RateLimited),
        (SPOT, 418, b'{"code":-1003,"msg":"banned"}', AddressBanned),
        (USD_M, 503, b'{"msg":"Service Unavailable."}', VenueUnavailable),
        (USD_M, 400, b'{"code":-2013,"msg":"Order does not exist."}', UnknownOrder),
        (USD_M, 400, b'{"code":-9999,"msg":"new"}', OrderRejected),
        # Where nothing is certain, no class says that nothing was done.
        (SPOT, 504, b"<html>gateway</html>", VenueError),
        (USD_M, 400, b'{"code":-1007,"msg":"Timeout"}', VenueError),
        (USD_M, 408, b"", VenueError),
    ],
)
def test_each_error_has_its_class(exchange, status, body, kind):
    error = answer(exchange, status, body)
    assert type(error) is kind
    assert error.status == status


def test_a_read_is_no_rejected_order():
    error = answer(SPOT, 404, b"not found", READ)
    assert type(error) is VenueError
    assert error.venue_message == "not found"


def test_an_error_keeps_code_words_status_and_limits():
    error = answer(
        SPOT,
        429,
        b'{"code":-1015,"msg":"Too many new orders."}',
        retry_after="3",
        x_mbx_order_count_10s="100",
        x_mbx_used_weight_1m="77",
        content_type="x",
    )
    assert (error.code, error.venue_message, error.status) == (-1015, "Too many new orders.", 429)
    assert error.retry_after_ns == 3_000_000_000
    assert error.limits == {"retry-after": "3", "x-mbx-order-count-10s": "100", "x-mbx-used-weight-1m": "77"}
    assert "SECRET" not in f"{error!r} {error}"


def test_a_ban_over_the_websocket_api_says_until_when():
    body = (
        b'{"code":-1003,"msg":"Way too much; IP banned until 1659146400000.",'
        b'"data":{"serverTime":1659142907531,"retryAfter":1659146400000}}'
    )
    error = answer(SPOT, 418, body)
    assert type(error) is AddressBanned
    assert error.retry_after_ns == (1659146400000 - 1659142907531) * 1_000_000


def test_a_withdrawn_endpoint_says_what_to_use():
    key = Call(name="create listen key", method="POST", path="/api/v3/userDataStream", decode=lambda *_: None)
    error = answer(SPOT, 410, b'{"msg":"Gone"}', key)
    assert type(error) is EndpointGone
    assert isinstance(error, ExecutionError)
    assert "WebSocket API" in str(error)
    assert "signature" in str(error)
    assert "withdrawn" in str(answer(SPOT, 410, b"", READ))


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":200,"msg":"The operation of cancel all open order is done."}',
        b'{"code":"200","msg":"success","algoId":1}',
        b"{}",
        b'{"orderId":1}',
        b'[{"code":-2022,"msg":"ReduceOnly Order is rejected."}]',
        b"",
    ],
)
def test_a_good_answer_is_no_error(body):
    assert answer(USD_M, 200, body) is None


def test_a_200_that_holds_an_error_is_one():
    error = answer(USD_M, 200, b'{"code":-2011,"msg":"Unknown order sent."}')
    assert type(error) is UnknownOrder
    assert error.status == 200
    assert answer(USD_M, 200, b'{"code":"-2011","msg":"Unknown order sent."}').code == -2011


def test_elements_of_a_batch():
    error = element_error(USD_M, PLACE, b'{"code":-2022,"msg":"ReduceOnly Order is rejected."}')
    assert (type(error), error.code, error.status) == (ERRORS[Reason.REDUCE_ONLY], -2022, 200)
    assert element_error(USD_M, PLACE, b'{"orderId":1,"code":200}') is None
    assert type(element_error(USD_M, PLACE, b'{"code":-1007,"msg":""}')) is VenueError


def test_a_request_among_several_without_an_answer_is_unknown():
    error = unanswered(PLACE, "the connection was lost")
    assert verdict(USD_M, error).kind is UNKNOWN
    assert "the connection was lost" in str(error)


def test_a_cancel_replace_that_failed_keeps_what_was_said_of_the_halves():
    body = (
        b'{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS",'
        b'"newOrderResult":"FAILURE","cancelResponse":{},"newOrderResponse":{"code":-2010,"msg":"x"}}}'
    )
    error = answer(SPOT, 409, body, x_mbx_used_weight_1m="9")
    assert type(error) is PartlyReplaced
    assert error.data.startswith(b'{"cancelResult":"SUCCESS"')
    assert (error.status, error.code) == (409, -2021)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (again.data, str(again), again.limits) == (error.data, str(error), {"x-mbx-used-weight-1m": "9"})


def test_headers_of_limits():
    headers = {
        "x-mbx-order-count-10s": "7",
        "x-mbx-order-count-1d": "42",
        "x-mbx-order-count-1m": "x",
        "x-mbx-used-weight": "3",
        "date": "today",
    }
    assert order_counts(headers) == ((10 * 10**9, 7), (86_400 * 10**9, 42))
    assert set(limits_of(headers)) == set(headers) - {"date"}
