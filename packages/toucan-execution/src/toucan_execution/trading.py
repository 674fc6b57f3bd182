"""From a request to its outcome: what is checked before, what is noted around it, and what an answer means.

Rules, written down once:

- An order has its id before anything is sent, and is known as in flight before anything is sent.
- What the venue refused for certain is `Rejected`. What got no clear answer is `Unknown`: a time-out, a
  connection lost after sending, an answer that cannot be read, and the errors that a venue's own table names.
- Nothing that changes something is sent twice.
- A cancel or an amend that the venue refuses as unknown is looked up: where the order is over, the outcome
  is `Reason.ALREADY_CLOSED` with its last state.
- A task that is cancelled while its request may have left leaves the order as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from toucan_execution.account import PositionMode
from toucan_execution.call import Conversation
from toucan_execution.caller import Attempt, Caller
from toucan_execution.errors import UnknownOrder
from toucan_execution.follower import Follower
from toucan_execution.ids import ClientIds
from toucan_execution.orders import (
    AmendRequest,
    CancelReplaceRequest,
    CancelRequest,
    Intent,
    Order,
    OrderListRequest,
    OrderRequest,
)
from toucan_execution.outcome import (
    Accepted,
    Outcome,
    Reason,
    Rejected,
    ReplaceOutcome,
    Route,
    Unknown,
)
from toucan_execution.preflight import MarketFacts, preflight, preflight_amend
from toucan_execution.venue import ExecutionVenue, Feature, Placed, Replaced, VerdictKind
from toucan_instrument import Instrument
from toucan_instrument.errors import (
    InvalidInput,
    PayloadError,
    RequestError,
    RequestFailed,
    ToucanError,
    VenueError,
)

__all__ = ["Desk", "instrument_of"]

STALLED = "a reader of the account's stream has fallen too far behind: only cancels pass"
CLOSED_ELSEWHERE = frozenset({Reason.UNKNOWN_ORDER, Reason.ALREADY_CLOSED})


class Desk:
    """Places, changes and cancels the orders of one client.

    Args:
        venue: Writes requests and says what errors mean.
        caller: Sends them.
        follower: What is known of the account.
        ids: Makes client order ids.
        over: The way that orders take.
        receive_window_ns: How old a request may be when the venue gets it.
        facts: Gives what the checks before sending may use of an instrument's market.
        rules: Gives an instrument with its rules, as far as they are known.
        mode: Gives the account's position mode, None on spot or where it is not known yet.
    """

    def __init__(
        self,
        venue: ExecutionVenue,
        caller: Caller,
        follower: Follower,
        *,
        ids: ClientIds,
        over: Route,
        receive_window_ns: int,
        facts: Callable[[OrderRequest | AmendRequest], MarketFacts],
        rules: Callable[[Instrument], Instrument],
        mode: Callable[[], PositionMode | None],
    ) -> None:
        self._venue = venue
        self._caller = caller
        self._follower = follower
        self._ids = ids
        self._over = over
        self._window_ns = receive_window_ns
        self._facts = facts
        self._rules = rules
        self._mode = mode

    # Orders.

    async def place(self, request: OrderRequest, *, allow_unsynced: bool) -> Outcome:
        """Place an order, once."""
        request = self._complete(request)
        refused = self._refusal(request, allow_unsynced=allow_unsynced)
        if refused is not None:
            return refused
        conversation = self._venue.place(request)  # before anything is noted: it may still refuse
        self._follower.begin(request)
        return await self._act(request, request.client_order_id, conversation)

    async def place_many(
        self, requests: Sequence[OrderRequest], *, allow_unsynced: bool
    ) -> tuple[Outcome, ...]:
        """Place orders, in as few requests as the venue allows."""
        completed = [self._complete(request) for request in requests]
        _no_repetition([request.client_order_id for request in completed])
        outcomes: list[Outcome | None] = [
            self._refusal(request, allow_unsynced=allow_unsynced) for request in completed
        ]
        left = [number for number, refused in enumerate(outcomes) if refused is None]
        size = self._venue.batch_limit if Feature.BATCH_PLACE in self._venue.features else 1
        for first in range(0, len(left), max(1, size)):
            numbers = left[first : first + max(1, size)]
            batch = [completed[number] for number in numbers]
            if len(batch) == 1:
                [one] = batch
                conversation = self._venue.place(one)
                self._follower.begin(one)
                found = [await self._act(one, one.client_order_id, conversation)]
            else:
                together = self._venue.place_many(batch)
                for request in batch:
                    self._follower.begin(request)
                found = await self._act_many(batch, together)
            for number, outcome in zip(numbers, found, strict=True):
                outcomes[number] = outcome
        return tuple(outcome for outcome in outcomes if outcome is not None)

    async def test(self, request: OrderRequest) -> Outcome:
        """Have the venue check an order; nothing is noted of it."""
        request = self._complete(request)
        violations = preflight(request, facts=self._facts(request))
        if violations:
            return _broken(request, request.client_order_id, violations)

        def conversation() -> Conversation[Placed]:
            yield from self._venue.test(request)
            return Placed(None)

        attempt = Attempt()
        try:
            await self._caller.converse(conversation(), attempt, over=self._over)
        except (RequestError, PayloadError) as error:
            outcome = self._judge(request, request.client_order_id, error, attempt)
            if isinstance(outcome, Unknown):  # a test changes nothing: there is nothing to find out
                return _rejected(request, request.client_order_id, Reason.UNAVAILABLE, str(error), attempt)
            return outcome
        return Accepted(
            intent=request,
            client_order_id=request.client_order_id,
            route=attempt.route,
            received_ns=attempt.received_ns,
        )

    async def place_list(self, request: OrderListRequest, *, allow_unsynced: bool) -> Outcome:
        """Place a list of orders."""
        self._venue.check_list(request)
        legs = tuple(self._named(leg) for leg in request.orders)
        list_id = request.client_list_id or self._ids.new()
        request = msgspec.structs.replace(request, orders=legs, client_list_id=list_id)
        _no_repetition([leg.client_order_id for leg in legs])
        for leg in legs:
            refused = self._refusal(leg, allow_unsynced=allow_unsynced)
            if isinstance(refused, Rejected):
                return msgspec.structs.replace(refused, intent=request, client_order_id=list_id)
        conversation = self._venue.place_list(request)
        for leg in legs:
            self._follower.begin(leg)
        return await self._act(request, list_id, conversation)

    async def amend(self, request: AmendRequest) -> Outcome:
        """Change an order."""
        known = self._known(request.instrument, request.client_order_id, request.order_id)
        client_id = known.client_order_id if known else request.client_order_id
        conversation = self._venue.amend(request, known)
        if self._follower.stalled:
            return _unsent(request, client_id, Reason.STALLED, STALLED, retryable=True)
        ruled = msgspec.structs.replace(request, instrument=self._rules(request.instrument))
        violations = preflight_amend(ruled, known, facts=self._facts(ruled))
        if violations:
            return _broken(request, client_id, violations)
        outcome = await self._act(request, client_id, conversation)
        return await self._looked_up(outcome, request, known)

    async def cancel(self, request: CancelRequest | Order) -> Outcome:
        """Cancel an order."""
        asked, known = self._cancel_of(request)
        client_id = known.client_order_id if known else asked.client_order_id
        conversation = self._venue.cancel(asked, known)
        self._follower.begin_cancel(known)
        outcome = await self._act(asked, client_id, conversation)
        return await self._looked_up(outcome, asked, known)

    async def cancel_many(self, requests: Sequence[CancelRequest | Order]) -> tuple[Outcome, ...]:
        """Cancel orders, in as few requests as the venue allows."""
        asked = [_with_ids(*self._cancel_of(request)) for request in requests]
        outcomes: dict[int, Outcome] = {}
        size = self._venue.cancel_batch_limit if Feature.BATCH_CANCEL in self._venue.features else 1
        for instrument, numbers in _groups(asked, size):
            batch = [asked[number] for number in numbers]
            if len(batch) == 1:
                [(one, known)] = batch
                client_id = known.client_order_id if known else one.client_order_id
                conversation = self._venue.cancel(one, known)
                self._follower.begin_cancel(known)
                found = [await self._act(one, client_id, conversation)]
            else:
                intents = [one for one, _ in batch]
                together = self._venue.cancel_many(instrument, intents)
                for _, known in batch:
                    self._follower.begin_cancel(known)
                found = await self._act_many(intents, together)
            for number, outcome in zip(numbers, found, strict=True):
                outcomes[number] = await self._looked_up(outcome, *asked[number])
        return tuple(outcomes[number] for number in range(len(asked)))

    async def cancel_list(
        self, instrument: Instrument, list_id: str, conversation: Conversation[Placed]
    ) -> Outcome:
        """Cancel a list of orders, by the conversation that does it."""
        request = CancelRequest(instrument=instrument, client_order_id=list_id)
        return await self._act(request, list_id, conversation)

    async def cancel_replace(self, request: CancelReplaceRequest, *, allow_unsynced: bool) -> ReplaceOutcome:
        """Cancel an order and place another."""
        place = self._complete(request.place)
        request = msgspec.structs.replace(request, place=place)
        new_id, old = place.client_order_id, request.cancel
        known = self._known(old.instrument, old.client_order_id, old.order_id)
        old_id = known.client_order_id if known else old.client_order_id
        refused = self._refusal(place, allow_unsynced=allow_unsynced)
        if isinstance(refused, Rejected):
            return ReplaceOutcome(cancel=_not_attempted(old, old_id), place=refused)
        conversation = self._venue.cancel_replace(request)
        self._follower.begin(place)
        self._follower.begin_cancel(known)
        attempt = Attempt()
        try:
            replaced: Replaced = await self._caller.converse(conversation, attempt, over=self._over)
        except (RequestError, PayloadError) as error:
            cancelled = self._note(self._judge(old, old_id, error, attempt), known)
            return ReplaceOutcome(
                cancel=cancelled, place=self._note(self._judge(place, new_id, error, attempt), None)
            )
        except BaseException:
            self._abandon((place, new_id), attempt)
            self._abandon((old, old_id), attempt)
            raise
        cancelled = self._taken(old, old_id, replaced.cancel, attempt)
        if replaced.place is None:
            placed: Outcome = _not_attempted(place, new_id)
            self._follower.rejected(new_id, place.instrument, placed)
        else:
            placed = self._taken(place, new_id, replaced.place, attempt)
        return ReplaceOutcome(cancel=cancelled, place=placed)

    # Inside.

    def _complete(self, request: OrderRequest) -> OrderRequest:
        """Check a request for errors of the program, and give it its id and its instrument's rules."""
        self._venue.check(request, self._mode())
        return self._named(request)

    def _named(self, request: OrderRequest) -> OrderRequest:
        client_id = request.client_order_id or self._ids.new()
        return msgspec.structs.replace(
            request, client_order_id=client_id, instrument=self._rules(request.instrument)
        )

    def _refusal(self, request: OrderRequest, *, allow_unsynced: bool) -> Rejected | None:
        """Return why an order is not even sent, None if it may be."""
        client_id = request.client_order_id
        if self._follower.stalled:
            return _unsent(request, client_id, Reason.STALLED, STALLED, retryable=True)
        if not (allow_unsynced or self._follower.synced):
            message = f"the account is not in sync: {self._follower.stale_reason}"
            return _unsent(request, client_id, Reason.NOT_SYNCED, message, retryable=True)
        if self._follower.is_used(client_id):
            message = "this client order id was used before"
            return _unsent(request, client_id, Reason.DUPLICATE_ID, message)
        violations = preflight(request, facts=self._facts(request))
        return _broken(request, client_id, violations) if violations else None

    async def _act(self, intent: Intent, client_id: str, conversation: Conversation[Placed]) -> Outcome:
        """Send what changes something, and say what became of it."""
        attempt = Attempt()
        try:
            placed = await self._caller.converse(conversation, attempt, over=self._over)
        except (RequestError, PayloadError) as error:
            known = self._known_of(intent)
            return self._note(self._judge(intent, client_id, error, attempt), known)
        except BaseException:  # cancelled, or a bug: whatever has left may have had its effect
            self._abandon((intent, client_id), attempt)
            raise
        return self._taken(intent, client_id, placed, attempt)

    async def _act_many(
        self,
        intents: Sequence[OrderRequest | CancelRequest],
        conversation: Conversation[list[Placed | VenueError]],
    ) -> list[Outcome]:
        """Send several at once; one outcome each, in their order."""
        attempt = Attempt()
        try:
            found = await self._caller.converse(conversation, attempt)
        except (RequestError, PayloadError) as error:
            judged = [self._judge(intent, intent.client_order_id, error, attempt) for intent in intents]
            return [self._note(outcome, self._known_of(outcome.intent)) for outcome in judged]
        except BaseException:
            for intent in intents:
                self._abandon((intent, intent.client_order_id), attempt)
            raise
        return [
            self._taken(intent, intent.client_order_id, each, attempt)
            for intent, each in zip(intents, found, strict=True)
        ]

    def _taken(
        self, intent: Intent, client_id: str, answer: Placed | VenueError, attempt: Attempt
    ) -> Outcome:
        """Make the outcome of an answer, and note it."""
        if isinstance(answer, VenueError):
            return self._note(self._judge(intent, client_id, answer, attempt), self._known_of(intent))
        self._follower.learn(answer, received_ns=attempt.received_ns)
        if isinstance(intent, OrderRequest):
            self._follower.expect(answer.order)
        return Accepted(
            intent=intent,
            client_order_id=client_id,
            order=answer.order,
            fills=answer.fills,
            order_list=answer.order_list,
            route=attempt.route,
            received_ns=attempt.received_ns,
        )

    def _judge(self, intent: Intent, client_id: str, error: ToucanError, attempt: Attempt) -> Outcome:
        """Say what an error means."""
        if attempt.route is Route.NONE or (isinstance(error, RequestFailed) and error.sent is False):
            # What failed was something that has to be known first, such as the venue's time.
            rejected = _rejected(
                intent, client_id, Reason.NOT_SENT, str(error), attempt, error, retryable=True
            )
            wait_ns = error.retry_after_ns if isinstance(error, VenueError) else 0
            return msgspec.structs.replace(rejected, retry_after_ns=wait_ns)
        if isinstance(error, VenueError):
            verdict = self._venue.verdict(error)
            if verdict.kind is VerdictKind.DONE:
                return Accepted(
                    intent=intent,
                    client_order_id=client_id,
                    route=attempt.route,
                    received_ns=attempt.received_ns,
                    changed=False,
                )
            if verdict.kind is VerdictKind.REJECTED:
                return Rejected(
                    intent=intent,
                    client_order_id=client_id,
                    reason=verdict.reason,
                    message=error.venue_message,
                    sent=True,
                    retryable=verdict.retryable,
                    retry_after_ns=error.retry_after_ns,
                    error=error,
                    route=attempt.route,
                )
        return Unknown(
            intent=intent,
            client_order_id=client_id,
            sent_ns=attempt.sent_ns,
            expires_ns=attempt.sent_ns + self._window_ns,
            cause=str(error),
            error=error,
            route=attempt.route,
        )

    def _note(self, outcome: Outcome, known: Order | None) -> Outcome:
        """Let what is known of the account follow an outcome that is no plain success."""
        follower = self._follower
        intent = outcome.intent
        legs = intent.orders if isinstance(intent, OrderListRequest) else (intent,)
        if isinstance(outcome, Unknown):
            placed = [leg.client_order_id for leg in legs if isinstance(leg, OrderRequest)]
            follower.unknown(outcome, instrument_of(intent), placed)
        elif isinstance(outcome, Rejected):
            for leg in legs:
                if isinstance(leg, OrderRequest):
                    follower.rejected(leg.client_order_id, leg.instrument, outcome)
            if known is not None and isinstance(intent, CancelRequest):
                follower.end_cancel(known)
        return outcome

    def _abandon(self, sent: tuple[Intent, str], attempt: Attempt) -> None:
        """Note what is left behind by a task that was cancelled."""
        intent, client_id = sent
        if attempt.route is Route.NONE:
            outcome: Outcome = _unsent(intent, client_id, Reason.NOT_SENT, "cancelled before it was sent")
        else:
            outcome = Unknown(
                intent=intent,
                client_order_id=client_id,
                sent_ns=attempt.sent_ns,
                expires_ns=attempt.sent_ns + self._window_ns,
                cause="the task that waited for the answer was cancelled",
                route=attempt.route,
            )
        self._note(outcome, self._known_of(intent))

    async def _looked_up(
        self, outcome: Outcome, asked: CancelRequest | AmendRequest, known: Order | None
    ) -> Outcome:
        """Find the last state of an order that the venue says it does not know, or is over."""
        if not isinstance(outcome, Rejected) or outcome.reason not in CLOSED_ELSEWHERE:
            return outcome
        client_id, order_id, conditional = asked.client_order_id, asked.order_id, None
        if isinstance(asked, CancelRequest):
            conditional = asked.conditional
        if known is not None:
            client_id, order_id = known.client_order_id, known.algo_id or known.order_id or order_id
            conditional = True if known.algo_id else False if known.order_id else conditional
        try:
            order = await self._caller.converse(
                self._venue.order(
                    asked.instrument, client_order_id=client_id, order_id=order_id, conditional=conditional
                )
            )
        except UnknownOrder:
            return msgspec.structs.replace(outcome, reason=Reason.UNKNOWN_ORDER)
        except (RequestError, PayloadError):
            return outcome
        self._follower.learn(Placed(order), received_ns=0)
        if order.is_open:
            return msgspec.structs.replace(outcome, retryable=True)
        return msgspec.structs.replace(outcome, reason=Reason.ALREADY_CLOSED, final=order)

    def _known(self, instrument: Instrument, client_id: str, order_id: str) -> Order | None:
        if not (client_id or order_id):
            raise InvalidInput(
                "an order is named by an id",
                field="order_id",
                value="",
                accepted="client_order_id or order_id",
            )
        return self._follower.order(instrument, client_id, order_id)

    def _known_of(self, intent: Intent) -> Order | None:
        if isinstance(intent, (CancelRequest, AmendRequest)):
            return self._follower.order(intent.instrument, intent.client_order_id, intent.order_id)
        return None

    def _cancel_of(self, request: CancelRequest | Order) -> tuple[CancelRequest, Order | None]:
        if isinstance(request, CancelRequest):
            known = self._known(request.instrument, request.client_order_id, request.order_id)
            return request, known
        asked = CancelRequest(
            instrument=request.instrument,
            client_order_id=request.client_order_id,
            order_id=request.order_id,
            conditional=request.type.is_conditional and request.triggered is not True,
        )
        known = self._known(asked.instrument, asked.client_order_id, asked.order_id)
        return asked, known or request


