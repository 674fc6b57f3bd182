"""Trading rules: what a price or a quantity must keep to, and what it breaks if it does not.

Nothing here guesses: a rule that a venue did not give is None, and checks nothing; a rule that is not
known by name is kept as it came, in `TradingRules.unknown`.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

import msgspec

from toucan_instrument.decimals import (
    EXACT,
    decimal_of,
    nearest as nearest_step,
    on_step,
    plain,
    round_down,
    round_up,
)
from toucan_instrument.side import Side

__all__ = ["TradingRules", "Violation"]

ZERO = Decimal(0)


class Violation(msgspec.Struct, frozen=True):
    """A rule that is broken.

    Attributes:
        rule: Its name, such as ``tick_size``.
        limit: What it asks for.
        given: What was given.
        nearest: The nearest legal value of what was checked, None where there is none.
    """

    rule: str
    limit: Decimal
    given: Decimal
    nearest: Decimal | None

    def __str__(self) -> str:
        """Say it in words."""
        wanted = "" if self.nearest is None else f"; the nearest legal value is {plain(self.nearest)}"
        return f"{plain(self.given)} breaks {self.rule} {plain(self.limit)}{wanted}"


class TradingRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one instrument; None where there is no such rule.

    Attributes:
        tick_size: Prices are whole counts of it.
        min_price: Lowest price.
        max_price: Highest price.
        price_anchored: Whether ticks count from `min_price` (Binance futures) rather than from zero.
        step_size: Quantities are whole counts of it.
        min_quantity: Lowest quantity.
        max_quantity: Highest quantity.
        quantity_anchored: Whether steps count from `min_quantity`; market orders': from
            `market_min_quantity`.
        market_step_size: The same for market orders, which keep to both.
        market_min_quantity: Likewise.
        market_max_quantity: Likewise.
        min_notional: Lowest worth of an order, in the quote asset.
        max_notional: Highest worth.
        min_notional_market: Whether `min_notional` holds for market orders.
        max_notional_market: Whether `max_notional` holds for market orders.
        bid_multiplier_up: A buy's price is at most the reference price times this.
        bid_multiplier_down: A buy's price is at least the reference price times this.
        ask_multiplier_up: A sell's price is at most the reference price times this.
        ask_multiplier_down: A sell's price is at least the reference price times this.
        max_orders: Most open orders of the instrument.
        max_algo_orders: Most open conditional orders.
        max_iceberg_parts: Most parts of an iceberg order.
        max_position: Most of the base asset that may be held and bought.
        unknown: Rules that are not known by name, as the venue's JSON.
    """

    tick_size: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    price_anchored: bool = False
    step_size: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    quantity_anchored: bool = False
    market_step_size: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    min_notional_market: bool = True
    max_notional_market: bool = True
    bid_multiplier_up: Decimal | None = None
    bid_multiplier_down: Decimal | None = None
    ask_multiplier_up: Decimal | None = None
    ask_multiplier_down: Decimal | None = None
    max_orders: int | None = None
    max_algo_orders: int | None = None
    max_iceberg_parts: int | None = None
    max_position: Decimal | None = None
    unknown: tuple[str, ...] = ()

    def check(
        self,
        price: Decimal | None,
        quantity: Decimal,
        *,
        side: Side | None = None,
        market: bool = False,
        reference: Decimal | None = None,
    ) -> tuple[Violation, ...]:
        """Return every rule that an order would break.

        Args:
            price: Its limit price, None for a market order.
            quantity: Its quantity, in the venue's unit.
            side: Which side, for the percent-price rules.
            market: Whether it is a market order.
            reference: The venue's reference price: for percent-price rules, and for the worth of a
                market order.

        Raises:
            InvalidInput: A number is a float, or not finite.
        """
        if price is not None:
            price = decimal_of(price, field="price")
        if reference is not None:
            reference = decimal_of(reference, field="reference")
        broken: list[Violation] = []
        if price is not None:
            broken += self.check_price(price, side=side, reference=reference)
        broken += self.check_quantity(quantity, market=market)
        worth_at = price if price is not None else reference
        if worth_at is not None:
            broken += self.check_notional(worth_at, quantity, market=market)
        return tuple(broken)

    def check_price(
        self, price: Decimal, *, side: Side | None = None, reference: Decimal | None = None
    ) -> tuple[Violation, ...]:
        """Return the rules that a limit price breaks; `nearest` breaks none of them.

        Raises:
            InvalidInput: A number is a float, or not finite.
        """
        price = decimal_of(price, field="price")
        lows, highs = [("min_price", self.min_price)], [("max_price", self.max_price)]
        if reference is not None:
            reference = decimal_of(reference, field="reference")
            up, down = self._multipliers(side)
            if up is not None:
                highs.append(("percent_price", EXACT.multiply(reference, up)))
            if down is not None:
                lows.append(("percent_price", EXACT.multiply(reference, down)))
        anchor = self.min_price if self.price_anchored else None
        return _check(price, _Frame(lows, highs, [("tick_size", self.tick_size, anchor)]))

    def check_quantity(self, quantity: Decimal, *, market: bool = False) -> tuple[Violation, ...]:
        """Return the rules that a quantity breaks; market orders keep to both sets.

        `nearest` breaks none of them. A quantity of zero or below breaks ``above_zero``, which needs no
        rule of the venue.

        Raises:
            InvalidInput: It is a float, or not finite.
        """
        quantity = decimal_of(quantity, field="quantity")
        frame = self._quantities(market=market)
        broken = _check(quantity, frame)
        if quantity <= 0:
            return (Violation("above_zero", ZERO, quantity, _legal(quantity, frame)), *broken)
        return broken

    def check_notional(
        self, price: Decimal, quantity: Decimal, *, market: bool = False
    ) -> tuple[Violation, ...]:
        """Return the rules that the worth of a linear order breaks.

        `given` is the worth, `nearest` a quantity: the nearest that breaks no rule of quantities and worth
        at that price.

        Raises:
            InvalidInput: A number is a float, or not finite.
        """
        price, quantity = decimal_of(price, field="price"), decimal_of(quantity, field="quantity")
        worth = EXACT.multiply(price, quantity)
        least = None if market and not self.min_notional_market else self.min_notional
        most = None if market and not self.max_notional_market else self.max_notional
        broken = _check(worth, _Frame([("min_notional", least)], [("max_notional", most)], []))
        if not broken:
            return ()
        legal = None
        if price > 0:
            legal = _legal(
                quantity,
                self._quantities(market=market),
                least=None if least is None else Fraction(least) / Fraction(price),
                most=None if most is None else Fraction(most) / Fraction(price),
            )
        return tuple(msgspec.structs.replace(each, nearest=legal) for each in broken)

    def _multipliers(self, side: Side | None) -> tuple[Decimal | None, Decimal | None]:
        if side is Side.BUY:
            return self.bid_multiplier_up, self.bid_multiplier_down
        if side is Side.SELL:
            return self.ask_multiplier_up, self.ask_multiplier_down
        return None, None

    def _quantities(self, *, market: bool) -> _Frame:
        least, anchored = self.min_quantity, self.quantity_anchored
        frame = _Frame(
            [("min_quantity", least)],
            [("max_quantity", self.max_quantity)],
            [("step_size", self.step_size, least if anchored else None)],
        )
        if market:
            least = self.market_min_quantity
            frame.lows.append(("market_min_quantity", least))
            frame.highs.append(("market_max_quantity", self.market_max_quantity))
            frame.grids.append(("market_step_size", self.market_step_size, least if anchored else None))
        return frame


