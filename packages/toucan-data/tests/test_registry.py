"""The one place that names venues, and what is found from there by the name of a family."""

import ast
from pathlib import Path

import pytest

import toucan_data
from toucan_data import BinanceSpot, Exchange
from toucan_data.decoding import FrameDecoder
from toucan_data.registry import SHOWN, VENUES, endpoints_of, exchange_at, frame_decoder, venue_class
from toucan_data.testing.dialect import dialect_of
from toucan_instrument.exchange import grammar

EVERY = pytest.mark.parametrize("exchange", list(VENUES), ids=str)


@EVERY
def test_every_venue_has_all_its_parts(exchange):
    made = venue_class(exchange)
    assert made.exchange is exchange
    assert getattr(toucan_data, made.__name__) is made
    assert made.__name__ in toucan_data.__all__
    assert exchange in endpoints_of(exchange).LIMITS
    assert dialect_of(exchange).exchange is exchange
    assert callable(grammar(exchange).parse_symbol)
    assert isinstance(frame_decoder(made()), FrameDecoder)


@EVERY
def test_an_address_says_whose_it_is_or_nothing(exchange):
    venue = venue_class(exchange)()
    assert exchange_at(venue.url(next(iter(routes(venue))))) in {exchange, None}


def routes(venue):
    return {row.value for row in endpoints_of(venue.exchange).ROUTES.values()} or {""}


@pytest.mark.parametrize(
    ("url", "exchange"),
    [
        ("wss://stream.binance.com:9443/stream?streams=x", Exchange.BINANCE_SPOT),
        ("wss://fstream.binance.com/market/stream", Exchange.BINANCE_USD_M),
        ("https://api.binance.us/api/v3/depth", Exchange.BINANCE_US_SPOT),
        ("wss://example.org/stream", None),
        ("", None),
    ],
)
def test_recordings_are_known_by_their_addresses(url, exchange):
    assert exchange_at(url) is exchange


def test_the_demo_shows_venues_that_there_are():
    assert set(SHOWN) <= set(VENUES)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="BinanceMoon"):
        _ = toucan_data.BinanceMoon
    assert toucan_data.BinanceSpot is BinanceSpot


FAMILIES = {exchange.family for exchange in Exchange}
HOME = Path(toucan_data.__file__).parent
CORE = [
    path
    for path in sorted(HOME.rglob("*.py"))
    if not {"exchange", "dialects", "wires"} & set(path.relative_to(HOME).parts[:-1])
    and path.name != "registry.py"
]


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_no_file_of_the_shared_core_names_a_venue(path):
    """Neither an id nor a folder of one; what docstrings show as examples is no code."""
    named = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "Exchange"
        ):
            named += [node.attr] if node.attr.isupper() else []
        elif isinstance(node, ast.ImportFrom) and path.name != "__init__.py":
            named += [part for part in (node.module or "").split(".") if part in FAMILIES]
    assert not named
