"""The aiohttp backend: the only module of toucan's own that knows aiohttp."""

from __future__ import annotations

import asyncio
import re
import ssl as tls
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from toucan_instrument.errors import DialError, InvalidInput, RequestFailed
from toucan_instrument.link._tap import Tap
from toucan_instrument.link.clock import Clock, SystemClock
from toucan_instrument.link.transport import Closed, DialOptions, OnControl, OnFrames
from toucan_instrument.rest import Request, Response

__all__ = ["AiohttpNetwork", "AiohttpSocket"]

SECOND = 1_000_000_000
GOING_AWAY, NO_STATUS, ABNORMAL = 1001, 1005, 1006

CLOSE_LIMIT = 1.0  # seconds for the closing handshake: a dead peer does not answer it
SEND_LIMIT = 10.0  # seconds until a peer that takes nothing counts as lost
BATCH, BATCH_BYTES = 256, 65_536  # handed over before other tasks get a turn
MAX_BODY = 64 * 1024 * 1024

# How long to stay away where the server does not say, as Binance has it ("IP Limits", read
# 2026-05): 429 is over with the next minute, the shortest ban is 2 minutes, 403 is a firewall.
STAY_AWAY_NS = {403: 300 * SECOND, 418: 120 * SECOND, 429: 60 * SECOND}
LONGEST_STAY_NS = 7 * 24 * 3600 * SECOND  # the longest ban known is 3 days

# Answers to a handshake that the same handshake would get again.
FINAL_STATUS = frozenset({400, 401, 403, 404, 405, 407, 410, 451})

TEXT, BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
DATA = (TEXT, BINARY)
PING, PONG = aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG
CLOSE, ERROR = aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR

Message = tuple[aiohttp.WSMsgType, Any, Any]
NOTHING: deque[tuple[Message, int]] = deque()


