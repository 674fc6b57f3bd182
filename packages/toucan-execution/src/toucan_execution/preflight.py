"""What a venue would refuse an order for, found before it is sent: the instrument's trading rules.

Nothing here guesses: a rule that the venue did not give, or for which a figure is not known, checks nothing.
What is found is no error but a list of `Violation`: the outcome is `Rejected`, marked as never sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import msgspec

from toucan_execution.orders import AmendRequest, Order, OrderRequest, OrderType, PositionSide
from toucan_instrument import Instrument, InstrumentKind, Side, TradingRules, Violation
from toucan_instrument.decimals import EXACT, decimal_of, round_down, round_up

__all__ = ["MarketFacts", "preflight", "preflight_amend"]


class MarketFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a market and of the account there; None for what is not.

    Attributes:
        reference_price: What percent-price rules and the worth of market orders go by: on futures the
            mark price, on spot the average price.
        open_orders: How many orders of the instrument are open, conditional ones too.
        open_algo_orders: How many conditional orders of the instrument are open.
        account_algo_orders: How many conditional orders of the account are open, over all instruments.
        max_account_algo_orders: The most of those (USD-M: 200, facts C.3.3).
        base_held: How much of the base asset is held, free and locked, or being bought (spot).
    """

    reference_price: Decimal | None = None
    open_orders: int | None = None
    open_algo_orders: int | None = None
    account_algo_orders: int | None = None
    max_account_algo_orders: int | None = None
    base_held: Decimal | None = None


def preflight(request: OrderRequest, *, facts: MarketFacts) -> tuple[Violation, ...]:
    """Return every rule that an order would break.

    The rule of a field other than price and quantity carries the field's name, such as
    ``trigger_price.tick_size``.

    Args:
        request: The order, already without errors of the program.
        facts: What is known of the market.

    Raises:
        InvalidInput: A number is a float, or not finite.
    """
    broken = _account_counts(request, facts)
    rules = request.instrument.rules
    if rules is not None:
        broken += _prices(request, rules, facts)
        broken += _quantities(request, rules)
        broken += _worth(request, rules, facts)
        broken += _counts(request, rules, facts)
        broken += _holding(request, rules, facts)
    return tuple(broken)


def preflight_amend(
    request: AmendRequest, known: Order | None, *, facts: MarketFacts
) -> tuple[Violation, ...]:
    """Return every rule that a change of an open order would break: of what it changes, and of its worth.

    The worth is left to the venue where the order is not known, because what makes a position smaller has no
    least worth.

    Args:
        request: The change.
        known: What is known of the order, None where it is not.
        facts: What is known of the market.

    Raises:
        InvalidInput: A number is a float, or not finite.
    """
    rules = request.instrument.rules
    if rules is None:
        return ()
    side = request.side or (known.side if known is not None else None)
    broken: list[Violation] = []
    if request.price is not None:
        broken += rules.check_price(request.price, side=side, reference=facts.reference_price)
    if request.quantity is not None:
        broken += rules.check_quantity(request.quantity)
    if known is not None:
        changed = OrderRequest(
            instrument=request.instrument,
            side=known.side,
            type=known.type,
            quantity=request.quantity if request.quantity is not None else known.quantity,
            price=request.price if request.price is not None else known.price,
            reduce_only=known.reduce_only,
            position_side=known.position_side,
        )
        broken += _worth(changed, rules, facts)
    return tuple(broken)


def _prices(request: OrderRequest, rules: TradingRules, facts: MarketFacts) -> list[Violation]:
    broken: list[Violation] = []
    if request.price is not None:
        # A conditional order is compared with the reference price when it is triggered, not now.
        reference = None if request.type.is_conditional else facts.reference_price
        broken += rules.check_price(request.price, side=request.side, reference=reference)
    for field in ("trigger_price", "activation_price"):
        value = getattr(request, field)
        if value is not None:
            broken += _named(field, rules.check_price(value))
    return broken


