"""USD-M and COIN-M: how orders are placed, changed and cancelled (facts D.2.3 to D.2.8, D.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from toucan_execution.call import Call, Conversation, Params, one
from toucan_execution.client.binance import errors, requests_futures as requests, venue_answers as answers
from toucan_execution.client.binance.endpoints import Op
from toucan_execution.client.binance.params import id_param
from toucan_execution.client.binance.venue_futures_reads import FuturesReads, is_absent, united_order
from toucan_execution.errors import UnknownOrder
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Order,
    OrderListRequest,
    OrderRequest,
)
from toucan_execution.venue import Feature, Placed, Replaced
from toucan_instrument import Instrument
from toucan_instrument.errors import InvalidInput, PayloadError, RequestError, VenueError

__all__ = ["BinanceFuturesVenue"]


class BinanceFuturesVenue(FuturesReads):
    """What both futures markets have alike; made like `BinanceVenue`."""

    # Placing.

    def place(self, request: OrderRequest) -> Conversation[Placed]:
        """See `ExecutionVenue.place`; a conditional order goes to the algo service."""
        self.check(request)
        if request.type.is_conditional:
            return self._place_conditional(request)
        return one(self._place_regular(request))

    def _place_regular(self, request: OrderRequest) -> Call[Placed]:
        return self._call(
            Op.PLACE,
            requests.order_params(request, self.position_mode),
            lambda body, _: answers.futures_placed(self._scope, body),
        )

    def _place_algo(self, request: OrderRequest) -> Call[Placed]:
        return self._call(
            Op.ALGO_PLACE,
            requests.algo_params(request, self.position_mode),
            lambda body, _: Placed(answers.futures_algo(self._scope, body)),
        )

    def _place_conditional(self, request: OrderRequest) -> Conversation[Placed]:
        return one(self._place_algo(request))

    def place_many(self, requests: Sequence[OrderRequest]) -> Conversation[list[Placed | VenueError]]:
        """See `ExecutionVenue.place_many`.

        Conditional orders cannot be in a batch: those among the requests are placed one by one after it.
        Where one of several requests has no answer, its element is an error whose verdict is unknown, and
        the others' stay what they are.

        Raises:
            InvalidInput: There are too many, or none, or one of them cannot be.
        """
        self._check_batch(requests, self.batch_limit)
        for request in requests:
            self.check(request)
        return self._place_all(requests)

    def _place_all(self, placed: Sequence[OrderRequest]) -> Conversation[list[Placed | VenueError]]:
        regular = [number for number, each in enumerate(placed) if not each.type.is_conditional]
        results: dict[int, Placed | VenueError] = {}
        alone = len(regular) == len(placed)
        if regular:
            call = self._batch(
                Op.PLACE_MANY,
                requests.batch_params([placed[number] for number in regular], self.position_mode),
                len(regular),
            )
            found = yield from self._of_batch(call, len(regular), alone=alone)
            results |= dict(zip(regular, found, strict=True))
        for number, request in enumerate(placed):
            if request.type.is_conditional:
                results[number] = yield from self._one_of_many(self._place_conditional(request))
        return [results[number] for number in range(len(placed))]

    def _check_batch(self, batch: Sequence[object], most: int) -> None:
        if not 1 <= len(batch) <= most:
            raise InvalidInput(
                "not so many in one request", field="requests", value=len(batch), accepted=f"1 to {most}"
            )

    def _batch(self, op: Op, params: Params, size: int) -> Call[list[Placed | VenueError]]:
        def decode(body: bytes, _: int) -> list[Placed | VenueError]:
            rows = answers.elements(body)
            if len(rows) != size:
                raise PayloadError(op.value, raw=body, cause=f"{len(rows)} answers to {size} orders")
            return [self._element(call, row) for row in rows]

        slots = size if op is Op.PLACE_MANY else 0
        call: Call[list[Placed | VenueError]] = self._call(op, params, decode, slots=slots)
        return call

    def _element(self, call: Call[Any], raw: bytes) -> Placed | VenueError:
        error = errors.element_error(self.exchange, call, raw)
        return answers.futures_placed(self._scope, raw) if error is None else error

    def _of_batch(
        self, call: Call[list[Placed | VenueError]], size: int, *, alone: bool
    ) -> Conversation[list[Placed | VenueError]]:
        """Make a batch's call; beside others its error is each element's."""
        try:
            found: list[Placed | VenueError] = yield call
        except (RequestError, PayloadError) as error:
            if alone:
                raise
            return [_as_element(call, error)] * size
        return found

    def _one_of_many(self, conversation: Conversation[Placed]) -> Conversation[Placed | VenueError]:
        call: Call[Any] | None = None
        try:
            call = next(conversation)
            while True:
                try:
                    result = yield call
                except (RequestError, PayloadError) as error:
                    call = conversation.throw(error)
                else:
                    call = conversation.send(result)
        except StopIteration as done:
            placed: Placed = done.value
            return placed
        except (RequestError, PayloadError) as error:
            return _as_element(call, error)

    def test(self, request: OrderRequest) -> Conversation[None]:
        """See `ExecutionVenue.test`.

        Raises:
            UnsupportedKind: The venue tests no conditional orders, and COIN-M none at all.
        """
        self.check(request)
        if Feature.TEST_ORDER not in self.features or request.type.is_conditional:
            raise self._unsupported(f"a test of a {request.type.value} order", "placing it")
        params = requests.order_params(request, self.position_mode)
        return one(self._call(Op.TEST, params, lambda body, _: answers.nothing(body)))

    def amend(self, request: AmendRequest, known: Order | None) -> Conversation[Placed]:
        """See `ExecutionVenue.amend`: the order goes to the end of its queue (facts D.2.6).

        Raises:
            InvalidInput: Side, quantity or price is neither said nor known, or it is a conditional order.
        """
        params = requests.amend_params(self.exchange, request, known)
        return one(self._call(Op.AMEND, params, lambda body, _: answers.futures_placed(self._scope, body)))

    # Cancelling.

    def cancel(self, request: CancelRequest, known: Order | None) -> Conversation[Placed]:
        """See `ExecutionVenue.cancel`.

        A conditional order is cancelled at the algo service; where that no longer knows it, because it was
        triggered, its actual order is. Where nobody knows which sort it is, and it is no regular order, its
        client order id is tried at the algo service.
        """
        self._check_instrument(request.instrument)
        if self._is_conditional(request, known):
            return self._cancel_conditional(request, known)
        if known is not None and known.type.is_conditional and known.order_id:
            # Triggered: its actual order is surely named by the venue's id alone (facts D.2.4).
            request = msgspec.structs.replace(request, order_id=known.order_id)
        regular = self._cancel_regular(requests.cancel_params(request))
        if request.conditional is None and known is None and request.client_order_id:
            return self._cancel_either(request, regular)
        return one(regular)

    def _is_conditional(self, request: CancelRequest, known: Order | None) -> bool:
        of_algo = known is not None and bool(known.algo_id)
        if not of_algo and (not self.conditional_over_algo or (known is not None and known.order_id)):
            return False  # of the older sort, among the regular orders
        return bool(requests.is_conditional(request, known))

    def _cancel_regular(self, params: Params) -> Call[Placed]:
        return self._call(Op.CANCEL, params, lambda body, _: answers.futures_placed(self._scope, body))

    def _cancel_algo(self, request: CancelRequest, known: Order | None) -> Call[Placed]:
        return self._call(
            Op.ALGO_CANCEL,
            self._algo_ids(request, known),
            lambda body, _: answers.futures_algo_cancelled(body, known),
        )

    def _algo_ids(self, request: CancelRequest, known: Order | None) -> Params:
        """Return which conditional order is meant; what is known as its order id is its actual order's."""
        if known is not None and known.algo_id:
            return requests.algo_id_params("", known.algo_id)
        return requests.algo_id_params(request.client_order_id, request.order_id)

    def _cancel_conditional(self, request: CancelRequest, known: Order | None) -> Conversation[Placed]:
        try:
            placed: Placed = yield self._cancel_algo(request, known)
        except UnknownOrder as unknown:
            order: Order | None
            try:
                order = yield self._call(
                    Op.ALGO_ORDER,
                    self._algo_ids(request, known),
                    lambda body, _: answers.futures_algo(self._scope, body),
                )
            except UnknownOrder:
                order = None
            if order is None or not order.order_id:
                raise unknown from None
            params = (("symbol", request.instrument.symbol), id_param("orderId", order.order_id))
            placed = yield self._cancel_regular(params)
            if placed.order is not None:
                placed = Placed(united_order(order, placed.order))
        return placed

    def _cancel_either(self, request: CancelRequest, regular: Call[Placed]) -> Conversation[Placed]:
        try:
            placed: Placed = yield regular
        except UnknownOrder as unknown:
            try:
                by_client_id = msgspec.structs.replace(request, order_id="")
                placed = yield self._cancel_algo(by_client_id, None)
            except VenueError as error:
                if isinstance(error, UnknownOrder) or (self._may_lack_algo and is_absent(error)):
                    raise unknown from None
                raise
        return placed

    def cancel_many(
        self, instrument: Instrument, requests: Sequence[CancelRequest]
    ) -> Conversation[list[Placed | VenueError]]:
        """See `ExecutionVenue.cancel_many`; what is said of conditional orders at `place_many` holds here.

        Raises:
            InvalidInput: There are too many, or none, or they are not of that instrument or share no sort of
                id.
        """
        self._check_instrument(instrument)
        self._check_batch(requests, self.cancel_batch_limit)
        return self._cancel_all_of(instrument, requests)

    def _cancel_all_of(
        self, instrument: Instrument, cancels: Sequence[CancelRequest]
    ) -> Conversation[list[Placed | VenueError]]:
        regular = [number for number, each in enumerate(cancels) if not each.conditional]
        results: dict[int, Placed | VenueError] = {}
        alone = len(regular) == len(cancels)
        if regular:
            params = requests.cancel_many_params(instrument, [cancels[number] for number in regular])
            call = self._batch(Op.CANCEL_MANY, params, len(regular))
            found = yield from self._of_batch(call, len(regular), alone=alone)
            results |= dict(zip(regular, found, strict=True))
        for number, request in enumerate(cancels):
            if request.conditional:
                results[number] = yield from self._one_of_many(self._cancel_conditional(request, None))
        return [results[number] for number in range(len(cancels))]

    def cancel_all(self, instrument: Instrument) -> Conversation[list[Order]]:
        """See `ExecutionVenue.cancel_all`: regular and conditional orders; the venue says not which."""
        params = (self._check_instrument(instrument),)
        yield self._call(Op.CANCEL_ALL, params, lambda body, _: answers.nothing(body))
        call = self._call(Op.ALGO_CANCEL_ALL, params, lambda body, _: answers.nothing(body))
        yield from self._where_there_is(call, None)
        return []

    # What the futures do not have.

    def place_list(self, request: OrderListRequest) -> Conversation[Placed]:
        """See `ExecutionVenue.place_list`: the futures have no lists.

        Raises:
            UnsupportedKind: Always.
        """
        raise self._unsupported(f"an {request.kind.value} list", "single orders")

    def cancel_replace(self, request: CancelReplaceRequest) -> Conversation[Replaced]:
        """See `ExecutionVenue.cancel_replace`: the futures change orders instead.

        Raises:
            UnsupportedKind: Always.
        """
        del request
        raise self._unsupported("a cancel-replace", "amend")


def _as_element(call: Call[Any] | None, error: RequestError | PayloadError) -> VenueError:
    """Return an error among several as a venue's: one that has no answer has an unknown verdict."""
    if isinstance(error, VenueError):
        return error
    if call is None:
        raise error
    return errors.unanswered(call, str(error))