class _Frame(NamedTuple):
    """What a number must keep to; None is no rule.

    A low or a high is a rule's name and its bound; a grid is a rule's name, its step and its anchor.
    """

    lows: list[tuple[str, Decimal | None]]
    highs: list[tuple[str, Decimal | None]]
    grids: list[tuple[str, Decimal | None, Decimal | None]]


def _check(given: Decimal, frame: _Frame) -> tuple[Violation, ...]:
    """Return what a number breaks, each with the nearest number that breaks nothing."""
    broken = [(rule, limit) for rule, limit in frame.lows if limit is not None and given < limit]
    broken += [(rule, limit) for rule, limit in frame.highs if limit is not None and given > limit]
    broken += [
        (rule, step)
        for rule, step, anchor in frame.grids
        if step is not None and not on_step(given, step, anchor or ZERO)
    ]
    if not broken:
        return ()
    legal = _legal(given, frame)
    return tuple(Violation(rule, limit, given, legal) for rule, limit in broken)


def _legal(
    given: Decimal, frame: _Frame, *, least: Fraction | None = None, most: Fraction | None = None
) -> Decimal | None:
    """Return the nearest number above zero within all bounds and on all grids, None where there is none.

    A number at or below zero is legal only where the venue's own least is below zero.
    """
    lows = [Fraction(limit) for _, limit in frame.lows if limit is not None]
    highs = [Fraction(limit) for _, limit in frame.highs if limit is not None]
    lowest: Fraction | None = max([*lows, *([] if least is None else [least])], default=None)
    highest: Fraction | None = min([*highs, *([] if most is None else [most])], default=None)
    grids = [(step, anchor or ZERO) for _, step, anchor in frame.grids if step is not None]
    if not grids:
        return _between(given, lowest, highest)
    grid = grids[0] if len(grids) == 1 else _common(*grids)
    if grid is None:
        return None
    found = nearest_step(given, *grid)
    if lowest is not None and found < lowest:
        found = round_up(lowest, *grid)
    if highest is not None and found > highest:
        found = round_down(highest, *grid)
    if found <= 0 and (lowest is None or lowest >= 0):
        found = EXACT.add(round_down(ZERO, *grid), grid[0])
        if highest is not None and found > highest:
            return None
    return None if lowest is not None and found < lowest else found


def _between(given: Decimal, lowest: Fraction | None, highest: Fraction | None) -> Decimal | None:
    """Return the nearest number within bounds, None where there is none that can be written out."""
    found = Fraction(given)
    if lowest is not None and found < lowest:
        found = lowest
    if highest is not None and found > highest:
        found = highest
    if (lowest is not None and found < lowest) or (found <= 0 and (lowest is None or lowest >= 0)):
        return None
    number = EXACT.divide(Decimal(found.numerator), Decimal(found.denominator))
    return number if Fraction(number) == found else None


def _common(
    first: tuple[Decimal, Decimal], second: tuple[Decimal, Decimal]
) -> tuple[Decimal, Decimal] | None:
    """Return the grid, as step and anchor, of the numbers that lie on both; None where none does."""
    if first == second:
        return first
    parts = [Fraction(number) for number in (*first, *second)]
    scale = lcm(*(part.denominator for part in parts))
    step, anchor, step2, anchor2 = (int(part * scale) for part in parts)
    shared = gcd(step, step2)
    if (anchor2 - anchor) % shared:
        return None
    # The Chinese remainder theorem: how many of the first's steps lead onto the second grid.
    period = step2 // shared
    count = (anchor2 - anchor) // shared * pow(step // shared, -1, period) % period
    whole = Decimal(scale)  # divides a power of ten, so that the quotients are exact
    return (
        EXACT.divide(Decimal(step * period), whole),
        EXACT.divide(Decimal(anchor + step * count), whole),
    )
