"""What is signed is exactly what is sent: the vectors of facts C.7, and any text at all."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import os
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, strategies as st
from yarl import URL

from toucan_execution.client.binance.signing_rules import (
    encode_params,
    rest_payload,
    signed_query,
    signed_ws_params,
    wire_time,
    ws_payload,
)
from toucan_execution.credentials import Secret, load_credentials
from toucan_execution.errors import ConfigError
from toucan_execution.signing import HmacSigner
from toucan_instrument.errors import InvalidInput

SPOT_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SPOT_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - of the facts
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # noqa: S105 - likewise
WS_ED_KEY = "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"
WIDE = "\uff11\uff12\uff13\uff14\uff15\uff16"  # the digits 1 to 6 in full width, a real symbol
RFC_8032_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

SPOT = HmacSigner(Secret(SPOT_SECRET))
FUTURES = HmacSigner(Secret(FUTURES_SECRET))
LIMIT = (("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "1"))


def private_signer(key):
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return load_credentials("key", text).signer


@pytest.fixture(scope="module")
def ed_signer():
    """The key of facts C.7, from its seed in RFC 8032."""
    return private_signer(ed25519.Ed25519PrivateKey.from_private_bytes(RFC_8032_SEED))


@pytest.fixture(scope="module")
def rsa_pair():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private_signer(key), key.public_key()


@pytest.fixture(scope="module")
def facts():
    path = Path(os.environ.get("TOUCAN_CAPTURES") or "nowhere", "facts", "binance.md")
    if not path.is_file():
        pytest.skip("TOUCAN_CAPTURES names no folder with facts/binance.md")
    return path.read_text(encoding="utf-8")


def parts(signed):
    query, _, signature = signed.rpartition("&signature=")
    return query, unquote_to_bytes(signature).decode("ascii")


# Vectors: HMAC over REST.


@pytest.mark.parametrize(
    ("symbol", "payload", "signature"),
    [
        (
            "LTCBTC",
            (
                "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
                "&recvWindow=5000&timestamp=1499827319559"
            ),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            WIDE,
            (
                "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT"
                "&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
            ),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
    ids=["H1", "H2"],
)
def test_spot_rest_vectors(symbol, payload, signature):
    params = (("symbol", symbol), *LIMIT, ("price", "0.1"))
    signed = signed_query(params, SPOT, timestamp=1499827319559, recv_window=5000)
    assert signed == f"{payload}&signature={signature}"


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("BTCUSDT", "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"),
        ("BTCUSD_200925", "04c8b9fbd55285a38fd6a3fc40ba3a7d114f22564dab61611bf24f2d2efb890f"),
    ],
    ids=["H7", "H9"],
)
def test_futures_rest_vectors(symbol, signature):
    params = [("symbol", symbol), ("side", "BUY"), ("type", "LIMIT"), ("quantity", "1"), ("price", "9000")]
    params.append(("timeInForce", "GTC"))
    signed = signed_query(params, FUTURES, timestamp=1591702613943, recv_window="5000")
    assert parts(signed)[1] == signature


@pytest.mark.parametrize(
    ("signer", "symbol", "price", "time", "signature"),
    [
        (
            SPOT,
            "LTCBTC",
            "0.1",
            1499827319559,
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        (
            FUTURES,
            "BTCUSDT",
            "9000",
            1591702613943,
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        ),
    ],
    ids=["H3", "H8"],
)
def test_query_and_body_are_joined_without_a_separator(signer, symbol, price, time, signature):
    query = encode_params([("symbol", symbol), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC")])
    body = encode_params([("quantity", "1"), ("price", price), ("recvWindow", 5000), ("timestamp", time)])
    assert signer.sign(rest_payload(query, body)) == signature
    assert rest_payload(query) == query.encode()


# Vectors: HMAC over the WebSocket API.


@pytest.mark.parametrize(
    ("params", "time", "window", "signature"),
    [
        (
            [
                ("symbol", "BTCUSDT"),
                ("side", "SELL"),
                ("type", "LIMIT"),
                ("timeInForce", "GTC"),
                ("quantity", "0.01000000"),
                ("price", "52000.00"),
            ],
            1645423376532,
            100,
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            [
                ("symbol", WIDE),
                ("side", "BUY"),
                ("type", "LIMIT"),
                ("timeInForce", "GTC"),
                ("quantity", "1.00000000"),
                ("price", "0.10000000"),
            ],
            1645423376532,
            Decimal(5000),
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        ([], 1747385641636, None, "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e"),
    ],
    ids=["H4", "H5", "H6"],
)
def test_spot_ws_vectors(params, time, window, signature):
    signed = signed_ws_params(params, Secret(SPOT_KEY), SPOT, timestamp=time, recv_window=window)
    assert signed["signature"] == signature
    assert signed["apiKey"] == SPOT_KEY
    assert signed["timestamp"] == time
    assert signed.get("recvWindow") == (None if window is None else int(window))
    assert list(signed)[: len(params)] == [name for name, _ in params]


# Vectors: private keys.

E1 = (
    "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2"
    "&timestamp=1668481559918&recvWindow=5000"
)
E2 = E1.replace("BTCUSDT", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96")
E3 = (
    f"apiKey={WS_ED_KEY}&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT"
    "&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
)
E4 = "apiKey=testKey&timestamp=1747385641636"
ED = {
    E1: "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==",
    E2: "FWYdifsZ1T+XvAR4JXeCD399kQM9CBUnEKjWb0+jS1X00g+LgvtR8uBv2T7dn1gFf9GPIhHnYlM+6vBsJOnMDA==",
    E3: "Ws+5m/CMnpkko0uBFxGTZ2+fjqqBXsUjRiaz173fPhXTkhoDBYNZ6wcYNeWItdrGn1pvG7vkwx2fhmJdAZ3KDQ==",
    E4: "TCSuGbzXEppbLesUGH4Z8CBPRvXGdYZJI8v0eU5DyJAtdixE3I6d/ej1ejglA+XrbZhNzDuo8gazZBrORuJ+Aw==",
}


def ordered(payload):
    return [tuple(pair) for pair in parse_qsl(payload, strict_parsing=True)]


@pytest.mark.parametrize("payload", list(ED), ids=["E1", "E2", "E3", "E4"])
def test_ed25519_vectors(payload, ed_signer):
    assert ed_signer.sign(payload.encode()) == ED[payload]


@pytest.mark.parametrize("payload", [E1, E2], ids=["E1", "E2"])
def test_rest_payloads_of_the_vectors_are_written_by_us(payload, ed_signer):
    written = encode_params(ordered(payload))
    assert written == payload
    assert ed_signer.sign(rest_payload(written)) == ED[payload]


def test_ed25519_over_the_websocket_api(ed_signer):
    params = [("type", "LIMIT"), ("side", "SELL"), ("symbol", "BTCUSDT"), ("quantity", "0.01000000")]
    params += [("timeInForce", "GTC"), ("price", "52000.00")]
    signed = signed_ws_params(
        params, Secret(WS_ED_KEY), ed_signer, timestamp=1645423376532, recv_window="100"
    )
    assert signed["signature"] == ED[E3]
    assert signed["recvWindow"] == 100
    assert signed_ws_params([], Secret("testKey"), ed_signer, timestamp=1747385641636)["signature"] == ED[E4]


def test_base64_is_percent_encoded_on_rest(ed_signer):
    signed = signed_query([("symbol", "BTCUSDT")], ed_signer, timestamp=1668481559918)
    query, _, signature = signed.rpartition("&signature=")
    assert signature.endswith("%3D%3D")
    assert not set(signature) & set("+/=")
    assert parts(signed)[1] == ed_signer.sign(query.encode())


def test_rsa_vectors(facts):
    """The throw-away key stands in the facts alone: scanners flag a key in a repository."""
    key = re.search(r"-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----", facts)
    signer = load_credentials("key", key[0]).signer
    vectors = dict(re.findall(r"^\| (R[123]) \| as E[124] \| `([A-Za-z0-9+/=]+)` \|$", facts, re.MULTILINE))
    assert {
        name: signer.sign(text.encode()) for name, text in (("R1", E1), ("R2", E2), ("R3", E4))
    } == vectors


def test_rsa_signatures_verify(rsa_pair):
    signer, public = rsa_pair
    for payload in ED:
        signature = base64.b64decode(signer.sign(payload.encode()), validate=True)
        public.verify(signature, payload.encode(), padding.PKCS1v15(), SHA256())


# Any text at all.

names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=8).filter(
    lambda name: name not in {"apiKey", "recvWindow", "signature", "timestamp"}
)
values = st.text(max_size=12) | st.integers() | st.booleans()
some_params = st.lists(st.tuples(names, values), max_size=6, unique_by=lambda pair: pair[0])


def plain_text(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


@given(some_params, st.integers(1, 10**16), st.none() | st.sampled_from([5000, "6000.346", Decimal("0.5")]))
def test_what_is_signed_over_rest_is_what_is_sent(params, time, window):
    signed = signed_query(params, SPOT, timestamp=time, recv_window=window)
    sent = URL(f"https://localhost/api?{signed}", encoded=True).raw_query_string
    assert sent == signed
    query, signature = parts(sent)
    assert hmac.new(SPOT_SECRET.encode(), query.encode("ascii"), hashlib.sha256).hexdigest() == signature
    # And it says what was meant, to whoever decodes it once.
    expected = [(name, plain_text(value)) for name, value in params]
    expected += [] if window is None else [("recvWindow", str(window))]
    expected.append(("timestamp", str(time)))
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == expected
    assert re.fullmatch(r"[A-Za-z0-9_.~%&=-]*", query)


@given(some_params, st.integers(1, 10**16), st.none() | st.sampled_from([5000, "6000.346", Decimal("0.5")]))
def test_what_is_signed_over_the_websocket_api_is_what_is_sent(params, time, window):
    signed = signed_ws_params(params, Secret(SPOT_KEY), SPOT, timestamp=time, recv_window=window)
    received = msgspec.json.decode(msgspec.json.encode(signed))
    signature = received.pop("signature")
    payload = "&".join(f"{name}={plain_text(received[name])}" for name in sorted(received))
    assert hmac.new(SPOT_SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest() == signature
    assert ws_payload(signed) == payload.encode()
    for name, value in params:
        assert received.pop(name) == value
    assert str(received.pop("recvWindow", None)) == str(window)
    assert received == {"apiKey": SPOT_KEY, "timestamp": time}


@given(some_params)
def test_both_ways_sign_the_same_values(params):
    once = dict(parse_qsl(encode_params(params), keep_blank_values=True))
    assert ws_payload(dict(params)) == ws_payload(once)


def test_encoding_is_done_once_in_order():
    written = encode_params(
        [
            ("symbols", '["BTCUSDT","\uff11"]'),
            ("b", True),
            ("a", False),
            ("n", -7),
            ("plain", "aZ09-._~"),
            ("space", "a b+c%20&d=e/"),
            ("empty", ""),
        ]
    )
    assert written == (
        "symbols=%5B%22BTCUSDT%22%2C%22%EF%BC%91%22%5D&b=true&a=false&n=-7&plain=aZ09-._~"
        "&space=a%20b%2Bc%2520%26d%3De%2F&empty="
    )
    assert encode_params([]) == ""


def test_enums_are_sent_as_their_values():
    class Old(str, enum.Enum):  # noqa: UP042 - whose str() is not its value
        BUY = "BUY"

    class Number(enum.IntEnum):
        TEN = 10

    assert encode_params([("side", Old.BUY), ("n", Number.TEN)]) == "side=BUY&n=10"
    assert ws_payload({"side": Old.BUY, "n": Number.TEN}) == b"n=10&side=BUY"


def test_names_are_sorted_as_bytes_and_the_signature_is_left_out():
    payload = ws_payload({"b": 1, "a": True, "B": "x", "signature": "s", "apiKey": "k", "ä": "é"})
    assert payload == "B=x&a=true&apiKey=k&b=1&ä=é".encode()


# What is refused.


@pytest.mark.parametrize("value", [0.1, None, Decimal(1), ["a"], b"x"])
def test_what_has_no_exact_text_is_refused(value):
    for write in (
        encode_params,
        lambda params: ws_payload(dict(params)),
        lambda params: signed_query(params, SPOT, timestamp=1),
        lambda params: signed_ws_params(params, Secret("k"), SPOT, timestamp=1),
    ):
        with pytest.raises(InvalidInput) as caught:
            write([("price", value)])
        assert caught.value.field == "price"
    with pytest.raises(InvalidInput):
        signed_query([], SPOT, timestamp=1, recv_window=5000.5)


def test_half_a_character_is_refused_and_the_text_is_not_shown():
    for write in (encode_params, lambda params: ws_payload(dict(params))):
        with pytest.raises(InvalidInput, match=r"U\+D800") as caught:
            write([("listenKey", "pqia91ma19a5\ud800")])
        assert "pqia91ma19a5" not in str(caught.value)
        assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["apiKey", "recvWindow", "signature", "timestamp"])
def test_what_is_added_here_cannot_be_there_already(name):
    for sign in (
        lambda params: signed_query(params, SPOT, timestamp=1),
        lambda params: signed_ws_params(params, Secret("k"), SPOT, timestamp=1),
    ):
        with pytest.raises(InvalidInput, match="added here"):
            sign([(name, 1)])


def test_a_parameter_that_is_there_twice():
    with pytest.raises(InvalidInput, match="twice"):
        signed_ws_params([("a", 1), ("a", 2)], Secret("k"), SPOT, timestamp=1)


@pytest.mark.parametrize("time", [0, -1, True, 1.5, "1", None])
def test_a_time_that_is_none(time):
    with pytest.raises(InvalidInput) as caught:
        signed_query([], SPOT, timestamp=time)
    assert caught.value.field == "timestamp"


def test_an_error_shows_neither_key_nor_signature():
    with pytest.raises(InvalidInput) as caught:
        signed_ws_params([("price", 0.5)], Secret(SPOT_KEY), SPOT, timestamp=1)
    frame, ours = caught.value.__traceback__, []
    while frame is not None:
        if "signing_rules" in frame.tb_frame.f_globals["__name__"].rpartition(".")[2][:13]:
            ours.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    assert ours
    assert not isinstance(caught.value, ConfigError)
    assert [shown for shown in ours if SPOT_KEY in shown or SPOT_SECRET in shown] == []


# Time.


@given(st.integers(0, 1 << 62))
def test_times_are_cut_and_never_rounded_up(time_ns):
    for microseconds, unit in ((False, 1_000_000), (True, 1_000)):
        sent = wire_time(time_ns, microseconds=microseconds) * unit
        assert sent <= time_ns < sent + unit
