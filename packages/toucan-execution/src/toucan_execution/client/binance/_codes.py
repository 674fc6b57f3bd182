"""Binance's error codes, and the texts that say more than their code: tables of the facts, C.9."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toucan_execution.outcome import Reason
from toucan_execution.venue import VerdictKind

__all__ = ["BY_TEXT", "CODES", "FUTURES_CODES", "SPOT_CODES", "TEXTS", "TEXT_CODES", "Meaning"]


class Meaning(msgspec.Struct, frozen=True):
    """What an error says.

    Attributes:
        reason: Why, in toucan's words.
        retryable: Whether the same request may pass later, unchanged (but for its time and signature).
        kind: Whether anything was done.
    """

    reason: Reason
    retryable: bool = False
    kind: VerdictKind = VerdictKind.REJECTED


def _span(first: int, last: int) -> range:
    """Return codes from one to another, both below zero, the first the nearer to it."""
    return range(first, last - 1, -1)


def _table(rows: dict[Reason, Iterable[int | range]], retryable: Iterable[int] = ()) -> dict[int, Meaning]:
    again = frozenset(retryable)
    table: dict[int, Meaning] = {}
    for reason, codes in rows.items():
        for each in codes:
            for code in each if isinstance(each, range) else (each,):
                if code in table:
                    raise ValueError(f"{code} is there twice")
                table[code] = Meaning(reason, code in again)
    return table


CODES: dict[int, Meaning] = _table(  # C.9.1
    {
        Reason.AUTHENTICATION: (-1002, -1011, -1022, -1099, -1109, -2014, -2015),
        Reason.RATE_LIMITED: (-1003, -1015, -1034),
        Reason.UNAVAILABLE: (-1008, -1016, -2012),
        Reason.TIMESTAMP: (-1021,),
        Reason.FILTER: (-1013, -1111),
        Reason.MARKET_CLOSED: (-1122, -2016),
        Reason.UNKNOWN_ORDER: (-2011, -2013),
        Reason.PARAMETER: (
            -1014,
            *_span(-1100, -1106),
            -1108,
            *_span(-1114, -1121),
            *(-1127, -1128, -1130, -1134, -1135, -1136, -1145, -1151),
            *(-1158, -1160, *_span(-1165, -1168), -1194, *_span(-1196, -1199)),
            *(-1210, -1211, -1220, *_span(-1222, -1225)),
        ),
        Reason.OTHER: (-1010, -1020, -1112, -1125, -2010),
    },
    retryable=(-1003, -1008, -1015, -1016, -1021, -1034, -1112, -2012, -2013),
) | {
    # Nobody knows: it may have been done.
    -1000: Meaning(Reason.OTHER, retryable=False, kind=VerdictKind.UNKNOWN),
    -1006: Meaning(Reason.OTHER, retryable=False, kind=VerdictKind.UNKNOWN),
    -1007: Meaning(Reason.OTHER, retryable=False, kind=VerdictKind.UNKNOWN),
}
"""What holds on all markets."""

SPOT_CODES: dict[int, Meaning] = _table(  # C.9.2
    {
        Reason.UNKNOWN_ORDER: (-2026,),
        Reason.AMEND_REFUSED: (-2038,),
        Reason.PARAMETER: (-2039,),
        Reason.OTHER: (-2021, -2022, -2036, -2042, -2043),  # the first two: see `PartlyReplaced`
    }
) | {
    -1001: Meaning(Reason.UNAVAILABLE, retryable=False, kind=VerdictKind.UNKNOWN),  # "query first on spot"
    -2035: Meaning(Reason.OTHER, kind=VerdictKind.DONE),  # the account's stream is subscribed already
}
"""What holds on spot alone, before `CODES`."""

FUTURES_CODES: dict[int, Meaning] = _table(  # C.9.3
    {
        Reason.UNAVAILABLE: (-1001, -4531),
        Reason.AUTHENTICATION: (-2017,),
        Reason.INSUFFICIENT_BALANCE: (-2018, -2019, -2028),
        Reason.WOULD_TRIGGER: (-2021, -4142),
        Reason.REDUCE_ONLY: (-2022, -2024, -2026, -4062, -4112, -4118),
        Reason.TOO_MANY_ORDERS: (-2025, -4045),
        Reason.FILTER: (
            -2027,  # the largest position at this leverage
            *(*_span(-4000, -4014), -4016, -4023, -4024),
            *(-4113, -4131, -4151, -4152, -4154, -4155, -4164, -4178, -4183, -4184, -4210, -4211, -5029),
        ),
        Reason.POSITION_SIDE: (-4060, -4061),
        Reason.MARKET_CLOSED: (
            -2023,  # in liquidation
            *(-4087, -4088, -4089, -4090, *_span(-4105, -4107), -4109, -4140, -4141, -4189, -4192),
            *(-4199, *_span(-4400, -4403), -5024),
        ),
        Reason.DUPLICATE_ID: (-4116,),
        Reason.WOULD_TAKE: (-5022,),
        Reason.TIMESTAMP: (-4188, -5028),
        Reason.AMEND_REFUSED: (-4196, -4198, -5025, -5026, -5043),
        Reason.PARAMETER: (
            *(-4015, -4021, -4028, -4031, -4032, -4082, -4104, -4110, -4111, -4114, -4115),
            *(-4120, -4135, *_span(-4137, -4139), -4144, -4165, -4166),
            *(-5037, -5038, -5039, -5040),
        ),
        Reason.OTHER: (
            -2020,  # unable to fill
            *(-4047, -4048, *_span(-4049, -4055), -4067, -4068, -4083, -4084, -4117, -4150, -4161),
            *(*_span(-4167, -4170), -4172, -4194, -4195, *_span(-4200, -4209), -4220),
            *(-5021, -5041, -5047),
        ),
    },
    retryable=(-1001, -2023, -4113, -4117, -4131, -4188, -4531, -5028, -5043),
) | {
    # Nothing had to be changed.
    -4046: Meaning(Reason.OTHER, kind=VerdictKind.DONE),
    -4059: Meaning(Reason.OTHER, kind=VerdictKind.DONE),
    -4171: Meaning(Reason.OTHER, kind=VerdictKind.DONE),
    -4197: Meaning(Reason.AMEND_REFUSED, kind=VerdictKind.DONE),
    -5027: Meaning(Reason.AMEND_REFUSED, kind=VerdictKind.DONE),
}
"""What holds on the futures, before `CODES`."""

TEXT_CODES = frozenset({-1010, -1013, -2010, -2011, -2038})
"""Codes whose text says more (facts C.9.2)."""

TEXTS: tuple[tuple[str, Reason], ...] = (  # in lower case; the first that is found holds
    ("unknown order", Reason.UNKNOWN_ORDER),
    ("duplicate order", Reason.DUPLICATE_ID),
    ("market is closed", Reason.MARKET_CLOSED),
    ("insufficient balance", Reason.INSUFFICIENT_BALANCE),
    ("immediately match and take", Reason.WOULD_TAKE),
    ("trigger immediately", Reason.WOULD_TRIGGER),
    ("price * qty is zero", Reason.PARAMETER),
    ("icebergqty exceeds", Reason.PARAMETER),
    ("unsupported order combination", Reason.PARAMETER),
    ("order amend", Reason.AMEND_REFUSED),
    ("would change no state", Reason.AMEND_REFUSED),
    ("not supported for this symbol", Reason.PARAMETER),
    ("disabled on this account", Reason.MARKET_CLOSED),
    ("may not place or cancel orders", Reason.MARKET_CLOSED),
    ("not permitted for this account", Reason.MARKET_CLOSED),
    ("restricted for this account", Reason.MARKET_CLOSED),
    ("trading is not enabled", Reason.MARKET_CLOSED),
    ("cancel restrictions", Reason.OTHER),
    ("order book liquidity is less than", Reason.OTHER),
    ("relationship of the prices", Reason.PARAMETER),
    ("pegged order", Reason.PARAMETER),
    ("price peg", Reason.PARAMETER),
    ("max_num_order_amends", Reason.AMEND_REFUSED),
    ("max_num_", Reason.TOO_MANY_ORDERS),
    ("filter failure", Reason.FILTER),
)
"""What texts of `TEXT_CODES` mean."""

BY_TEXT: dict[int, tuple[str, Reason]] = {
    # The same numbers on USD-M: the account may only reduce, or not trade at all.
    -4087: ("invalid pair", Reason.PARAMETER),
    -4088: ("invalid time interval", Reason.PARAMETER),
}
"""Numbers that COIN-M uses for something else, told apart by their text."""