def instrument_of(intent: Intent) -> Instrument:
    """Return the instrument that a request is about."""
    return intent.place.instrument if isinstance(intent, CancelReplaceRequest) else intent.instrument


def _with_ids(asked: CancelRequest, known: Order | None) -> tuple[CancelRequest, Order | None]:
    """Add the ids that are known of an order to its cancel, so that it fits into one request with others."""
    if known is None or known.type.is_conditional:
        return asked, known
    asked = msgspec.structs.replace(
        asked,
        client_order_id=asked.client_order_id or known.client_order_id,
        order_id=asked.order_id or known.order_id,
    )
    return asked, known


def _groups(asked: list[tuple[CancelRequest, Order | None]], size: int) -> list[tuple[Instrument, list[int]]]:
    """Group cancels by instrument and sort of id, conditional ones alone, at most `size` to a group."""
    groups: list[tuple[Instrument, list[int]]] = []
    open_group: dict[tuple[Instrument, bool], list[int]] = {}
    for number, (request, known) in enumerate(asked):
        conditional = request.conditional
        if conditional is None and known is not None:
            conditional = known.type.is_conditional and known.triggered is not True
        key = (request.instrument, bool(request.order_id))
        group = open_group.get(key)
        if conditional or size <= 1:
            groups.append((request.instrument, [number]))
        elif group is not None and len(group) < size:
            group.append(number)
        else:
            group = open_group[key] = [number]
            groups.append((request.instrument, group))
    return groups