def _quantities(request: OrderRequest, rules: TradingRules) -> list[Violation]:
    broken: list[Violation] = []
    market = request.type is OrderType.MARKET
    if request.quantity is not None:
        broken += rules.check_quantity(request.quantity, market=market)
    iceberg = request.iceberg_quantity
    if iceberg is None:
        return broken
    shown = rules.check_quantity(iceberg)
    broken += _named("iceberg_quantity", shown)
    most = rules.max_iceberg_parts
    if most is None or shown or request.quantity is None:
        return broken
    parts = -(-Fraction(request.quantity) // Fraction(iceberg))
    if parts > most:
        least = Fraction(request.quantity) / most
        legal = None if rules.step_size is None else round_up(least, rules.step_size, _anchor(rules))
        broken.append(Violation("iceberg_parts", Decimal(most), Decimal(parts), legal))
    return broken


def _worth(request: OrderRequest, rules: TradingRules, facts: MarketFacts) -> list[Violation]:
    """Check the worth of an order; one that makes a position smaller has no least worth."""
    market = request.type is OrderType.MARKET
    if request.quote_quantity is not None:
        return _spent(decimal_of(request.quote_quantity, field="quote_quantity"), rules)
    if request.quantity is None or _reduces(request):
        return []
    instrument = request.instrument
    price = request.price
    if price is None and market:
        price = facts.reference_price
    if instrument.inverse:
        price = instrument.contract_size  # a contract is worth a fixed amount of the quote asset
    elif price is not None:
        price = EXACT.multiply(decimal_of(price, field="price"), instrument.contract_size)
    if price is None:
        return []
    return list(rules.check_notional(price, request.quantity, market=market))


def _spent(amount: Decimal, rules: TradingRules) -> list[Violation]:
    """Check the worth of a market order that says how much of the quote asset it is about."""
    least = rules.min_notional if rules.min_notional_market else None
    most = rules.max_notional if rules.max_notional_market else None
    if least is not None and amount < least:
        return [Violation("min_notional", least, amount, least)]
    if most is not None and amount > most:
        return [Violation("max_notional", most, amount, most)]
    return []


def _reduces(request: OrderRequest) -> bool:
    closing = PositionSide.LONG if request.side is Side.SELL else PositionSide.SHORT
    return request.reduce_only or request.close_position or request.position_side is closing


def _counts(request: OrderRequest, rules: TradingRules, facts: MarketFacts) -> list[Violation]:
    conditional, open_orders = request.type.is_conditional, facts.open_orders
    spot = request.instrument.kind is InstrumentKind.SPOT
    broken: list[Violation] = []
    # Spot counts conditional orders among the others too; derivatives keep them apart.
    if open_orders is not None and not spot:
        open_orders -= facts.open_algo_orders or 0
    if spot or not conditional:
        broken += _one_more("max_orders", rules.max_orders, open_orders)
    if conditional:
        broken += _one_more("max_algo_orders", rules.max_algo_orders, facts.open_algo_orders)
    return broken


def _account_counts(request: OrderRequest, facts: MarketFacts) -> list[Violation]:
    if not request.type.is_conditional:
        return []
    return _one_more("max_account_algo_orders", facts.max_account_algo_orders, facts.account_algo_orders)


def _one_more(rule: str, most: int | None, open_now: int | None) -> list[Violation]:
    if most is None or open_now is None or open_now < most:
        return []
    return [Violation(rule, Decimal(most), Decimal(open_now + 1), None)]


def _holding(request: OrderRequest, rules: TradingRules, facts: MarketFacts) -> list[Violation]:
    most, held = rules.max_position, facts.base_held
    if most is None or held is None or request.side is not Side.BUY or request.quantity is None:
        return []
    after = EXACT.add(held, _base(request.instrument, request.quantity))
    if after <= most:
        return []
    room = EXACT.subtract(most, held)
    if room > 0 and rules.step_size is not None:
        room = round_down(room, rules.step_size, _anchor(rules))
    legal = room if room > 0 and not rules.check_quantity(room) else None
    return [Violation("max_position", most, after, legal)]


def _base(instrument: Instrument, quantity: Decimal) -> Decimal:
    return EXACT.multiply(decimal_of(quantity, field="quantity"), instrument.contract_size)


def _anchor(rules: TradingRules) -> Decimal:
    anchored = rules.min_quantity if rules.quantity_anchored else None
    return anchored if anchored is not None else Decimal(0)


def _named(field: str, found: Iterable[Violation]) -> list[Violation]:
    return [msgspec.structs.replace(each, rule=f"{field}.{each.rule}") for each in found]
