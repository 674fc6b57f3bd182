"""How an exchange speaks, for the scripted one: what a venue's dialect fills in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from toucan_instrument import Exchange, Instrument
from toucan_instrument.testing.market import MarketTick, SeededMarket
from toucan_instrument.testing.rolling import RollingCount
from toucan_instrument.testing.server import Peer

if TYPE_CHECKING:
    from toucan_data.testing.capture import Recording

__all__ = ["Client", "Dialect", "Named", "Said", "dialect_of"]

SECOND = 1_000_000_000

Named = tuple[str, Any]
"""A stream's name, and what is sent on it: what `Dialect.frame` makes a frame of."""


class Client:
    """What is known of one connection.

    Attributes:
        peer: The connection.
        exchange: Which market it is to.
        route: Which route of it, as the venue's `Channel.route` names it.
        streams: The streams that are sent on it.
        muted: Those of them that are acknowledged only.
        stalled: Whether no more events are sent.
        controls: How many messages it has sent lately.
        variant: What tells connections apart whose payloads differ: see `Dialect.publish`.
        notes: What a dialect remembers of it.
        beaten: When the last heartbeat was sent, monotonic.
    """

    def __init__(self, peer: Peer, exchange: Exchange) -> None:
        """Start without streams."""
        self.peer: Peer = peer
        self.exchange: Exchange = exchange
        self.route: str = ""
        self.streams: dict[str, None] = {}
        self.muted: set[str] = set()
        self.stalled: bool = False
        self.controls: RollingCount = RollingCount(1_000_000_000)
        self.variant: Hashable = None
        self.notes: dict[str, Any] = {}
        self.beaten: int = 0


class Said(msgspec.Struct, frozen=True):
    """What a message of a client means.

    Attributes:
        subscribe: The streams that it asks for.
        unsubscribe: The streams that it gives up.
        request: The message as the dialect decoded it, for its answers.
        replies: What is answered to anything else, such as a ping.
    """

    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    request: Any = None
    replies: Sequence[bytes] = ()


