"""OKX's lists: the instruments, and their 24 h volumes; facts 2 and 6.6.

There is one list for each sort of instrument, and one of options for each underlying: what is to be asked
for next is said by `more_instruments` and `more_volumes`.
"""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from toucan_instrument.decimals import EXACT, decimal_of
from toucan_instrument.errors import InvalidInput, PayloadError
from toucan_instrument.exchange import Exchange
from toucan_instrument.exchange.okx._rest import SECOND
from toucan_instrument.exchange.okx._symbols import parse_symbol
from toucan_instrument.instrument import Instrument, InstrumentKind, InstrumentStatus, QuantityUnit
from toucan_instrument.rest import Request
from toucan_instrument.rows import each_row
from toucan_instrument.rules import TradingRules
from toucan_instrument.symbol import OptionKind
from toucan_instrument.timestamps import from_ms

__all__ = [
    "decode_instruments",
    "decode_volumes",
    "instruments_request",
    "more_instruments",
    "more_volumes",
    "volumes_request",
]

INSTRUMENTS, TICKERS, UNDERLYINGS = (
    "/api/v5/public/instruments",
    "/api/v5/market/tickers",
    "/api/v5/public/underlying",
)


def _get(base_url: str, path: str, **query: str) -> Request:
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return Request("GET", f"{base_url}{path}?{text}", timeout_ns=30 * SECOND)


