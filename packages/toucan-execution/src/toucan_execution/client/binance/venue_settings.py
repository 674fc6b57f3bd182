"""What the futures have beside orders: leverage, margin, modes, the ledger, the dead man's switch (D.2)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from toucan_execution.account import Income, LeverageBracket, LeverageSetting, MarginType, PositionMode
from toucan_execution.call import Call, Conversation, Params, one
from toucan_execution.client.binance import messages as wire, venue_answers as answers
from toucan_execution.client.binance.endpoints import HISTORIES, Op
from toucan_execution.client.binance.params import flag, given, milliseconds, text
from toucan_execution.client.binance.venue_base import BinanceVenue
from toucan_execution.client.binance.venue_paging import Pages, check_kept, complete, in_windows, within
from toucan_execution.client.binance.words import MARGIN_TYPE_WORDS, POSITION_SIDE_WORDS
from toucan_execution.orders import PositionSide
from toucan_execution.venue import VerdictKind
from toucan_instrument import Instrument
from toucan_instrument.decimals import decimal_of
from toucan_instrument.errors import InvalidInput, VenueError

__all__ = ["FuturesSettings", "UsdMSettings"]

MOST_LEVERAGE = 125
ADD, TAKE = 1, 2


class _Countdown(wire.Wire):
    countdownTime: int  # noqa: N815 - the wire's own name


_COUNTDOWN = wire.decoder_of(_Countdown)


class FuturesSettings(BinanceVenue):
    """Settings and ledger of both futures markets; a part of their venues."""

    # Leverage and margin.

    def set_leverage(self, instrument: Instrument, leverage: int) -> Conversation[LeverageSetting]:
        """Set the leverage of an instrument.

        Raises:
            InvalidInput: It is no whole number of 1 to 125.
        """
        if isinstance(leverage, bool) or not isinstance(leverage, int) or not 1 <= leverage <= MOST_LEVERAGE:
            raise InvalidInput(
                "that is no leverage", field="leverage", value=leverage, accepted=f"1 to {MOST_LEVERAGE}"
            )
        params = (self._check_instrument(instrument), ("leverage", leverage))
        return one(
            self._call(Op.LEVERAGE, params, lambda body, _: answers.futures_leverage(self._scope, body))
        )

    def leverage_brackets(self, instrument: Instrument | None = None) -> Conversation[list[LeverageBracket]]:
        """Fetch how much leverage positions of which size may have."""
        params: Params = () if instrument is None else (self._check_instrument(instrument),)
        return one(
            self._call(
                Op.BRACKETS,
                params,
                lambda body, _: answers.futures_brackets(self._scope, body),
                everything=instrument is None,
            )
        )

    def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> Conversation[bool]:
        """Set cross or isolated margin; return whether that changed anything."""
        params = (self._check_instrument(instrument), ("marginType", MARGIN_TYPE_WORDS[margin_type]))
        return self._set(self._call(Op.MARGIN_TYPE, params, lambda body, _: answers.nothing(body)))

    def change_isolated_margin(
        self, instrument: Instrument, amount: Decimal, *, position_side: PositionSide | None = None
    ) -> Conversation[None]:
        """Add to the margin of an isolated position, or take from it with an amount below zero.

        Raises:
            InvalidInput: The amount is a float or zero, or the position is not named in hedge mode.
        """
        amount = decimal_of(amount, field="amount")
        if not amount:
            raise InvalidInput("nothing would change", field="amount", value=amount, accepted="not zero")
        if self.position_mode is PositionMode.HEDGE and position_side not in (
            PositionSide.LONG,
            PositionSide.SHORT,
        ):
            raise InvalidInput(
                "the account is in hedge mode: say which",
                field="position_side",
                value=position_side,
                accepted="long or short",
            )
        params = (
            self._check_instrument(instrument),
            *given(("positionSide", None if position_side is None else POSITION_SIDE_WORDS[position_side])),
            ("amount", text(abs(amount), "amount")),
            ("type", ADD if amount > 0 else TAKE),
        )
        return one(self._call(Op.ISOLATED_MARGIN, params, lambda body, _: answers.nothing(body)))

    # Modes.

    def fetch_position_mode(self) -> Conversation[PositionMode]:
        """Fetch whether an instrument has one position or one for each side; `position_mode` follows."""
        part = yield from one(
            self._call(Op.POSITION_MODE, (), lambda body, ns: answers.futures_config(self._scope, body, ns))
        )
        self.learn_mode(part.position_mode)
        return self.position_mode or PositionMode.ONE_WAY

    def set_position_mode(self, mode: PositionMode) -> Conversation[bool]:
        """Set it, for all instruments; return whether that changed anything.

        It holds for USD-M and COIN-M alike (facts D.3.1), and is refused while there are open orders or
        positions on either.
        """
        params = (("dualSidePosition", flag(mode is PositionMode.HEDGE)),)
        changed = yield from self._set(
            self._call(Op.SET_POSITION_MODE, params, lambda body, _: answers.nothing(body))
        )
        self.learn_mode(mode)
        return changed

    def _set(self, call: Call[None]) -> Conversation[bool]:
        """Make a call that the venue refuses where nothing would change; return whether anything did."""
        try:
            yield call
        except VenueError as error:
            if self.verdict(error).kind is VerdictKind.DONE:
                return False
            raise
        return True

    # The ledger.

    def income(
        self, since_ns: int, until_ns: int, *, instrument: Instrument | None = None, kind: str = ""
    ) -> Conversation[list[Income]]:
        """Fetch the account's ledger, oldest first, page by page (facts D.2.10, D.3.1).

        Args:
            since_ns: From when on, nanoseconds since the epoch.
            until_ns: Until when.
            instrument: Of which alone, None for all.
            kind: Of which kind alone, in the venue's word, empty for all.

        Raises:
            InvalidInput: The venue does not keep all of it.
            Incomplete: It ended early; the error holds what was got and says where it stopped.
        """
        history = HISTORIES[self.exchange][Op.INCOME]
        span = (milliseconds(since_ns), milliseconds(until_ns))
        check_kept("its ledger", span, history)
        chosen = (
            *(() if instrument is None else (self._check_instrument(instrument),)),
            *given(("incomeType", kind or None)),
        )

        def fetch(start: int, end: int, number: int = 1) -> Call[list[Income]]:
            paged = (("page", number),) if number > 1 else ()
            times = (("startTime", start), ("endTime", end))
            return self._call(
                Op.INCOME,
                (*chosen, *times, *paged, ("limit", history.page)),
                lambda body, _: answers.futures_income(self._scope, body),
            )

        pages: Pages[Income] = Pages(_identity, lambda row: (row.time_exchange, 0), since_ns - 1)

        def overfull(at_ms: int, rows: list[Income]) -> Conversation[list[Income]]:
            found, number = list(rows), 1
            while len(rows) >= history.page:
                number += 1
                rows = yield from pages.ask(fetch(at_ms, at_ms, number))
                found += rows
            return found

        steps = in_windows(pages, fetch, span, history, overfull)
        return within(complete("income", pages, steps), lambda row: row.time_exchange, since_ns, until_ns)

    # The dead man's switch.

    def countdown_cancel_all(self, instrument: Instrument, countdown_ms: int) -> Conversation[int]:
        """Have all open orders of an instrument cancelled unless this is said again in time (D.2.9).

        Args:
            instrument: Of which.
            countdown_ms: In how many milliseconds; 0 stops the countdown.

        Returns:
            The countdown that the venue has taken note of, milliseconds.
        """
        if isinstance(countdown_ms, bool) or not isinstance(countdown_ms, int) or countdown_ms < 0:
            raise InvalidInput(
                "that is no countdown", field="countdown_ms", value=countdown_ms, accepted="0 or more"
            )
        params = (self._check_instrument(instrument), ("countdownTime", countdown_ms))
        return one(
            self._call(
                Op.COUNTDOWN, params, lambda body, _: wire.read(_COUNTDOWN, body, "countdown").countdownTime
            )
        )


def _identity(row: Income) -> tuple[str, ...]:
    """Return what tells lines apart: a transaction id is unique within its kind (facts D.2.10).

    One transaction may be for several assets; a line without an id is told by all that it says.
    """
    if row.transaction_id:
        return (row.kind, row.transaction_id, row.asset, row.trade_id)
    return (str(msgspec.json.encode(row.to_dict())),)


class UsdMSettings(FuturesSettings):
    """Settings that USD-M alone has."""

    def fetch_multi_assets(self) -> Conversation[bool]:
        """Fetch whether all assets margin all positions."""
        part = yield from one(
            self._call(Op.MULTI_ASSETS, (), lambda body, ns: answers.futures_config(self._scope, body, ns))
        )
        return bool(part.multi_assets)

    def set_multi_assets(self, multi_assets: bool) -> Conversation[bool]:  # noqa: FBT001 - it is the value
        """Set it; return whether that changed anything."""
        params = (("multiAssetsMargin", flag(multi_assets)),)
        return self._set(self._call(Op.SET_MULTI_ASSETS, params, lambda body, _: answers.nothing(body)))
