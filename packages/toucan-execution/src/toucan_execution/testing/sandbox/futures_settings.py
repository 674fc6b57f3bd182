"""How a futures account is set up: leverage, margin, modes; and the dead man's switch (facts D.2, D.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from toucan_execution.account import MarginType, Position, PositionMode
from toucan_execution.client.binance.words import MARGIN_TYPE_WORDS, POSITION_SIDE_WORDS, POSITION_SIDES
from toucan_execution.mock import Refused
from toucan_execution.orders import PositionSide
from toucan_execution.outcome import Reason
from toucan_execution.testing.sandbox.endpoint import Ask, Endpoint
from toucan_execution.testing.sandbox.errors import missing
from toucan_execution.testing.sandbox.futures_account import LARGEST, FuturesAccount
from toucan_execution.testing.sandbox.futures_core import FuturesCore
from toucan_execution.testing.sandbox.futures_errors import engine_errors, refuse
from toucan_execution.testing.sandbox.futures_events import FuturesEvents
from toucan_execution.testing.sandbox.futures_notes import MarginNote
from toucan_execution.testing.sandbox.futures_params import precise
from toucan_execution.testing.sandbox.futures_rows import MILLI, MONEY, Row, fixed
from toucan_execution.testing.sandbox.futures_windows import rows_of, window_of
from toucan_execution.testing.sandbox.market import SandboxMarket
from toucan_instrument import Instrument
from toucan_instrument.decimals import plain

__all__ = ["Countdowns", "FuturesSettings"]

MOST_LEVERAGE = 125
ADD, TAKE = 1, 2
SUCCESS: dict[str, Any] = {"code": 200, "msg": "success"}
MARGIN_TYPES = {word: kind for kind, word in MARGIN_TYPE_WORDS.items()}
USUAL_MARGINS, MOST_MARGINS = 500, 1_000


class Countdowns:
    """Timers that cancel the regular orders of an instrument unless they are set again in time (D.2.9)."""

    def __init__(self, core: FuturesCore) -> None:
        self._core = core
        self._due: dict[tuple[str, str], int] = {}

    @property
    def due_ns(self) -> int | None:
        """When the next one ends, None for none."""
        return min(self._due.values(), default=None)

    def set(self, account: str, symbol: str, due_ns: int | None) -> None:
        """Set a timer anew, or stop it."""
        if due_ns is None:
            self._due.pop((account, symbol), None)
        else:
            self._due[account, symbol] = due_ns

    def run_due(self, now_ns: int) -> None:
        """Cancel the orders whose timer has ended."""
        core = self._core
        for (account, symbol), due in sorted(self._due.items(), key=lambda item: item[1]):
            if due > now_ns:
                break
            del self._due[account, symbol]
            at = max(now_ns, core.engine.now_ns)
            for order in core.open_regular(account, [core.market.instrument(symbol)]):
                core.cancel(account, order, at)


class FuturesSettings:
    """How an account is set up.

    Args:
        core: What all endpoints share.
        account: What it holds.
        events: How changes are told that the engine does not tell of.
    """

    def __init__(self, core: FuturesCore, account: FuturesAccount, events: FuturesEvents) -> None:
        self._core = core
        self._account = account
        self._events = events
        self.countdowns: Countdowns = Countdowns(core)
        """The dead man's switches."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What can be asked (facts D.2.1, D.3.1)."""
        v1 = f"{self._core.prefix}/v1"
        dual, multi, margin = f"{v1}/positionSide/dual", f"{v1}/multiAssetsMargin", f"{v1}/positionMargin"
        found = [
            Endpoint(
                method="POST", path=f"{v1}/leverage", act=self.leverage, required=("symbol", "leverage"),
            ),
            Endpoint(
                method="POST", path=f"{v1}/marginType", act=self.margin_type,
                required=("symbol", "marginType"),
            ),
            Endpoint(
                method="POST", path=margin, act=self.position_margin,
                required=("symbol", "amount", "type"), optional=("positionSide",),
            ),
            Endpoint(
                method="GET", path=f"{margin}/history", act=self.margin_history, required=("symbol",),
                optional=("type", "startTime", "endTime", "limit"),
            ),
            Endpoint(method="GET", path=dual, act=self.mode, weight=30),
            Endpoint(method="POST", path=dual, act=self.set_mode, required=("dualSidePosition",)),
            Endpoint(
                method="POST", path=f"{v1}/countdownCancelAll", act=self.countdown,
                required=("symbol", "countdownTime"), weight=10,
            ),
        ]  # fmt: skip
        if not self._core.coin:
            found += [
                Endpoint(method="GET", path=multi, act=self.multi_assets, weight=30),
                Endpoint(
                    method="POST", path=multi, act=self.set_multi_assets, required=("multiAssetsMargin",)
                ),
            ]
        return tuple(found)

    # Leverage and margin.

    def leverage(self, ask: Ask) -> Row:
        """Set the leverage of an instrument; the engine tells the account of it."""
        core, params = self._core, ask.params
        instrument, wanted = core.instrument(params), params.integer("leverage")
        if wanted is None or not 1 <= wanted <= MOST_LEVERAGE:
            raise refuse(-4028, wanted)
        with engine_errors():
            found = ask.engine.set_leverage(ask.account, instrument, wanted, ask.now_ns)
        if isinstance(found, Refused):
            if found.reason is Reason.PARAMETER:
                raise refuse(-4028, wanted)
            if found.reason is Reason.FILTER:
                raise refuse(-2027)
            if found.reason is Reason.INSUFFICIENT_BALANCE:
                raise refuse(-2028)
            raise refuse(-4150 if core.coin else -4161)
        most = found.max_quantity if core.coin else found.max_notional
        name = "maxQty" if core.coin else "maxNotionalValue"
        return {
            "leverage": found.leverage,
            name: fixed(min(most or Decimal(0), LARGEST), 0),
            "symbol": instrument.symbol,
        }

    def margin_type(self, ask: Ask) -> Row:
        """Set cross or isolated margin."""
        core, params = self._core, ask.params
        instrument = core.instrument(params)
        kind = params.word("marginType", MARGIN_TYPES, refuse(-1130, "marginType"))
        if kind is None:
            raise missing("marginType")
        with engine_errors():
            changed = ask.engine.set_margin_type(ask.account, instrument, kind, ask.now_ns)
        if isinstance(changed, Refused):
            raise refuse(-4047 if ask.engine.open_orders(ask.account, instrument) else -4048)
        if not changed:
            raise refuse(-4046)
        self._tell_margin_type(ask, instrument)
        return dict(SUCCESS)

    def _tell_margin_type(self, ask: Ask, instrument: Instrument) -> None:
        """Tell of the new margin type, as the engine does not: the position is flat (facts E.5)."""
        hedge = ask.engine.position_mode(ask.account) is PositionMode.HEDGE
        sides = (PositionSide.LONG, PositionSide.SHORT) if hedge else (PositionSide.BOTH,)
        flat = [self._account.flat(ask.account, instrument, side) for side in sides]
        event = self._events.account_update(
            ask.account, "MARGIN_TYPE_CHANGE", ask.now_ns, balances=(), positions=flat
        )
        self._core.market.push(ask.account, event)

    def position_margin(self, ask: Ask) -> Row:
        """Add to the margin of an isolated position, or take from it."""
        core, params = self._core, ask.params
        instrument, amount, kind = (
            core.instrument(params),
            precise(params, "amount", MONEY),
            params.integer("type"),
        )
        if kind not in (ADD, TAKE):
            raise refuse(-1130, "type")
        if not amount:
            raise refuse(-4055)
        position = self._isolated(ask, instrument)
        signed = amount if kind == ADD else amount.copy_negate()
        with engine_errors():
            why = ask.engine.change_isolated_margin(
                ask.account, instrument, position.side, signed, ask.now_ns
            )
        if why is not None:
            raise refuse(-4050 if kind == ADD else -4051)
        row: Row = {
            "symbol": instrument.symbol, "type": kind, "amount": plain(amount),
            "asset": position.margin_asset, "time": ask.now_ms,
            "positionSide": POSITION_SIDE_WORDS[position.side],
        }  # fmt: skip
        if not core.coin:
            row["deltaType"] = "USER_ADJUST"
        note = MarginNote(
            account=ask.account, symbol=instrument.symbol, kind=kind, time_ms=ask.now_ms, row=row
        )
        core.notes.margins.append(note)
        return {
            "amount": float(amount),
            "code": 200,
            "msg": "Successfully modify position margin.",
            "type": kind,
        }

    def _isolated(self, ask: Ask, instrument: Instrument) -> Position:
        """Return the isolated position that a request means."""
        engine = ask.engine
        side = ask.params.word("positionSide", POSITION_SIDES, refuse(-4060)) or PositionSide.BOTH
        hedge = engine.position_mode(ask.account) is PositionMode.HEDGE
        if hedge is (side is PositionSide.BOTH):
            raise refuse(-4061)
        if engine.leverage(ask.account, instrument).margin_type is not MarginType.ISOLATED:
            raise refuse(-4049)
        for each in engine.positions(ask.account, instrument):
            if each.side is side:
                return each
        raise refuse(-4054)

    def margin_history(self, ask: Ask) -> list[Row]:
        """Return what was added to and taken from the margin of an instrument's positions."""
        params = ask.params
        instrument, kind = self._core.instrument(params), params.integer("type")
        if kind not in (None, ADD, TAKE):
            raise refuse(-1130, "type")
        window, limit = (
            window_of(ask, params, days=None, usual_days=30),
            params.limit(USUAL_MARGINS, MOST_MARGINS),
        )
        found = [
            note.row
            for note in self._core.notes.margins
            if (note.account, note.symbol) == (ask.account, instrument.symbol)
            and kind in (None, note.kind)
            and window.has(note.time_ms * MILLI)
        ]
        return [dict(row) for row in rows_of(found, limit, from_start=window.from_start)]

    # Modes.

    def mode(self, ask: Ask) -> Row:
        """Return whether an instrument has one position or one for each side."""
        return {"dualSidePosition": ask.engine.position_mode(ask.account) is PositionMode.HEDGE}

    def set_mode(self, ask: Ask) -> Row:
        """Set it, on both futures markets: nothing may be open or held on either (facts D.3.1)."""
        mode = PositionMode.HEDGE if ask.params.flag("dualSidePosition") else PositionMode.ONE_WAY
        if ask.engine.position_mode(ask.account) is mode:
            raise refuse(-4059)
        markets = [each for each in (self._core.market, self._core.market.sibling) if each is not None]
        markets = [each for each in markets if ask.account in each.engine.accounts]
        for each in markets:
            _refuse_if_used(each, ask.account)
        for each in markets:
            each.engine.set_position_mode(ask.account, mode, max(ask.now_ns, each.engine.now_ns))
        return dict(SUCCESS)

    def multi_assets(self, ask: Ask) -> Row:
        """Return that all assets are on their own."""
        del ask
        return {"multiAssetsMargin": False}

    def set_multi_assets(self, ask: Ask) -> Row:
        """Refuse it: there is no Multi-Assets mode here; leaving it is no change (facts C.9.3)."""
        if not ask.params.flag("multiAssetsMargin"):
            raise refuse(-4171)
        if ask.engine.open_orders(ask.account):
            raise refuse(-4170)
        isolated = any(
            ask.engine.leverage(ask.account, each).margin_type is MarginType.ISOLATED
            for each in self._core.market.instruments.values()
        )
        raise refuse(-4167 if isolated else -4169)

    # The dead man's switch.

    def countdown(self, ask: Ask) -> Row:
        """Set a countdown for an instrument, or stop it with zero (facts D.2.9)."""
        instrument, time_ms = self._core.instrument(ask.params), ask.params.integer("countdownTime")
        if time_ms is None or time_ms < 0:
            raise refuse(-1130, "countdownTime")
        due = ask.now_ns + time_ms * MILLI if time_ms else None
        self.countdowns.set(ask.account, instrument.symbol, due)
        return {"symbol": instrument.symbol, "countdownTime": str(time_ms)}


def _refuse_if_used(market: SandboxMarket, account: str) -> None:
    if market.engine.open_orders(account):
        raise refuse(-4067)
    if market.engine.positions(account):
        raise refuse(-4068)
