"""OKX: spot, perpetual swaps, dated futures, and trades and tickers of options, all of one venue.

The rules are those of the facts on OKX as of 2026-11; `endpoints` has them as one dated table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from toucan_data.addressed import AddressedVenue
from toucan_data.bookrule import BookSnapshot
from toucan_data.exchange.okx import endpoints, rest, streams
from toucan_data.exchange.okx.endpoints import BOOKS, DEMO_HEADER, DEPTH_CHANNELS, PATHS
from toucan_data.exchange.okx.session import OkxSession
from toucan_data.feed import Channel, Feed, Limits, SessionContext
from toucan_data.kinds import Kind
from toucan_data.sequencer import BookSync
from toucan_data.status import Status
from toucan_data.table import Endpoints
from toucan_instrument import Environment, Exchange, Instrument
from toucan_instrument.asset import upper_ascii
from toucan_instrument.rest import Request

__all__ = ["Okx"]


class Okx(AddressedVenue):
    """OKX; accounts of some regions see other instruments, at other addresses (`endpoints.REGIONS`)."""

    exchange = Exchange.OKX
    endpoints: ClassVar[Endpoints] = endpoints

    @property
    def kinds(self) -> Mapping[Kind[Any], str]:
        """The kinds that it has, of one sort of instrument or another."""
        return streams.KINDS

    @property
    def blind(self) -> frozenset[str]:
        """See `Venue.blind`; what a later message says in full (tops, tickers, rates) is not among them."""
        return frozenset({"Liquidations"})

    def limits_of(self, route: str) -> Limits:
        """See `Venue.limits_of`: fewer streams on a connection for deep books."""
        if route != BOOKS:
            return self.limits
        most = min(DEPTH_CHANNELS, self.limits.streams_per_connection)
        return msgspec.structs.replace(self.limits, streams_per_connection=most)

    def url(self, route: str) -> str:
        """Return the address of a route."""
        return f"{self._ws_url}{PATHS[route].value}"

    def channel(self, instrument: Instrument | None, kind: Kind[object]) -> Channel:
        """See `Venue.channel`."""
        return streams.channel(self.exchange, instrument, kind)

    def prepare(
        self,
        feed: Feed,
        report: Callable[[Status], None],
        want_snapshot: Callable[[BookSync], None],
        instrument_of: Callable[[str], Instrument],
    ) -> None:
        """See `Venue.prepare`."""
        streams.prepare(feed, report, want_snapshot, instrument_of)

    def streams_of(self, name: str) -> tuple[str, tuple[Kind[Any], ...]] | None:
        """See `Venue.streams_of`."""
        return streams.streams_of(name)

    def session(self, context: SessionContext, feeds: list[Feed]) -> OkxSession:
        """See `Venue.session`."""
        return OkxSession(context, feeds)

    def symbol(self, base: str, quote: str) -> str:
        """Return the spelling of a pair of spot."""
        return upper_ascii(f"{base}-{quote}")

    def snapshot_request(self, instrument: Instrument, levels: int) -> Request:
        """See `Venue.snapshot_request`: always as deep as the stream's own book."""
        del levels
        return self._of_here(rest.snapshot_request(self._rest_url, instrument))

    def decode_snapshot(self, body: bytes, levels: int) -> BookSnapshot:
        """See `Venue.decode_snapshot`."""
        del levels
        return rest.decode_snapshot(body)

    def instruments_request(self) -> Request:
        """See `Venue.instruments_request`: spot first."""
        return self._of_here(super().instruments_request())

    def more_instruments(self, request: Request, body: bytes) -> Sequence[Request]:
        """See `Venue.more_instruments`: the other sorts, and the options of each underlying."""
        return [self._of_here(each) for each in super().more_instruments(request, body)]

    def volumes_request(self) -> Request:
        """See `Venue.volumes_request`."""
        return self._of_here(super().volumes_request())

    def more_volumes(self, request: Request, body: bytes) -> Sequence[Request]:
        """See `Venue.more_volumes`."""
        return [self._of_here(each) for each in super().more_volumes(request, body)]

    def _of_here(self, request: Request) -> Request:
        """Return a request as the environment wants it: the demo is told by a header."""
        if self.environment is not Environment.DEMO:
            return request
        name, _, value = DEMO_HEADER.value.partition(": ")
        return msgspec.structs.replace(request, headers={**request.headers, name: value})