class AiohttpNetwork:
    """Connections and calls over one `aiohttp.ClientSession`, made on the event loop of first use.

    Args:
        proxy: The address of an HTTP proxy for everything, `http://[user:password@]host:port`.
        trust_env: Whether to use the proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`,
            `NO_PROXY`) where `proxy` is None. WebSockets go the way of HTTP(S).
        ssl: Your own TLS context. Certificates are verified unless your context says otherwise.
        clock: Where time comes from.

    Raises:
        InvalidInput: A proxy that is no HTTP address, or something that is not an SSLContext.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl: tls.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        if ssl is not None and not isinstance(ssl, tls.SSLContext):
            raise InvalidInput(
                "TLS is verified: there is no switch for that",
                field="ssl",
                value=ssl,
                accepted="None or an ssl.SSLContext",
            )
        self._proxy = None if proxy is None else _proxy_address(proxy)
        self._trust_env = trust_env
        self._ssl: tls.SSLContext | bool = True if ssl is None else ssl
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def dial(self, url: str, options: DialOptions) -> AiohttpSocket:
        """See `Network.dial`."""
        try:
            # A WebSocket starts as HTTP, and a proxy need not know any other name for it.
            address = _address("http" + url[2:] if url.startswith("ws") else url)
            async with asyncio.timeout(options.timeout_ns / SECOND):
                websocket = await self._open().ws_connect(
                    address,
                    proxy=self._proxy_for(address),
                    ssl=self._ssl,
                    autoping=False,
                    decode_text=False,
                    compress=15 if options.compress else 0,
                    max_msg_size=options.max_frame + 1,  # aiohttp refuses the limit itself
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT),
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:  # OSError: TimeoutError as well
            raise self._dial_error(url, error) from error
        return AiohttpSocket(websocket, max_frame=options.max_frame)

    async def fetch(self, request: Request) -> Response:
        """See `Network.fetch`. Redirects are not followed: they would carry keys to other hosts."""
        timeout = request.timeout_ns / SECOND
        try:
            address = _address(request.url)
            async with self._open().request(
                request.method,
                address,
                headers=request.headers,
                data=request.body or None,
                proxy=self._proxy_for(address),
                ssl=self._ssl,
                allow_redirects=False,
                # The connection gets the smaller part: so that it is known which one ran out.
                timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout * 0.75),
            ) as answer:
                body = await _read(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status=answer.status, headers=headers, body=body)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RequestFailed(
                _reason(error), method=request.method, url=request.url, sent=_sent(error)
            ) from error

    async def close(self) -> None:
        """See `Network.close`."""
        self._closed = True
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise _UnusableError("the network is closed")
        if self._session is None:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                ws_response_class=cast("Any", _TappedResponse),
                connector=aiohttp.TCPConnector(limit=0),  # the budgets are what limits us
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            )
        elif self._loop is not loop:
            raise _UnusableError("the network belongs to another event loop")
        return self._session

    def _proxy_for(self, address: URL) -> URL | None:
        if self._proxy is not None or not self._trust_env or not address.host:
            return self._proxy
        # Not aiohttp's own trust_env: that knows no HTTPS_PROXY for wss, and reads ~/.netrc.
        if proxy_bypass(address.host):
            return None
        proxies = getproxies()
        named = proxies.get(address.scheme) or proxies.get("all")
        return _proxy_address(named) if named else None

    def _dial_error(self, url: str, error: Exception) -> DialError:
        """Say what a failed handshake means: the one table of what aiohttp raises."""
        where = _host_of(url)
        if isinstance(error, aiohttp.WSServerHandshakeError | aiohttp.ClientHttpProxyError):
            status = error.status
            asked = error.headers.get("Retry-After", "") if error.headers else ""
            return DialError(
                f"{where} answered {status} to the handshake: {error.message}",
                retryable=status not in FINAL_STATUS,
                retry_after_ns=self._retry_after_ns(asked) or STAY_AWAY_NS.get(status, 0),
                status=status,
            )
        # ValueErrors: no address, no proxy, a closed network, a certificate without trust.
        final = isinstance(error, ValueError | aiohttp.TooManyRedirects)
        return DialError(f"{where} could not be reached: {_reason(error)}", retryable=not final)

    def _retry_after_ns(self, text: str) -> int:
        """Read a Retry-After header: seconds, or a date."""
        text = text.strip()
        if text.isdecimal():
            return min(int(text[:12]) * SECOND, LONGEST_STAY_NS)
        try:
            moment = parsedate_to_datetime(text).timestamp()
        except (ValueError, OverflowError):
            return 0
        return min(max(0, int(moment) * SECOND - self._clock.utc_ns()), LONGEST_STAY_NS)


class _TappedResponse(aiohttp.ClientWebSocketResponse[bool]):
    """A WebSocket of aiohttp's whose parser is tapped, where aiohttp sets it in the way of 3.14.

    aiohttp stores the parser in ``_parser`` and gives what it finds there to the protocol: a `Tap` in its
    place sees every byte after the handshake. Where a release does that in another way nothing is tapped,
    and frames go through ``receive()``.
    """

    tap: Tap | None = None

    @property
    def _parser(self) -> Any:
        return self.tap

    @_parser.setter
    def _parser(self, parser: Any) -> None:
        protocol = getattr(getattr(self._response, "connection", None), "protocol", None)
        pause, resume = getattr(protocol, "pause_reading", None), getattr(protocol, "resume_reading", None)
        if parser is None or pause is None or resume is None:
            self.tap = parser
        else:
            self.tap = Tap(parser, pause=pause, resume=resume)


class AiohttpSocket:
    """One open WebSocket; see `Socket`."""

    def __init__(
        self, websocket: aiohttp.ClientWebSocketResponse[bool], *, max_frame: int = DialOptions().max_frame
    ) -> None:
        self._websocket = websocket
        self._max_frame = max_frame
        self._code = 0  # with which we hung up, 0 while we have not
        self._why = ""
        self._limit: asyncio.Timeout | None = None

    async def run(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        """See `Socket.run`."""
        try:
            # No limit until `close` sets one: aiohttp's own starts again with every frame.
            async with asyncio.timeout(None) as self._limit:
                return await self._receive(on_frames, on_control)
        except TimeoutError:
            if self._limit is None or not self._limit.expired():
                raise
            return self._ended("")
        finally:
            self._limit = None

    async def _receive(self, on_frames: OnFrames, on_control: OnControl) -> Closed:
        websocket = self._websocket
        receive = websocket.receive
        queued, take = queue_of(websocket)
        tap = getattr(websocket, "tap", None)
        if isinstance(tap, Tap):
            tap.open(on_frames, self._max_frame)
        while True:
            message: Message = await receive()
            kind = message[0]
            if kind in DATA:
                # What is queued already needs no receive() each: a quarter of a frame's cost.
                # Control frames are left to it, as it knows what to do with them.
                frames, size = [message[1]], len(message[1])
                while queued and queued[0][0][0] in DATA and len(frames) < BATCH and size < BATCH_BYTES:
                    frame = (await take())[1]
                    frames.append(frame)
                    size += len(frame)
                full = len(frames) >= BATCH or size >= BATCH_BYTES
                on_frames(frames)
                if full:
                    await asyncio.sleep(0)
            elif kind is PING:
                with suppress(ConnectionError):
                    await websocket.pong(message[1])
                on_control()
            elif kind is PONG:
                on_control()
            elif isinstance(tap, Tap) and tap.error is not None:
                raise tap.error
            else:
                # What had come before an error, and was overtaken by it.
                if kind is not CLOSE and not self._code and (frames := _left(queued)):
                    on_frames(frames)
                return self._last_word(message)

    def _last_word(self, message: Message) -> Closed:
        kind, data, extra = message
        if kind is CLOSE:
            return self._ended(str(extra or ""), code=int(data or NO_STATUS))
        if kind is ERROR and isinstance(data, aiohttp.WebSocketError):
            # The peer broke the protocol, or the size limit: we hung up, with the code for that.
            self._code = self._code or int(data.code)
            return Closed(int(data.code), str(data), by_us=True)
        if kind is ERROR:
            return self._ended(_reason(data))
        return self._ended("the connection was lost")

    def _ended(self, reason: str, *, code: int = ABNORMAL) -> Closed:
        if self._code:
            return Closed(self._code, self._why, by_us=True)
        return Closed(code, reason)

    async def send(self, frame: bytes) -> None:
        """See `Socket.send`."""
        try:
            async with asyncio.timeout(SEND_LIMIT):
                await self._websocket.send_frame(frame, TEXT)
        except TimeoutError:
            self._why = "the peer takes nothing"
            await self.close(GOING_AWAY)
        except ConnectionError:
            pass  # a peer that left between two frames is no news here: `run` is about to tell

    async def close(self, code: int = 1000) -> None:
        """See `Socket.close`."""
        self._code = self._code or code
        if self._limit is not None and self._limit.when() is None:
            self._limit.reschedule(asyncio.get_running_loop().time() + CLOSE_LIMIT)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._websocket.close(code=code)


def queue_of(
    websocket: aiohttp.ClientWebSocketResponse[bool],
) -> tuple[deque[tuple[Message, int]], Callable[[], Awaitable[Message]]]:
    """Return aiohttp's queue of received messages, and what takes one out.

    Both are private to aiohttp: where they do not look as they do in 3.14, the queue is one that is
    always empty, and every frame goes through `receive()`.
    """
    reader = getattr(websocket, "_reader", None)
    queued, take = getattr(reader, "_buffer", None), getattr(reader, "read", None)
    if isinstance(queued, deque) and callable(take):
        return queued, take
    return NOTHING, websocket.receive


def _left(queued: deque[tuple[Message, int]]) -> list[bytes]:
    """Take the data frames out of a queue, as far as they came before a close."""
    frames = []
    while queued:
        (kind, data, _), _ = queued.popleft()
        if kind is CLOSE:
            break
        if kind in DATA:
            frames.append(data)
    return frames


class _UnusableError(ValueError):
    """An address that is none, or a network that cannot be used."""


_CONTROL = re.compile(r"[\x00-\x20\x7f]")


def _address(url: str) -> URL:
    """Parse an address, as it is where it is ASCII: a signature covers every byte of a query."""
    if _CONTROL.search(url):
        raise _UnusableError("not an address: it holds a space or a control character")
    address = URL(url, encoded=url.isascii())  # beyond ASCII it is for yarl to percent-encode
    if address.scheme not in ("http", "https") or not address.host:
        raise _UnusableError("not an address: a scheme and a host are needed")
    return address


def _host_of(url: str) -> str:
    """Return what may be shown of an address: paths and queries hold listen keys and signatures."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return f"{scheme}://{host}" if host else "the address"


def _proxy_address(text: str) -> URL:
    try:
        return _address(text)
    except ValueError:
        hidden = text.rpartition("@")[2]  # an address may hold a password
        raise InvalidInput(
            "not a proxy", field="proxy", value=hidden, accepted="http://[user:password@]host:port"
        ) from None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_BODY:
            answer.close()
            raise aiohttp.ClientPayloadError(f"the answer is larger than {MAX_BODY} bytes")
        parts.append(part)
    return b"".join(parts)


def _sent(error: Exception) -> bool | None:
    """Tell whether a request that failed may have been sent: False for never, None for unknown."""
    never = (
        _UnusableError,
        aiohttp.InvalidURL,
        aiohttp.ClientConnectorError,  # names, TCP, TLS and proxies
        aiohttp.ClientHttpProxyError,
        aiohttp.ConnectionTimeoutError,
    )
    return False if isinstance(error, never) else None


def _reason(error: BaseException) -> str:
    """Put an error into words; many have none of their own, and some repeat the whole address."""
    if isinstance(error, aiohttp.InvalidURL):
        return "not an address"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    if isinstance(error, TimeoutError) and not str(error):
        return "out of time"
    return str(error) or type(error).__name__
