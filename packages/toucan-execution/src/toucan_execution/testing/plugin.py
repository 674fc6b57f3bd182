"""Pytest fixtures: a local Binance for your own tests.

    async def test_my_bot(sandbox):
        client = BinanceExecution.new_with_config(sandbox.config("spot"))
        ...

    async def test_a_lost_reply(make_sandbox):
        sandbox = await make_sandbox(["usd-m"], pace_ms=None, faults=[reply_lost("order")])
        ...

They are there when toucan-execution is installed with the extra ``[testing]``, and need pytest-asyncio (or
pytest-aiohttp, which brings it). Nothing heavy is loaded before a test asks for one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from toucan_execution.testing.sandbox import Sandbox

__all__ = ["make_sandbox", "sandbox"]

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # pragma: no cover - depends on what is installed
    _async_fixture = None  # type: ignore[assignment]


async def _sandboxes() -> AsyncIterator[Callable[..., Awaitable[Sandbox]]]:
    """Give a factory of sandboxes; its arguments are those of `Sandbox`. They are closed after the test."""
    from toucan_execution.testing.sandbox import Sandbox  # noqa: PLC0415 - loads aiohttp

    async with AsyncExitStack() as stack:

        async def start(*args: Any, **options: Any) -> Sandbox:
            return await stack.enter_async_context(Sandbox(*args, **options))

        yield start


async def _sandbox(make_sandbox: Callable[..., Awaitable[Sandbox]]) -> Sandbox:
    """Give a sandbox with all three markets, whose prices move by themselves."""
    return await make_sandbox()


def _unavailable() -> None:
    """Say what is missing."""
    pytest.fail("the sandbox's fixtures need pytest-asyncio: pip install pytest-asyncio")


make_sandbox: Any = (
    pytest.fixture(name="make_sandbox")(_unavailable)
    if _async_fixture is None
    else _async_fixture(name="make_sandbox")(_sandboxes)
)
sandbox: Any = (
    pytest.fixture(name="sandbox")(_unavailable)
    if _async_fixture is None
    else _async_fixture(name="sandbox")(_sandbox)
)
