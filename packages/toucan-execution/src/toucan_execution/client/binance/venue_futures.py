"""USD-M and COIN-M as venues: what they have alike is in `venue_futures_reads` and `venue_futures_orders`.

Conditional orders live in the algo service, which has its own ids (facts D.2.4). USD-M: always. COIN-M: the
algo service is tried first, unless configured otherwise, and the venue's answer decides: -4120 from the old
endpoint means the algo service, and a path that does not exist means the old endpoint (facts 0.3-3).
"""

from __future__ import annotations

from typing import Any

import msgspec

from toucan_execution.account import AccountSnapshot, LeverageSetting, Position
from toucan_execution.call import Conversation, Params
from toucan_execution.client.binance import errors, requests_futures as requests, venue_answers as answers
from toucan_execution.client.binance.endpoints import Op
from toucan_execution.client.binance.venue_futures_orders import BinanceFuturesVenue
from toucan_execution.client.binance.venue_futures_reads import is_missing
from toucan_execution.client.binance.venue_settings import UsdMSettings
from toucan_execution.orders import OrderRequest
from toucan_execution.venue import Feature, Placed
from toucan_instrument import Instrument
from toucan_instrument.errors import VenueError

__all__ = ["BinanceCoinMVenue", "BinanceFuturesVenue", "BinanceUsdMVenue"]


class BinanceUsdMVenue(UsdMSettings, BinanceFuturesVenue):
    """Binance USD-M futures; made like `BinanceVenue`."""

    @property
    def features(self) -> frozenset[Feature]:
        """See `ExecutionVenue.features`."""
        return frozenset(
            {
                Feature.AMEND,
                Feature.BATCH_PLACE,
                Feature.BATCH_CANCEL,
                Feature.POSITIONS,
                Feature.TEST_ORDER,
            }
        )

    @property
    def max_account_algo_orders(self) -> int:
        """See `ExecutionVenue.max_account_algo_orders`: it took the place of a filter (facts C.3.3)."""
        return 200

    def snapshot(self) -> Conversation[AccountSnapshot]:
        """See `ExecutionVenue.snapshot`: account, settings, positions with their leverage, open orders."""
        part = yield self._account()
        config = yield self._call(
            Op.ACCOUNT_CONFIG, (), lambda body, ns: answers.futures_config(self._scope, body, ns)
        )
        positions = yield from self.positions()
        return (yield from self._snapshot_of(part, config, positions))

    def positions(self, instrument: Instrument | None = None) -> Conversation[list[Position]]:
        """See `ExecutionVenue.positions`; v3 does not say leverage and margin type: those are asked for."""
        params: Params = () if instrument is None else (self._check_instrument(instrument),)
        found: list[Position] = yield self._call(
            Op.POSITIONS, params, lambda body, _: answers.futures_positions(self._scope, body)
        )
        if not found:
            return []
        settings: list[LeverageSetting] = yield self._call(
            Op.SYMBOL_CONFIG, params, lambda body, _: answers.futures_leverages(self._scope, body)
        )
        by_instrument = {each.instrument: each for each in settings}
        return [_with_setting(each, by_instrument.get(each.instrument)) for each in found]


class BinanceCoinMVenue(BinanceFuturesVenue):
    """Binance COIN-M futures; made like `BinanceVenue`.

    Args:
        conditional_over_algo: Whether conditional orders go to the algo service first.
    """

    def __init__(self, *args: Any, conditional_over_algo: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        self.use_algo(yes=conditional_over_algo)

    @property
    def features(self) -> frozenset[Feature]:
        """See `ExecutionVenue.features`: no test of orders (facts D.3.1)."""
        return frozenset({Feature.AMEND, Feature.BATCH_PLACE, Feature.BATCH_CANCEL, Feature.POSITIONS})

    @property
    def _may_lack_algo(self) -> bool:
        return True

    def snapshot(self) -> Conversation[AccountSnapshot]:
        """See `ExecutionVenue.snapshot`: account, position mode, positions, open orders."""
        part = yield self._account()
        config = yield self._call(
            Op.POSITION_MODE, (), lambda body, ns: answers.futures_config(self._scope, body, ns)
        )
        positions = yield from self.positions()
        return (yield from self._snapshot_of(part, config, positions))

    def positions(self, instrument: Instrument | None = None) -> Conversation[list[Position]]:
        """See `ExecutionVenue.positions`: asked for by pair, as there is no way by symbol (facts D.3.1)."""
        params: Params = ()
        if instrument is not None:
            params = (("pair", str(self._check_instrument(instrument)[1]).partition("_")[0]),)
        found: list[Position] = yield self._call(
            Op.POSITIONS, params, lambda body, _: answers.futures_positions(self._scope, body)
        )
        return [each for each in found if instrument is None or each.instrument == instrument]

    def _place_conditional(self, request: OrderRequest) -> Conversation[Placed]:
        old = self._call(
            Op.PLACE,
            requests.old_conditional_params(request, self.position_mode),
            lambda body, _: answers.futures_placed(self._scope, body),
        )
        ways = [self._place_algo(request), old]
        if not self.conditional_over_algo:
            ways.reverse()
        try:
            placed: Placed = yield ways[0]
        except VenueError as error:
            wrong = is_missing(error) if self.conditional_over_algo else error.code == errors.ALGO_ONLY
            if not wrong:
                raise
            # Nothing was done there, for certain: the venue has named the other way.
            self.use_algo(yes=not self.conditional_over_algo)
            placed = yield ways[1]
        return placed


def _with_setting(position: Position, setting: LeverageSetting | None) -> Position:
    if setting is None:
        return position
    return msgspec.structs.replace(
        position,
        leverage=position.leverage or setting.leverage,
        margin_type=position.margin_type or setting.margin_type,
    )
