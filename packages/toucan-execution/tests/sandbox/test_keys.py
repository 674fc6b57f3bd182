"""Signatures are checked as the venue checks them: the official vectors of facts C.7, and what is none."""

from __future__ import annotations

import random
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from toucan_execution._keys import private_key_signer
from toucan_execution.secret import Secret
from toucan_execution.signing import HmacSigner, KeyKind
from toucan_execution.testing.sandbox.errors import ApiError
from toucan_execution.testing.sandbox.gate import rest_parameters
from toucan_execution.testing.sandbox.keys import KeyRing
from toucan_execution.testing.sandbox.wsapi import _payload
from toucan_instrument.errors import InvalidInput

# The example keys of the venue's documentation and of RFC 8032: they are worth nothing.
SPOT_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SPOT_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105
FUTURES_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
FUTURES_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # noqa: S105
ED_KEY = "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"
RSA_KEY = "RsaKeyOfTheFacts"
ED_PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)
RSA_PUBLIC = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqzX42R/4KVuOZZg0IXdBqKZUtebSsrNFVkjFJmBTzv+4fyyRKA6K"
    "CUx0323bHTHNI7bf66uQhAdJbkwIRL/6tF/MJSZKP8QZjm+vDFJEPah5kE3/Bdr8aVxdmdyRr0vjMsBfpYIPlJMCkANFemF2"
    "0XlOnYVLNl9Q02TpSlqr5Jp0W37x1dq8o+glYWGGeKHRs9x+exOJppA3NdQH6uG7esgafzATlUkfEJP2sE0RN1dYyiN9Rqve"
    "z+kAthPrhrJVDK36012EutxExsCrTsRAoimA0O9iYlptVTM744/Fwm6tWCsgMTqK/4S494ehFCBLL6Dis/IZRPKI7KrJPtLj"
    "PwIDAQAB"
    "\n-----END PUBLIC KEY-----\n"
)
R1 = (
    "TwNduZBIrSaR++yxQYrEZ+Xx/Ve1Os3YgH6ffgzCZX97r9GiiU/WqxECg+JgtO3YO/6WAhQ8E+JoiOGcyeDCW8sQGvJlr93d"
    "YaaSPGNU1k8BFTGnUNd6CHOqpt/KTSSgrHLb2S+VJKb9GOrxf1PIUvP3uj9B5LTxiprr7qA8G/9F1orN8SgfDr25xiNv6/je"
    "u86DESTctXtHAaKZr0zd2ttqHM1mhmfilx+79PeFPKRSkAciVAkFpGcDKUcdntw5va/pa0+ZRXdb4NnB5aYdrHBIVm7qL9VR"
    "8Ux0V0CfCi4Eq2mmO9fH/qKJNdetmlRVuk0gEAIkdujS93WLnEYxmQ=="
)
R2 = (
    "burmzBjQy45/OQ1dMs6HDmC8qDpFtcBpnAXovmsa1hfy5qMKb67Rnge8xww0KXScvNkqUK1JVNStTlWGitXbm5I8ElqCP2c+"
    "W/Fp71RD3RjuxwCqR4CQcLtkN7sAJDg2D2nuiN1fKllwjBe3VPqtVgvplW2tk1nYfhwYS6jZ2tOYyBi/uqUBj2VF+vGy8fkd"
    "SOmWX7i7mqizdVqfjyZxc4NS2OawZVIELiPY562OpKK1/dIiiT5TWYiaBvB7HIF0n7wJ7YCTki0tXlHLRj2x47dZZMfnR/KG"
    "7P7jqFyf57CmfS6HkeLT7U0iH+A0SqIAccSOmi66Gt7NOB6VvpQ9VQ=="
)
R3 = (
    "HJFQM/L/33TykMkMDWszEC/v4VligONoO6hHaAytBzTsgto6O8EXdu26wIi7JFPUx6XeLY7CqQGBJRih7x9YfelXT11yevww"
    "gP9UnoIZdFqhZvKZxRdLRuV+jo+enujDfbD01F/O5GfrHNIdzAUN9n9I93JfJKYHXYYhDnNRn0EZCTvPPaA20/8DVacpbh0R"
    "5D6/1QeeIKu7HSpBsiIa2DddyMydopeISoqx8KVB4AcedurhEy+hp5SqRL5/pDCM0kBDo8u6lyKxgR0sw90QJsjtFzq6csmR"
    "xa5QO5lKf50OZ/07ogCx4PgwXSG7/1youvo12aD8dSlcrZgD17o2+g=="
)
WIDE = "\uff11\uff12\uff13\uff14\uff15\uff16"  # the symbol of the venue's own example
H1 = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559"
)
H2 = H1.replace("LTCBTC", quote(WIDE))
H7 = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
    "&timestamp=1591702613943"
)
H9 = H7.replace("BTCUSDT", "BTCUSD_200925")
E1 = (
    "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918"
    "&recvWindow=5000"
)
E2 = E1.replace("BTCUSDT", quote(WIDE))