def _no_repetition(ids: list[str]) -> None:
    repeated = {each for each in ids if ids.count(each) > 1}
    if repeated:
        raise InvalidInput(
            "orders of one request have the same id",
            field="client_order_id",
            value=min(repeated),
            accepted="a different id for each",
        )


def _unsent(
    intent: Intent, client_id: str, reason: Reason, message: str, *, retryable: bool = False
) -> Rejected:
    return Rejected(
        intent=intent,
        client_order_id=client_id,
        reason=reason,
        message=message,
        sent=False,
        retryable=retryable,
    )


def _not_attempted(intent: Intent, client_id: str) -> Rejected:
    return _unsent(intent, client_id, Reason.NOT_ATTEMPTED, "the other half was refused before this one")


def _broken(intent: OrderRequest | AmendRequest, client_id: str, violations: tuple[object, ...]) -> Rejected:
    message = "; ".join(map(str, violations))
    rejected = _unsent(intent, client_id, Reason.FILTER, message)
    return msgspec.structs.replace(rejected, violations=violations)


def _rejected(
    intent: Intent,
    client_id: str,
    reason: Reason,
    message: str,
    attempt: Attempt,
    error: ToucanError | None = None,
    *,
    retryable: bool = False,
) -> Rejected:
    return Rejected(
        intent=intent,
        client_order_id=client_id,
        reason=reason,
        message=message,
        sent=attempt.route is not Route.NONE and reason is not Reason.NOT_SENT,
        retryable=retryable,
        error=error,
        route=attempt.route,
    )
