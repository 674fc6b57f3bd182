"""Keys are recognised in whatever form a user has them, and refused in words that show none of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pickle
import re
import subprocess
import sys
import textwrap
import traceback

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, strategies as st

from toucan_execution.credentials import (
    Credentials,
    KeyKind,
    Secret,
    from_environment,
    load_credentials,
    read_environment,
)
from toucan_execution.errors import ConfigError
from toucan_execution.signing import Signer

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
HMAC = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PHRASE = "correct horse battery"
PAYLOAD = b"symbol=BTCUSDT&timestamp=1668481559918"


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ed_key():
    return ed25519.Ed25519PrivateKey.generate()


def pem(key, form=PrivateFormat.PKCS8, phrase=None):
    locked = NoEncryption() if phrase is None else BestAvailableEncryption(phrase.encode())
    return key.private_bytes(Encoding.PEM, form, locked).decode()


def verify(credentials, key):
    signature = base64.b64decode(credentials.signer.sign(PAYLOAD), validate=True)
    how = (padding.PKCS1v15(), SHA256()) if credentials.kind is KeyKind.RSA else ()
    key.public_key().verify(signature, PAYLOAD, *how)
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, PAYLOAD + b"0", *how)


def refused(field, match, *args, **kwargs):
    """Load what cannot be loaded; see that neither the error nor our frames show anything secret."""
    with pytest.raises(ConfigError, match=match) as caught:
        load_credentials(*args, **kwargs)
    error = caught.value
    assert error.field == field
    assert error.__cause__ is None
    assert error.__context__ is None
    given_texts = [text for text in (*args, *kwargs.values()) if isinstance(text, str) and len(text) > 15]
    secrets = {
        line for text in given_texts for line in text.split("\n") if len(line) > 15 and "--" not in line
    }
    secrets = {text for text in secrets if not text.endswith(".pem")}
    shown = [str(error), repr(error), repr(error.args), *frames_of_ours(error)]
    assert [secret for secret in secrets for text in shown if secret in text] == []
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(again) == str(error)
    return error


def frames_of_ours(error):
    """Return every variable in our frames, as an error tracker would show it."""
    shown = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "toucan_execution" in frame.f_globals.get("__name__", ""):
            shown += [f"{name}={value!r} {value!s}" for name, value in frame.f_locals.items()]
    assert shown
    return shown


# What is recognised.


def test_a_text_is_an_hmac_secret():
    credentials = load_credentials(API_KEY, HMAC)
    assert credentials.kind is KeyKind.HMAC
    assert credentials.api_key.reveal() == API_KEY
    # H1 of facts C.7.
    payload = (
        b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
        b"&recvWindow=5000&timestamp=1499827319559"
    )
    assert (
        credentials.signer.sign(payload) == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    )


def test_secrets_are_taken_as_secrets_too():
    credentials = load_credentials(Secret(API_KEY), Secret(HMAC))
    assert credentials.signer.sign(PAYLOAD) == load_credentials(API_KEY, HMAC).signer.sign(PAYLOAD)


@pytest.mark.parametrize("phrase", [None, PHRASE, "pässwörd-ключ"])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        (KeyKind.RSA, PrivateFormat.PKCS8),
        (KeyKind.RSA, PrivateFormat.TraditionalOpenSSL),
        (KeyKind.ED25519, PrivateFormat.PKCS8),
    ],
)
def test_pem_text_is_recognised(kind, form, phrase, rsa_key, ed_key):
    key = rsa_key if kind is KeyKind.RSA else ed_key
    text = pem(key, form, phrase)
    credentials = load_credentials(API_KEY, text, passphrase=phrase)
    assert credentials.kind is kind
    assert isinstance(credentials.signer, Signer)
    verify(credentials, key)
    assert load_credentials(API_KEY, text, passphrase=phrase, kind=kind.value).kind is kind


@pytest.mark.parametrize(
    "written",
    [
        lambda text: f"\n\n  {text}\n ",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.strip(),
        lambda text: textwrap.indent(text, "    "),
        lambda text: f"Bag Attributes\n    friendlyName: bot\n{text}",
    ],
)
def test_pem_text_is_recognised_however_it_was_pasted(written, ed_key, rsa_key):
    for key in (ed_key, rsa_key):
        verify(load_credentials(API_KEY, written(pem(key))), key)


def test_a_pem_with_the_public_key_beside_the_private_one_will_do(ed_key):
    public = ed_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    verify(load_credentials(API_KEY, public + pem(ed_key)), ed_key)


def test_a_path_is_recognised(tmp_path, monkeypatch, ed_key):
    plain, locked, bare = tmp_path / "my key.pem", tmp_path / "locked.pem", tmp_path / "keyfile"
    plain.write_text("\ufeff" + pem(ed_key), encoding="utf-8")
    locked.write_text(pem(ed_key, phrase=PHRASE))
    bare.write_text(pem(ed_key))
    verify(load_credentials(API_KEY, plain), ed_key)
    verify(load_credentials(API_KEY, str(plain)), ed_key)
    verify(load_credentials(API_KEY, str(bare), kind="ed25519"), ed_key)
    verify(load_credentials(API_KEY, locked, passphrase=Secret(PHRASE)), ed_key)
    monkeypatch.setenv("HOME", str(tmp_path))
    verify(load_credentials(API_KEY, "~/keyfile"), ed_key)


def test_a_secret_is_not_taken_for_a_path_if_it_is_said_to_be_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / HMAC).write_text("a file of that name")
    assert load_credentials(API_KEY, HMAC, kind="hmac").kind is KeyKind.HMAC
    with pytest.raises(ConfigError, match="no PEM"):
        load_credentials(API_KEY, HMAC)


# What is refused.

ENDS = "a space or a line end before or after it"


@pytest.mark.parametrize(
    ("key", "match"),
    [
        (None, "missing"),
        ("", "empty"),
        (f" {API_KEY}", ENDS),
        (f"{API_KEY}\n", ENDS),
        (f"{API_KEY[:30]} {API_KEY[30:]}", "no key has"),
        (f"{API_KEY}é", "no key has"),
        (f"{API_KEY}\u200b", "no key has"),
        (API_KEY.encode(), "no text"),
        (4711471147114711, "no text"),
    ],
)
def test_an_api_key_that_cannot_be_one(key, match):
    error = refused("api_key", match, key, HMAC)
    assert "47114711" not in str(error)


@pytest.mark.parametrize(
    ("secret", "match"),
    [
        (None, "missing"),
        ("", "empty"),
        (f"{HMAC}\r\n", ENDS),
        (f"\t{HMAC}", ENDS),
        (f"{HMAC[:30]}\n{HMAC[30:]}", "no key has"),
        (f"{HMAC}ü", "no key has"),
        (f"{HMAC}\ud800", "no key has"),
        (f"{HMAC}\0", "no key has"),
        (HMAC.encode(), "no text"),
        (API_KEY, "API key itself"),
        ("---- BEGIN PRIVATE KEY ----", "no key has"),
    ],
)
def test_a_secret_that_cannot_be_one(secret, match):
    refused("secret", match, API_KEY, secret)


def test_what_errors_call_it_is_up_to_the_caller():
    refused("secret_key", "empty", API_KEY, "", called=("api_key", "secret_key", "passphrase"))


def test_private_keys_of_other_kinds(rsa_key):
    curve = ec.generate_private_key(ec.SECP256R1())
    refused("secret", "EC key", API_KEY, pem(curve))
    refused("secret", "EC key", API_KEY, pem(curve, PrivateFormat.TraditionalOpenSSL))
    refused("secret", "EC key", API_KEY, pem(curve, PrivateFormat.TraditionalOpenSSL, PHRASE))
    refused("secret", "of a kind", API_KEY, pem(x25519.X25519PrivateKey.generate()))
    refused("secret", "of a kind", API_KEY, pem(ed448.Ed448PrivateKey.generate()))
    old = dsa.generate_private_key(1024)  # noqa: S505 - to be refused
    refused("secret", "DSA key", API_KEY, pem(old, PrivateFormat.TraditionalOpenSSL))
    refused("secret", "OpenSSH", API_KEY, pem(rsa_key, PrivateFormat.OpenSSH))


def test_a_small_rsa_key():
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    error = refused("secret", "1024 bits is too small", API_KEY, pem(small))
    assert "2048" in error.accepted


def test_a_public_key_where_a_private_one_is_needed(ed_key, rsa_key):
    for key, form in (
        (ed_key, PublicFormat.SubjectPublicKeyInfo),
        (rsa_key, PublicFormat.SubjectPublicKeyInfo),
        (rsa_key, PublicFormat.PKCS1),
    ):
        public = key.public_key().public_bytes(Encoding.PEM, form).decode()
        refused("secret", "that is the public key", API_KEY, public)


def test_passphrases(ed_key, rsa_key):
    for text in (
        pem(ed_key, phrase=PHRASE),
        pem(rsa_key, phrase=PHRASE),
        pem(rsa_key, PrivateFormat.TraditionalOpenSSL, PHRASE),
    ):
        error = refused("secret", "is encrypted", API_KEY, text)
        assert "passphrase" in error.accepted
        refused("secret", "passphrase is wrong", API_KEY, text, passphrase="open sesame open sesame")  # noqa: S106
        refused("secret", "passphrase is wrong", API_KEY, text, passphrase="\ud800 open sesame")  # noqa: S106
    refused("passphrase", "not encrypted", API_KEY, pem(ed_key), passphrase=PHRASE)
    refused("passphrase", "has none", API_KEY, HMAC, passphrase=PHRASE)
    refused("passphrase", "empty", API_KEY, pem(ed_key, phrase=PHRASE), passphrase="")
    refused("passphrase", "no text", API_KEY, pem(ed_key, phrase=PHRASE), passphrase=PHRASE.encode())


def test_damaged_pem(ed_key, rsa_key):
    whole = pem(rsa_key)
    lines = whole.splitlines()
    damaged = [
        whole[:400],
        "\n".join([lines[0], *lines[2:]]),
        "\n".join([*lines[:5], "!!!!", *lines[5:]]),
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        whole.replace("PRIVATE KEY", "SECRET KEY"),
    ]
    for text in damaged:
        refused("secret", "damaged|no private key", API_KEY, text)
    refused("secret", "more than one", API_KEY, pem(ed_key) + whole)


def test_the_inside_of_a_pem_is_no_hmac_secret(ed_key, rsa_key):
    for key in (ed_key, rsa_key):
        inside = "".join(pem(key).splitlines()[1:-1])
        refused("secret", "inside of a PEM", API_KEY, inside)


def test_the_kind_is_checked(ed_key, rsa_key):
    refused("secret", "of the kind ed25519", API_KEY, pem(ed_key), kind="rsa")
    refused("secret", "of the kind rsa", API_KEY, pem(rsa_key), kind=KeyKind.HMAC)
    refused("secret", "no PEM in it", API_KEY, HMAC, kind="ed25519")
    error = refused("kind", "no such kind", API_KEY, HMAC, kind="ecdsa")
    assert error.accepted == "hmac, rsa, ed25519"


def test_files_that_cannot_be_used(tmp_path):
    missing, binary, other, large = (tmp_path / name for name in ("a.pem", "b.pem", "c.pem", "d.pem"))
    binary.write_bytes(b"\x30\x82\xff\xfe")
    other.write_text(HMAC)
    large.write_text("-----BEGIN PRIVATE KEY-----\n" + "A" * 70_000)
    for path, match in (
        (missing, "No such file"),
        (tmp_path, "irectory|denied"),
        (binary, "no text"),
        (other, "no PEM"),
        (large, "no PEM"),
    ):
        assert refused("secret", match, API_KEY, path).value == str(path)
        if path.suffix:
            assert refused("secret", match, API_KEY, str(path)).value == str(path)


@given(st.text(min_size=16, max_size=80) | st.from_regex(r"[!-~]{16,80}", fullmatch=True))
def test_whatever_is_given_is_a_secret_or_a_refusal_that_does_not_show_it(text):
    error = None
    try:
        signer = load_credentials(API_KEY, text, kind="hmac").signer
    except ConfigError as caught:
        error = caught
    if error is None:
        assert re.fullmatch(r"[!-~]+", text)
        assert signer.sign(PAYLOAD) == hmac.new(text.encode(), PAYLOAD, hashlib.sha256).hexdigest()
    else:
        assert [shown for shown in (str(error), *frames_of_ours(error)) if text in shown] == []


# What credentials show.


def test_credentials_show_and_pickle_nothing(ed_key, rsa_key):
    for secret in (HMAC, pem(ed_key), pem(rsa_key)):
        credentials = load_credentials(API_KEY, secret)
        shown = f"{credentials} {credentials!r} {credentials.signer!r} {credentials.api_key}"
        assert API_KEY not in shown
        assert secret not in shown
        assert credentials.account_id in shown
        for value in (credentials, credentials.signer):
            with pytest.raises(ConfigError, match="not pickled"):
                pickle.dumps(value)


def test_the_account_id_is_stable_and_tells_keys_apart():
    # SHA-256 of the key, its first twelve digits.
    assert load_credentials(API_KEY, HMAC).account_id == "5ba1ed8425ba"
    assert load_credentials(API_KEY, "another").account_id == "5ba1ed8425ba"
    assert load_credentials(API_KEY[::-1], HMAC).account_id != "5ba1ed8425ba"


def test_a_signer_of_ones_own_will_do():
    class Device:
        kind = KeyKind.ED25519

        def sign(self, payload):
            return f"{len(payload)}"

    credentials = Credentials(Secret(API_KEY), Device())
    assert credentials.kind is KeyKind.ED25519
    assert credentials.signer.sign(PAYLOAD) == str(len(PAYLOAD))


# The environment.

VARIABLES = {
    "BINANCE_API_KEY": "live-key",
    "BINANCE_API_SECRET": "live-secret",
    "BINANCE_TESTNET_API_KEY": "testnet-key",
    "BINANCE_TESTNET_API_SECRET": "testnet-secret",
    "BINANCE_DEMO_API_KEY": "demo-key",
    "BINANCE_DEMO_API_SECRET": "demo-secret",
    "BINANCE_DEMO_API_PASSPHRASE": "",
}


@pytest.mark.parametrize("environment", ["live", "testnet", "demo"])
def test_each_environment_has_variables_of_its_own(environment, monkeypatch):
    found = from_environment(environment=environment, variables=VARIABLES)
    assert found.api_key.reveal() == f"{environment}-key"
    assert found.signer.sign(b"x") == load_credentials("k", f"{environment}-secret").signer.sign(b"x")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    key, secret, passphrase = read_environment("BINANCE", environment)
    assert (key, secret, passphrase) == (
        Secret(f"{environment}-key"),
        Secret(f"{environment}-secret"),
        None,
    )
    assert from_environment(environment=environment).account_id == found.account_id


def test_a_passphrase_comes_from_the_environment_too(ed_key):
    variables = {
        "VENUE_TESTNET_API_KEY": "key",
        "VENUE_TESTNET_API_SECRET": pem(ed_key, phrase=PHRASE).replace("\n", "\\n"),
        "VENUE_TESTNET_API_PASSPHRASE": PHRASE,
    }
    verify(from_environment("VENUE", environment="testnet", variables=variables), ed_key)


@pytest.mark.parametrize(
    ("left", "missing"),
    [
        ({"BINANCE_API_KEY": "k" * 20}, "BINANCE_TESTNET_API_KEY, BINANCE_TESTNET_API_SECRET"),
        ({"BINANCE_TESTNET_API_KEY": "k" * 20}, "not set: BINANCE_TESTNET_API_SECRET"),
        (
            {"BINANCE_TESTNET_API_KEY": "", "BINANCE_TESTNET_API_SECRET": "s" * 20},
            "not set: BINANCE_TESTNET_API_KEY",
        ),
    ],
)
def test_missing_variables_are_named(left, missing):
    for read in (
        lambda: from_environment(environment="testnet", variables=left),
        lambda: read_environment("BINANCE", "testnet", left),
    ):
        with pytest.raises(ConfigError, match=missing) as caught:
            read()
        for text in (str(caught.value), *frames_of_ours(caught.value)):
            assert "kkkkk" not in text
            assert "sssss" not in text


def test_what_is_wrong_in_a_variable_names_the_variable():
    variables = {"BINANCE_API_KEY": f"{API_KEY}\n", "BINANCE_API_SECRET": HMAC}
    with pytest.raises(ConfigError, match=ENDS) as caught:
        from_environment(environment="live", variables=variables)
    assert caught.value.field == "BINANCE_API_KEY"
    for text in (str(caught.value), *frames_of_ours(caught.value)):
        assert API_KEY not in text
        assert HMAC not in text


@pytest.mark.parametrize("environment", ["production", "", None, "LIVE"])
def test_an_environment_that_there_is_not(environment):
    with pytest.raises(ConfigError) as caught:
        from_environment(environment=environment, variables=VARIABLES)
    assert caught.value.field == "environment"
    assert caught.value.accepted == "live, testnet, demo"
    assert [text for text in frames_of_ours(caught.value) if "live-secret" in text] == []


def test_leaving_the_environment_out_is_no_choice():
    with pytest.raises(TypeError, match="environment"):
        from_environment()


def test_an_hmac_secret_needs_no_cryptography():
    program = (
        "import sys\n"
        "from toucan_execution.credentials import load_credentials\n"
        "load_credentials('k', 's').signer.sign(b'x')\n"
        "assert 'cryptography' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
