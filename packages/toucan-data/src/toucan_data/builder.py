"""From what a user asks for to streams that run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from ssl import SSLContext
from typing import Any, overload

from toucan_data.kinds import Kind
from toucan_data.selection import BUFFER
from toucan_data.streams import Streams
from toucan_data.subscription import Subscription, SubscriptionLike, expand
from toucan_data.venue import Venue
from toucan_instrument import Catalogue, Instrument
from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import Clock, Network, open_network

__all__ = ["StreamsBuilder"]


class StreamsBuilder:
    """Collects subscriptions; `init` checks them and opens the streams."""

    def __init__(
        self,
        *,
        buffer: int = BUFFER,
        budget_share: float = 1.0,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl: SSLContext | None = None,
        network: Network | None = None,
        clock: Clock | None = None,
        rng: Callable[[], float] = random.random,
    ) -> None:
        """Choose how the streams are run.

        Args:
            buffer: How many events each selection keeps for a slow reader, unless it says otherwise.
            budget_share: The part of a venue's request weight that may be used, above 0 and up to 1.
            proxy: Address of an HTTP proxy for streams and REST.
            trust_env: Whether ``HTTPS_PROXY`` and its like are honoured.
            ssl: An own TLS context; verification is off only if that says so.
            network: What dials and fetches, for tests; the options above are then its own business.
            clock: Where time comes from, for tests.
            rng: Where jitter comes from, for tests.

        Raises:
            InvalidInput: An option is out of range.
        """
        if not 0 < budget_share <= 1:
            raise InvalidInput(
                "a share is a part of the whole",
                field="budget_share",
                value=budget_share,
                accepted="above 0, up to 1",
            )
        if buffer < 1:
            raise InvalidInput("a buffer holds something", field="buffer", value=buffer, accepted="1 or more")
        self._buffer = buffer
        self._share = budget_share
        self._open: Callable[[], Network] = lambda: (
            network or open_network(proxy=proxy, trust_env=trust_env, ssl=ssl)
        )
        self._clock = clock
        self._rng = rng
        self._wanted: list[tuple[list[Subscription], bool]] = []

    @overload
    def subscribe(
        self, subscriptions: Iterable[SubscriptionLike], *, unchecked: bool = ...
    ) -> StreamsBuilder: ...
    @overload
    def subscribe(
        self,
        subscriptions: Catalogue | Iterable[Instrument],
        kinds: Kind[Any] | Sequence[Kind[Any]],
        *,
        venue: Venue | None = ...,
    ) -> StreamsBuilder: ...

    def subscribe(
        self,
        subscriptions: Any,
        kinds: Kind[Any] | Sequence[Kind[Any]] | None = None,
        *,
        venue: Venue | None = None,
        unchecked: bool = False,
    ) -> StreamsBuilder:
        """Add subscriptions, and return the builder; the arguments are those of `Streams.subscribe`.

        What can be told without the venue's list of instruments is checked here, the rest in `init`.

        Raises:
            InvalidInput: A subscription is not right.
        """
        self._wanted.append((expand(subscriptions, kinds, venue), unchecked))
        return self

    async def init(self) -> Streams:
        """Check the subscriptions and start to follow them.

        It returns when everything is checked and the connections are being opened; `Streams.ready` waits
        until data has flowed. Connections that cannot be had are tried for ever, and that is told.

        Raises:
            InvalidInput: A subscription is not right, or there is none.
            RequestError: A list of instruments could not be loaded.
        """
        if not self._wanted:
            raise InvalidInput(
                "there is nothing to subscribe",
                field="subscriptions",
                value=[],
                accepted="subscribe(...) first",
            )
        streams = Streams(
            network=self._open(),
            clock=self._clock,
            rng=self._rng,
            buffer=self._buffer,
            budget_share=self._share,
        )
        try:
            await streams._start(self._wanted)  # noqa: SLF001 - the two are one mechanism
        except BaseException:
            await streams.close()
            raise
        return streams
