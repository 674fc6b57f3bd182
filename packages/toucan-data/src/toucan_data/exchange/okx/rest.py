"""What toucan-data asks OKX's REST for: the snapshot of a book whose stream began without one."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from toucan_data.bookrule import BookSnapshot
from toucan_data.exchange.okx.book import DEPTH
from toucan_data.exchange.okx.messages import SnapshotBody
from toucan_data.exchange.okx.normalise import levels
from toucan_instrument import Instrument
from toucan_instrument.errors import PayloadError
from toucan_instrument.rest import Request
from toucan_instrument.timestamps import from_ms

__all__ = ["decode_snapshot", "snapshot_request"]

_SNAPSHOT = msgspec.json.Decoder(SnapshotBody, strict=False)


def snapshot_request(base_url: str, instrument: Instrument) -> Request:
    """Return the request for a book's snapshot, as deep as the stream's book is: facts 2, 400 levels."""
    symbol = quote(instrument.symbol, safe="")
    return Request("GET", f"{base_url}/api/v5/market/books?instId={symbol}&sz={DEPTH}")


def decode_snapshot(body: bytes) -> BookSnapshot:
    """Read a snapshot.

    Raises:
        PayloadError: It cannot be read, or has no id (before 2026), so that no update can follow it.
    """
    try:
        raw = _SNAPSHOT.decode(body).data[0]
    except (ValueError, IndexError, RecursionError) as error:
        raise PayloadError("a book's snapshot", raw=body, cause=str(error)) from error
    if raw.seqId is None:
        raise PayloadError("a book's snapshot", raw=body, cause="it has no seqId")
    return BookSnapshot(raw.seqId, levels(raw.bids), levels(raw.asks), from_ms(raw.ts))