SPOT_REST = [
    (H1, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (H2, "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
]
FUTURES_REST = [
    (H7, "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"),
    (H9, "04c8b9fbd55285a38fd6a3fc40ba3a7d114f22564dab61611bf24f2d2efb890f"),
]
ED_REST = [
    (E1, "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg=="),
    (E2, "FWYdifsZ1T+XvAR4JXeCD399kQM9CBUnEKjWb0+jS1X00g+LgvtR8uBv2T7dn1gFf9GPIhHnYlM+6vBsJOnMDA=="),
]


@pytest.fixture
def keys():
    ring = KeyRing(random.Random(1).randbytes)
    ring.register("spot", SPOT_KEY, secret=SPOT_SECRET)
    ring.register("futures", FUTURES_KEY, secret=FUTURES_SECRET)
    ring.register("ed", ED_KEY, public_key=ED_PUBLIC)
    ring.register("rsa", RSA_KEY, public_key=RSA_PUBLIC)
    return ring


def refused(act, *args, **options):
    with pytest.raises(ApiError) as caught:
        act(*args, **options)
    return caught.value.code, caught.value.status


def signed(payload, signature):
    return f"{payload}&signature={quote(signature, safe='')}"


def check(keys, api_key, *parts):
    _, payload, signature = rest_parameters(parts)
    keys.check(api_key, payload, signature)


# The official vectors, over REST.

VECTORS = [
    *[(SPOT_KEY, *each) for each in SPOT_REST],
    *[(FUTURES_KEY, *each) for each in FUTURES_REST],
    *[(ED_KEY, *each) for each in ED_REST],
    (RSA_KEY, E1, R1),
    (RSA_KEY, E2, R2),
]


@pytest.mark.parametrize(("api_key", "payload", "signature"), VECTORS)
def test_a_signed_request(keys, api_key, payload, signature):
    check(keys, api_key, signed(payload, signature), "")
    check(keys, api_key, "", signed(payload, signature))


@pytest.mark.parametrize(("api_key", "payload", "signature"), VECTORS)
def test_a_request_that_was_changed(keys, api_key, payload, signature):
    forged = signed(payload.replace("quantity=1", "quantity=2"), signature)
    assert refused(check, keys, api_key, forged) == (-1022, 400)
    cut = signed(payload, signature[:-2])
    assert refused(check, keys, api_key, cut) == (-1022, 400)


@pytest.mark.parametrize(
    ("api_key", "query", "body", "signature"),
    [
        (
            SPOT_KEY,
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        (
            FUTURES_KEY,
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        ),
    ],
)
def test_query_and_body_are_signed_one_behind_the_other(keys, api_key, query, body, signature):
    check(keys, api_key, query, signed(body, signature))
    check(keys, api_key, signed(query, signature), body)
    assert refused(check, keys, api_key, query + "&", signed(body, signature))[0] == -1022


# The official vectors, over the WebSocket API.


def ws_order(api_key, **changes):
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
        "price": "52000.00", "recvWindow": 100, "timestamp": 1645423376532, "apiKey": api_key,
    }  # fmt: skip
    return params | changes


@pytest.mark.parametrize(
    ("api_key", "params", "signature"),
    [
        (SPOT_KEY, ws_order(SPOT_KEY), "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"),
        (
            SPOT_KEY,
            ws_order(
                SPOT_KEY, side="BUY", symbol=WIDE, price="0.10000000", quantity="1.00000000", recvWindow=5000
            ),
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        (
            SPOT_KEY,
            {"timestamp": 1747385641636, "apiKey": SPOT_KEY},
            "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e",
        ),
        (
            ED_KEY,
            ws_order(ED_KEY),
            "Ws+5m/CMnpkko0uBFxGTZ2+fjqqBXsUjRiaz173fPhXTkhoDBYNZ6wcYNeWItdrGn1pvG7vkwx2fhmJdAZ3KDQ==",
        ),
    ],
)
def test_the_parameters_of_a_websocket_request_are_signed_in_order_and_raw(keys, api_key, params, signature):
    keys.check(api_key, _payload({"signature": signature, **params}), signature)
    forged = _payload(params | {"timestamp": 1})
    assert refused(keys.check, api_key, forged, signature)[0] == -1022


E4 = "TCSuGbzXEppbLesUGH4Z8CBPRvXGdYZJI8v0eU5DyJAtdixE3I6d/ej1ejglA+XrbZhNzDuo8gazZBrORuJ+Aw=="


@pytest.mark.parametrize(("public", "signature"), [(ED_PUBLIC, E4), (RSA_PUBLIC, R3)])
def test_a_logon_as_in_the_facts(public, signature):
    ring = KeyRing(random.Random(1).randbytes)
    ring.register("main", "testKey", public_key=public)
    ring.check("testKey", _payload({"timestamp": 1747385641636, "apiKey": "testKey"}), signature)


def test_booleans_and_lists_are_signed_as_json_has_them():
    assert _payload({"b": True, "a": False, "c": ["X", "Y"], "d": 5}) == b'a=false&b=true&c=["X","Y"]&d=5'


# Keys that are made here.


@pytest.fixture(scope="module")
def rsa():
    ring = KeyRing(random.Random(2).randbytes)
    return ring, ring.make("main", KeyKind.RSA)


def test_a_key_of_rsa(rsa):
    ring, key = rsa
    signer = private_key_signer(Secret(key.secret), None, "key")
    payload, signature = E1.encode(), signer.sign(E1.encode())
    ring.check(key.api_key, payload, signature)
    check(ring, key.api_key, signed(E1, signature))
    assert refused(ring.check, key.api_key, payload + b" ", signature)[0] == -1022
    assert refused(ring.check, key.api_key, payload, signature.swapcase())[0] == -1022
    assert ring.kind_of(key.api_key) is KeyKind.RSA


def test_a_public_key_of_rsa_may_be_registered(rsa):
    _, key = rsa
    public = load_pem_private_key(key.secret.encode(), None).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ring = KeyRing(random.Random(3).randbytes)
    ring.register("mine", "abc", public_key=pem)
    ring.check("abc", b"x=1", private_key_signer(Secret(key.secret), None, "key").sign(b"x=1"))
    assert (ring.account_of("abc"), ring.kind_of("abc")) == ("mine", KeyKind.RSA)


@pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
def test_a_made_key_looks_like_the_venue_s_and_signs(kind):
    ring = KeyRing(random.Random(5).randbytes)
    key = ring.make("main", kind)
    assert len(key.api_key) == 64
    assert key.api_key.isascii()
    assert key.api_key.isalnum()
    secret = Secret(key.secret)
    signer = HmacSigner(secret) if kind is KeyKind.HMAC else private_key_signer(secret, None, "key")
    ring.check(key.api_key, b"x=1", signer.sign(b"x=1"))
    assert (ring.account_of(key.api_key), ring.kind_of(key.api_key)) == ("main", kind)
    assert KeyRing(random.Random(5).randbytes).make("main", kind) == key
    assert ring.make("main", kind).api_key != key.api_key


def test_a_key_shows_and_tells_nothing(keys):
    key = keys.make("main", KeyKind.HMAC)
    assert repr(key) == "SandboxKey(account='main', kind='hmac')"
    assert repr(keys) == "KeyRing(5 keys)"


# What is no signature, and what is no key.


def test_the_case_of_hex_does_not_matter_and_that_of_base64_does(keys):
    payload, signature = SPOT_REST[0]
    check(keys, SPOT_KEY, signed(payload, signature.upper()))
    payload, signature = ED_REST[0]
    assert refused(check, keys, ED_KEY, signed(payload, signature.lower()))[0] == -1022


@pytest.mark.parametrize("signature", ["", "x", "é", "=" * 88, "A" * 87, "ab" * 32])
@pytest.mark.parametrize("api_key", [SPOT_KEY, ED_KEY])
def test_anything_else_is_no_signature(keys, api_key, signature):
    assert refused(keys.check, api_key, H1.encode(), signature) == (-1022, 400)


@pytest.mark.parametrize("api_key", ["", "a b", "key-1", "ключ", "x\n"])
def test_a_key_has_letters_and_digits(keys, api_key):
    assert refused(keys.account_of, api_key) == (-2014, 401)
    with pytest.raises(InvalidInput):
        keys.register("main", api_key, secret="s")  # noqa: S106


def test_an_unknown_key_and_one_that_was_deleted(keys):
    assert refused(keys.account_of, "unknown") == (-2015, 401)
    assert keys.account_of(SPOT_KEY) == "spot"
    keys.forget(SPOT_KEY)
    keys.forget(SPOT_KEY)
    assert refused(keys.account_of, SPOT_KEY) == (-2015, 401)
    assert refused(keys.check, SPOT_KEY, b"", "")[0] == -2015
    assert refused(keys.kind_of, SPOT_KEY)[0] == -2015


def test_a_key_that_only_reads(keys):
    keys.register("main", "reader", secret="s", can_trade=False)  # noqa: S106
    made = keys.make("main", KeyKind.HMAC, can_trade=False)
    for api_key in ("reader", made.api_key):
        assert keys.account_of(api_key) == "main"
        assert refused(keys.account_of, api_key, trades=True) == (-2015, 401)


def test_keys_that_the_venue_does_not_take(keys):
    public = generate_private_key(SECP256R1()).public_key()
    elliptic = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for given in (
        {},
        {"secret": "s", "public_key": ED_PUBLIC},
        {"public_key": elliptic},
        {"public_key": "no PEM"},
    ):
        with pytest.raises(InvalidInput) as caught:
            keys.register("main", "abc", **given)
        assert ED_PUBLIC not in str(caught.value)
    assert refused(keys.account_of, "abc")[0] == -2015


# Parameters of a request.


def test_parameters_are_decoded_and_what_is_signed_is_not():
    query = "symbols=%5B%22A%22%2C%22B%22%5D&note=a+b%20c&signature=x%2By%2F%3D"
    values, payload, signature = rest_parameters((query, ""))
    assert values == {"symbols": '["A","B"]', "note": "a b c", "signature": "x+y/="}
    assert payload == b"symbols=%5B%22A%22%2C%22B%22%5D&note=a+b%20c"
    assert signature == "x+y/="


def test_the_query_wins_over_the_body_and_both_are_signed():
    values, payload, _ = rest_parameters(("a=1&b=2", "b=3&c=4&signature=s"))
    assert values == {"a": "1", "b": "2", "c": "4", "signature": "s"}
    assert payload == b"a=1&b=2b=3&c=4"


def test_a_parameter_is_not_sent_twice():
    with pytest.raises(ApiError) as caught:
        rest_parameters(("a=1&b=2&a=1", ""))
    assert (caught.value.code, caught.value.text) == (-1101, "Duplicate values for parameter 'a'.")
    assert refused(rest_parameters, ("", "b=1&b=2"))[0] == -1101
    assert refused(rest_parameters, ("signature=a&signature=b", ""))[0] == -1101


def test_a_signature_comes_last():
    assert refused(rest_parameters, ("a=1&signature=s&b=2", ""))[0] == -1022
    assert refused(rest_parameters, ("", "signature=s&b=2"))[0] == -1022


def test_empty_parts_and_values():
    assert rest_parameters(("", "")) == ({}, b"", "")
    assert rest_parameters(("a=&b", "")) == ({"a": "", "b": ""}, b"a=&b", "")
    assert rest_parameters(("a=1&&b=2&", "")) == ({"a": "1", "b": "2"}, b"a=1&&b=2&", "")


def test_values_are_utf_8():
    with pytest.raises(UnicodeDecodeError):
        rest_parameters(("a=%FF", ""))