class Dialect(ABC):
    """How one market speaks: frames, answers, REST, and its limits, as the facts on it say.

    Attributes:
        exchange: The market.
        default_symbols: What it trades unless a test says otherwise, two or more.
        stream_limit: How many streams a connection may carry.
        weight_limit: How much request weight an address has in a minute.
        opens_first: Whether what a stream begins with is sent before the acknowledgement.
        all_or_nothing: Whether one stream that does not exist spoils the request that names it.
        numbers_sockets: Whether frames are numbered over all streams of a connection, so that a hole concerns
            all of them.
        candle_interval: The interval of the candles that it plays.
        frames_folder: The folder of recorded single frames of it, and which files are of its streams.
    """

    default_symbols: tuple[str, ...]
    stream_limit: int = 1024
    weight_limit: int = 6000
    opens_first: bool = False
    all_or_nothing: bool = False
    numbers_sockets: bool = False
    candle_interval: str = "1m"

    def __init__(self, exchange: Exchange) -> None:
        """Speak for a market."""
        self.exchange: Exchange = exchange
        self.frames_folder: tuple[str, tuple[str, ...]] = (exchange.value, ("*.jsonl",))

    @abstractmethod
    def listed(self, symbol: str) -> Instrument:
        """Return an instrument as it is listed, with rules."""

    @abstractmethod
    def symbols(self, count: int) -> list[str]:
        """Return so many symbols that could be listed."""

    # Connections.

    def accepts(self, path: str) -> bool:
        """Tell whether there are streams at a path, what stands before it being the market's base."""
        del path
        return True

    def connected(self, client: Client, path: str, query: Mapping[str, str]) -> Sequence[bytes]:
        """Take note of a connection: its route and variant; return what it is welcomed with."""
        del query
        client.route = path.strip("/")
        return ()

    def most_messages(self, client: Client) -> tuple[int, int]:
        """Return how many messages a connection may send, and in how many nanoseconds."""
        del client
        return 100, SECOND

    @abstractmethod
    def understand(self, client: Client, text: bytes) -> Said:
        """Return what a message means; one that means nothing is answered by `Said.replies`."""

    def refuses(self, client: Client, name: str, listed: Iterable[str]) -> bool:
        """Tell whether a stream is refused, as one of a symbol that is not listed; else it may be silent."""
        del client, name, listed
        return False

    def serves(self, client: Client, name: str) -> bool:
        """Tell whether a stream that is acknowledged sends anything on this connection."""
        del client, name
        return True

    @abstractmethod
    def ack(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """Return the answers to what was asked for; `Client.streams` is what is subscribed now.

        Args:
            client: Who asked.
            said: What; also what was given up.
            names: The streams of it that are granted.
        """

    @abstractmethod
    def error(self, client: Client, said: Said, names: Sequence[str]) -> Sequence[bytes]:
        """Return the answers that refuse streams: all of a request, or some of it."""

    def too_many(self, client: Client, said: Said) -> tuple[Sequence[bytes], int | None]:
        """Return the answers to a request for more streams than may be, and a close code, None to go on."""
        return self.error(client, said, said.subscribe), None

    def heartbeat(self, client: Client) -> bytes | None:
        """Return what is sent every second of its own accord, None for nothing."""
        del client
        return None

    def shutdown(self, client: Client, now_ns: int) -> bytes | None:
        """Return how the venue announces that it closes a connection, None where it does not."""
        del client, now_ns
        return None

    # Events.

    def opening(self, client: Client, name: str, market: SeededMarket) -> Sequence[Any]:
        """Return the payloads that a stream begins with: a book's snapshot, a history of trades."""
        del client, name, market
        return ()

    @abstractmethod
    def publish(
        self, tick: MarketTick, wanted: set[str], market: SeededMarket, variant: Hashable
    ) -> Iterable[Named]:
        """Return what a tick sends, once for all connections of a variant.

        Args:
            tick: What happened.
            wanted: The streams that somebody follows.
            market: As it is now.
            variant: Of which connections, as `connected` has set it.
        """

    @abstractmethod
    def frame(self, client: Client, name: str, payload: Any) -> bytes:
        """Return the frame of a payload for one connection; called also for frames that are then lost."""

    @abstractmethod
    def sample_trade(self, name: str, symbol: str) -> Any:
        """Return a payload of a trade stream: 2.00 at 1.10, the aggressor sold, with new fields and words."""

    # REST.

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """Return what a request costs."""
        del path, query
        return 1

    def headers(self, used: int) -> Mapping[str, str]:
        """Return what an answer says of the weight that was used in the last minute."""
        del used
        return {}

    def busy(self, status: int) -> bytes:
        """Return the body of an answer that refuses for a limit, or for a fault."""
        del status
        return b"{}"

    @abstractmethod
    def body(self, path: str, query: Mapping[str, str], market: SeededMarket) -> bytes | None:
        """Return the body of an answer, None where there is nothing at the path or no such symbol."""

    def nothing(self) -> tuple[int, bytes]:
        """Return status and body of the answer to what does not exist."""
        return 404, b"{}"

    # Recordings.

    def replayed(self, client: Client, frame: bytes) -> bytes:
        """Return a recorded frame as one connection is to get it, where frames are numbered for each."""
        del client
        return frame

    def recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> bytes | None:
        """Return what REST answers while a recording is played."""
        del query
        return next((body for at, _, body in recording.answers if at.endswith(path)), None)

    def awaited(self, recording: Recording, names: frozenset[str]) -> bool:
        """Tell whether a recording is to wait: until what the followed books need of REST was asked for.

        Args:
            recording: What is to be played, and which answers of it were given.
            names: The streams that are followed.
        """
        del recording, names
        return False


def dialect_of(exchange: Exchange) -> Dialect:
    """Return the dialect of a market, by the name of its family: see `toucan_data.registry`."""
    made: Dialect = import_module(f"toucan_data.testing.dialects.{exchange.family}").dialect(exchange)
    return made