def instruments_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the first list, that of spot."""
    del exchange
    return _get(base_url, INSTRUMENTS, instType="SPOT")


def volumes_request(exchange: Exchange, base_url: str) -> Request:
    """Return the request for the 24 h statistics of spot."""
    del exchange
    return _get(base_url, TICKERS, instType="SPOT")


def _asked(request: Request) -> tuple[str, str, dict[str, list[str]]]:
    """Return base address, path and query of a request of ours."""
    parts = urlsplit(request.url)
    at = parts.path.find("/api/v5/")
    base = f"{parts.scheme}://{parts.netloc}{parts.path[:at]}"
    return base, parts.path[at:], parse_qs(parts.query)


def more_instruments(exchange: Exchange, request: Request, body: bytes) -> list[Request]:
    """Return what to ask for after an answer: after spot the other lists, at last each underlying's options.

    Raises:
        PayloadError: The list of underlyings cannot be read.
    """
    base, path, query = _asked(request)
    if path == INSTRUMENTS and query.get("instType") == ["SPOT"]:
        return [
            _get(base, INSTRUMENTS, instType="SWAP"),
            _get(base, INSTRUMENTS, instType="FUTURES"),
            _get(base, UNDERLYINGS, instType="OPTION"),
        ]
    if path != UNDERLYINGS:
        return []
    try:
        found = [name for group in _UNDERLYINGS.decode(body).data for name in group]
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"underlyings of {exchange.value}", raw=body, cause=str(error)) from error
    return [_get(base, INSTRUMENTS, instType="OPTION", uly=name) for name in dict.fromkeys(found)]


def more_volumes(exchange: Exchange, request: Request, body: bytes) -> list[Request]:
    """Return what to ask for after an answer: after spot the other sorts."""
    del exchange, body
    base, _, query = _asked(request)
    if query.get("instType") != ["SPOT"]:
        return []
    return [_get(base, TICKERS, instType=sort) for sort in ("SWAP", "FUTURES", "OPTION")]


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


class _Underlyings(msgspec.Struct):
    data: list[list[str]]


class _Row(msgspec.Struct, rename="camel"):
    inst_id: str
    inst_type: str
    uly: str = ""
    inst_family: str = ""
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_type: str = ""
    ct_val_ccy: str = ""
    exp_time: str = ""
    opt_type: str = ""
    stk: str = ""
    state: str = ""
    tick_sz: str = ""
    lot_sz: str = ""
    min_sz: str = ""
    max_lmt_sz: str = ""
    max_mkt_sz: str = ""
    max_lmt_amt: str = ""
    max_mkt_amt: str = ""


_LIST = msgspec.json.Decoder(_List)
_UNDERLYINGS = msgspec.json.Decoder(_Underlyings)
_ROW = msgspec.json.Decoder(_Row)

_KINDS = {
    "SPOT": InstrumentKind.SPOT,
    "MARGIN": InstrumentKind.SPOT,
    "SWAP": InstrumentKind.PERPETUAL,
    "FUTURES": InstrumentKind.FUTURE,  # an X-Perp too: it has both funding and an end
    "OPTION": InstrumentKind.OPTION,
}
_STATUS = {
    "live": InstrumentStatus.TRADING,
    "preopen": InstrumentStatus.PRE_TRADING,
    "post_only": InstrumentStatus.PRE_TRADING,
    "suspend": InstrumentStatus.HALTED,
    "rebase": InstrumentStatus.HALTED,
    "settling": InstrumentStatus.SETTLING,
    "expired": InstrumentStatus.CLOSED,
}


def decode_instruments(
    exchange: Exchange, body: bytes
) -> tuple[list[Instrument], tuple[tuple[str, str], ...]]:
    """Read one list: its instruments, and the rows that could not be read with the reason.

    Unknown states are kept; one bad row is skipped, and harms no other. The list of underlyings, which is
    asked for on the way, holds none.

    Raises:
        PayloadError: It is no such list.
    """
    try:
        rows = _LIST.decode(body).data
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"instruments of {exchange.value}", raw=body, cause=str(error)) from error
    listed = (("", raw) for raw in rows if not bytes(raw).startswith(b"["))  # those are underlyings
    return each_row(listed, lambda raw: _instrument(exchange, _ROW.decode(raw)), named=("instId",))


def _instrument(exchange: Exchange, row: _Row) -> Instrument:
    if not row.inst_id or row.inst_type not in _KINDS:
        raise InvalidInput(
            "a row without an id, or of a sort that is not known",
            field="instType",
            value=row.inst_type,
            accepted=", ".join(_KINDS),
        )
    kind = _KINDS[row.inst_type]
    derivative = kind is not InstrumentKind.SPOT
    guess = parse_symbol(exchange, row.inst_id)
    base, quote_asset = _assets(row, guess)
    inverse = row.ct_type == "inverse"
    return Instrument(
        exchange=exchange,
        symbol=row.inst_id,
        kind=kind,
        base=base,
        quote=quote_asset,
        settle=(row.settle_ccy or guess.settle) if derivative else "",
        # Spot and swaps have a time only when they are to be delisted.
        expiry_ns=_expiry(row, guess) if kind in _DATED else None,
        strike=_number(row.stk, "stk") if kind is InstrumentKind.OPTION else None,
        option={"C": OptionKind.CALL, "P": OptionKind.PUT}.get(row.opt_type, guess.option),
        contract_size=_contract_size(row) if derivative else Decimal(1),
        inverse=inverse,
        quantity_unit=QuantityUnit.CONTRACTS if derivative else QuantityUnit.BASE,
        status=_STATUS.get(row.state, InstrumentStatus.UNKNOWN),
        status_venue=row.state,
        rules=_rules(row, derivative=derivative),
    )


_DATED = (InstrumentKind.FUTURE, InstrumentKind.OPTION)


def _assets(row: _Row, guess: Instrument) -> tuple[str, str]:
    """Return base and quote; derivatives name none, but an index of that form (facts 2)."""
    if row.base_ccy and row.quote_ccy:
        return row.base_ccy, row.quote_ccy
    index = row.uly or row.inst_family.partition("_")[0]
    base, dash, quote_asset = index.rpartition("-")
    return (base, quote_asset) if dash and base and quote_asset else (guess.base, guess.quote)


def _expiry(row: _Row, guess: Instrument) -> int | None:
    return from_ms(int(row.exp_time)) if row.exp_time else guess.expiry_ns


def _contract_size(row: _Row) -> Decimal:
    """Return what one contract stands for: ``ctVal * ctMult``, of coins or (inverse) of USD."""
    size = EXACT.multiply(
        decimal_of(row.ct_val, field="ctVal"), decimal_of(row.ct_mult or "1", field="ctMult")
    )
    if size <= 0:
        raise InvalidInput("no contract is of that size", field="ctVal", value=row.ct_val)
    return size


def _number(text: str, field: str) -> Decimal | None:
    """Return a limit; zero, or nothing, means that there is none."""
    number = decimal_of(text, field=field) if text else Decimal(0)
    if number < 0:
        raise InvalidInput("a limit is not below zero", field=field, value=text)
    return number or None


def _rules(row: _Row, *, derivative: bool) -> TradingRules:
    """Return the trading rules of a row.

    What limits the worth of an order counts dollars, whatever the quote asset is, and so does ``maxMktSz``
    of spot: these are kept as they came.
    """
    kept = {"maxLmtAmt": row.max_lmt_amt, "maxMktAmt": row.max_mkt_amt}
    if not derivative:
        kept["maxMktSz"] = row.max_mkt_sz
    return TradingRules(
        tick_size=_number(row.tick_sz, "tickSz"),
        step_size=_number(row.lot_sz, "lotSz"),
        min_quantity=_number(row.min_sz, "minSz"),
        max_quantity=_number(row.max_lmt_sz, "maxLmtSz"),
        market_max_quantity=_number(row.max_mkt_sz, "maxMktSz") if derivative else None,
        unknown=tuple(msgspec.json.encode({name: value}).decode() for name, value in kept.items() if value),
    )


class _Volume(msgspec.Struct, rename="camel"):
    inst_id: str
    inst_type: str = ""
    last: str = ""
    vol_ccy24h: str = msgspec.field(name="volCcy24h", default="")


_VOLUME = msgspec.json.Decoder(_Volume)


def decode_volumes(exchange: Exchange, body: bytes) -> dict[str, Decimal]:
    """Read the 24 h statistics: volume in the quote asset by symbol; rows that are odd are left out.

    Derivatives tell the volume in coins: that is taken at the last price. Options are priced in coins: for
    them it stays so, times that price (facts 6.6).

    Raises:
        PayloadError: It is no such list.
    """
    try:
        rows = _LIST.decode(body).data
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"24 h statistics of {exchange.value}", raw=body, cause=str(error)) from error
    volumes: dict[str, Decimal] = {}
    for raw in rows:
        try:
            row = _VOLUME.decode(raw)
            volume = decimal_of(row.vol_ccy24h)
            if row.inst_type not in ("SPOT", "MARGIN"):
                volume = EXACT.multiply(volume, decimal_of(row.last))
        except (ValueError, ArithmeticError, RecursionError):
            continue
        volumes[row.inst_id] = volume
    return volumes
