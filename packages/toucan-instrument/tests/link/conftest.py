"""Fixtures for tests of the network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiohttp import ClientResponse
from aioresponses import aioresponses


class Answer(ClientResponse):
    """aiohttp 3.14 wants a writer that aioresponses 0.7.9 knows nothing of."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, stream_writer=SimpleNamespace(output_size=0), **options)


class Canned(aioresponses):
    """aioresponses whose answers today's aiohttp accepts."""

    def add(self, *arguments, **options):
        super().add(*arguments, **{"response_class": Answer, **options})


@pytest.fixture
def canned():
    """Canned REST answers, without a server: `canned.get(url, status=..., body=...)`."""
    with Canned() as answers:
        yield answers
