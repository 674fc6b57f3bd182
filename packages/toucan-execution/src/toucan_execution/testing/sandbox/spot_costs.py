"""What trading costs on spot, as the venue says it (facts D.1.3, D.1.10)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from toucan_execution.testing.sandbox.endpoint import Ask
from toucan_execution.testing.sandbox.spot_rows import Row, eight
from toucan_instrument import Instrument

__all__ = ["NOTHING_ON_TOP", "commission_for_order", "commission_parts"]

NOTHING_ON_TOP: dict[str, str] = dict.fromkeys(("maker", "taker", "buyer", "seller"), eight(Decimal(0)))
USUAL_ASSET = "BNB"


def commission_parts(ask: Ask, instrument: Instrument) -> Row:
    """Return what trading an instrument costs: the engine has one rate for makers and one for takers."""
    found = ask.engine.commission(ask.account, instrument)
    return {
        "symbol": instrument.symbol,
        "standardCommission": {**NOTHING_ON_TOP, "maker": eight(found.maker), "taker": eight(found.taker)},
        "specialCommission": dict(NOTHING_ON_TOP),
        "taxCommission": dict(NOTHING_ON_TOP),
        "discount": {
            "enabledForAccount": found.discount_enabled,
            "enabledForSymbol": found.discount_enabled,
            "discountAsset": found.discount_asset or USUAL_ASSET,
            "discount": eight(Decimal(1) if found.discount is None else found.discount),
        },
    }


def commission_for_order(ask: Ask, instrument: Instrument, *, sor: bool = False) -> Row:
    """Return what an order would cost, as the test of one says it; smart order routing has no special fee."""
    parts = commission_parts(ask, instrument)
    row: dict[str, Any] = {
        f"{name}CommissionForOrder": {key: parts[f"{name}Commission"][key] for key in ("maker", "taker")}
        for name in (("standard", "tax") if sor else ("standard", "special", "tax"))
    }
    return {**row, "discount": parts["discount"]}
