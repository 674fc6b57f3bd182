"""A pytest fixture: an exchange on loopback for your own tests.

    async def test_my_bot(scripted_exchange):
        exchange = await scripted_exchange(Exchange.BINANCE_SPOT, faults=[Fault(Action.DROP, after=5)])
        ...

It is there when toucan-data is installed, and needs pytest-asyncio (or pytest-aiohttp, which brings it).
Nothing heavy is loaded before a test asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from toucan_data.testing.exchange import ScriptedExchange

__all__ = ["scripted_exchange"]

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # pragma: no cover - depends on what is installed
    _async_fixture = None  # type: ignore[assignment]


async def _exchanges() -> AsyncIterator[Callable[..., Awaitable[ScriptedExchange]]]:
    """Give a factory of exchanges on loopback; they are closed after the test.

    Its arguments are those of `ScriptedExchange.seeded`.
    """
    from toucan_data.testing.exchange import ScriptedExchange  # noqa: PLC0415 - loads aiohttp

    async with AsyncExitStack() as stack:

        async def start(*args: Any, **options: Any) -> ScriptedExchange:
            return await stack.enter_async_context(ScriptedExchange.seeded(*args, **options))

        yield start


def _unavailable() -> None:
    """Say what is missing."""
    pytest.fail("the fixture scripted_exchange needs pytest-asyncio: pip install pytest-asyncio")


scripted_exchange: Any = (
    pytest.fixture(name="scripted_exchange")(_unavailable)
    if _async_fixture is None
    else _async_fixture(name="scripted_exchange")(_exchanges)
)
