"""What the official SDKs have in common: how they are configured and called, and how they say that they
cannot read an answer.

Their REST is synchronous, and so is run in a thread. Options: no second tries (`retries`).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)


@pytest.fixture(autouse=True)
def reads_all(caplog):
    """Fail where the SDK says that an answer is not of the form that it knows: it only warns of it."""
    yield
    unread = [each.getMessage() for each in caplog.get_records("call")]
    assert not [each for each in unread if "did not match" in each or "Failed to parse" in each]


class Client:
    """An SDK with its addresses replaced, and its REST made awaitable."""

    def __init__(self, sdk, venue, kind="hmac", secret=None):
        key, sandbox = venue.key(kind), venue.sandbox
        secrets = {
            "api_key": key.api_key,
            "api_secret" if kind == "hmac" else "private_key": secret or key.secret,
        }
        self.sdk = sdk(
            ConfigurationRestAPI(**secrets, base_path=sandbox.rest_url(venue.name), retries=0),
            ConfigurationWebSocketAPI(**secrets, stream_url=sandbox.ws_api_url(venue.name)),
            ConfigurationWebSocketStreams(stream_url=sandbox.stream_url(venue.name)),
        )

    async def ask(self, name, *args, **fields):
        answer = await asyncio.to_thread(getattr(self.sdk.rest_api, name), *args, **fields)
        return answer.data()

    def ws_api(self):
        return connected(self.sdk.websocket_api)

    def streams(self):
        return connected(self.sdk.websocket_streams)


@asynccontextmanager
async def connected(side):
    await side.create_connection()
    try:
        yield side
    finally:
        await side.close_connection(close_session=True)


@pytest.fixture
def make_client(request):
    """Make a client of the SDK that the file names: `make_client(venue, kind, secret=...)`."""
    return partial(Client, request.module.SDK)
