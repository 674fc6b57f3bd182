"""One call under a budget."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from toucan_instrument.errors import AddressBanned, RateLimited, RequestFailed, VenueError
from toucan_instrument.link import Budget, Lane, Pool, call
from toucan_instrument.rest import Request, Response
from toucan_instrument.testing.clock import FakeClock
from toucan_instrument.testing.socket import FakeNetwork

SECOND = 1_000_000_000
POOL = Pool(name="test", limit=100, window_ns=60 * SECOND, source="a test")
REQUEST = Request(method="GET", url="https://venue/api?signature=secret", weight=20)


def read_limits(response):
    headers = response.headers
    return SimpleNamespace(
        used=int(headers["used"]) if "used" in headers else None,
        retry_after_ns=int(headers.get("retry-after", 0)) * SECOND,
        banned=response.status == 418,
    )


@pytest.fixture
def budget():
    return Budget(POOL, FakeClock(monotonic_ns=0))


def calling(budget, answer, *, error_of=lambda _request, _response: None, **options):
    network = FakeNetwork(answer=answer)
    return partial(
        call, network, budget, REQUEST, lane=Lane.SNAPSHOT,
        read_limits=read_limits, error_of=error_of, **options,
    )()  # fmt: skip


def response(status=200, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=headers, body=b"words")


async def test_a_good_answer_costs_its_weight(budget):
    answer = response()
    assert await calling(budget, answer) is answer
    assert budget.used == 20
    assert budget.stopped is None


async def test_what_is_free_costs_nothing_once_it_has_succeeded(budget):
    used = []

    def answer(_request):
        used.append(budget.used)
        return response()

    await calling(budget, answer, free=True)
    assert (used, budget.used) == ([20], 0)


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_what_is_free_costs_its_weight_where_it_fails(budget, status):
    with pytest.raises(VenueError):
        await calling(budget, response(status), free=True)
    assert budget.used == 20


async def test_what_is_free_costs_its_weight_where_no_answer_came(budget):
    failure = RequestFailed("lost", method="GET", url="https://venue/api", sent=None)
    with pytest.raises(RequestFailed):
        await calling(budget, failure, free=True)
    assert budget.used == 20


async def test_what_others_used_is_learned_from_the_answer(budget):
    await calling(budget, response(used="70"))
    assert budget.used == 70


async def test_it_waits_for_its_turn(budget):
    for _ in range(4):
        await calling(budget, response())
    await budget.clock.run(calling(budget, response()))
    assert budget.clock.monotonic_ns() == 60 * SECOND


async def test_a_ban_stops_those_who_wait_for_the_same_answer(budget):
    network = FakeNetwork(answer=response(418))

    async def one():
        await call(
            network, budget, REQUEST, lane=Lane.SNAPSHOT, read_limits=read_limits,
            error_of=lambda _request, _response: None,
        )  # fmt: skip

    budget.observe(90)
    tasks = [asyncio.ensure_future(one()) for _ in range(3)]
    await budget.clock.advance(60 * SECOND)
    assert len(network.requests) == 1
    assert budget.waiting == {Lane.SNAPSHOT: 2}
    for task in tasks:
        task.cancel()
    [told, *_] = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(told, AddressBanned)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "seconds"),
    [
        (429, {"retry_after": "7"}, RateLimited, 7),
        (429, {}, RateLimited, 60),
        (418, {"retry_after": "3600"}, AddressBanned, 3600),
        (418, {}, AddressBanned, 120),
        (503, {"retry_after": "2"}, VenueError, 2),
    ],
)
async def test_a_broken_limit_stops_everybody(budget, status, headers, kind, seconds):
    with pytest.raises(VenueError) as caught:
        await calling(budget, response(status, **headers))
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.retry_after_ns == seconds * SECOND
    assert budget.stopped is not None
    assert budget.stopped.until_ns == seconds * SECOND
    assert "secret" not in budget.stopped.reason
    assert "secret" not in str(caught.value)
    await budget.clock.run(budget.acquire(1, Lane.CANCEL))
    assert budget.clock.monotonic_ns() == seconds * SECOND


async def test_the_venues_own_error_is_raised(budget):
    error = VenueError(
        method="GET", url="u", status=400, code=-1121, venue_message="Invalid symbol.",
        retry_after_ns=0,
    )  # fmt: skip
    with pytest.raises(VenueError) as caught:
        await calling(budget, response(400), error_of=lambda _request, _response: error)
    assert caught.value is error
    assert budget.stopped is None


async def test_an_error_that_the_venues_reader_does_not_know_is_an_error(budget):
    with pytest.raises(VenueError) as caught:
        await calling(budget, response(502))
    assert (caught.value.status, caught.value.code) == (502, None)
    assert "words" in str(caught.value)


async def test_no_answer_is_passed_on_and_costs_its_weight(budget):
    with pytest.raises(RequestFailed):
        await calling(budget, RequestFailed("cut", method="GET", url="u", sent=None))
    assert budget.used == 20


def test_without_aiohttp_it_says_what_to_install():
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from toucan_instrument.errors import LinkError\n"
        "from toucan_instrument.link import open_network\n"
        "try: open_network()\n"
        "except LinkError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=50
    )
    assert "toucan-instrument[aiohttp]" in done.stdout
