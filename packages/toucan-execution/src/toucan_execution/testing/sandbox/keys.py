"""API keys of the sandbox: made here or registered by a user, and what they have signed (facts C.6)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from toucan_execution.signing import KeyKind
from toucan_execution.testing.sandbox.errors import invalid_key, invalid_signature
from toucan_instrument.errors import InvalidInput

__all__ = ["KeyRing", "SandboxKey"]

KEY_LENGTH = 64
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RSA_BITS = 2048
Check = Callable[[bytes, str], bool]


class SandboxKey(msgspec.Struct, frozen=True):
    """An API key of the sandbox. It is worth nothing anywhere else, and its repr shows it all the same not.

    Attributes:
        account: Whose it is.
        kind: What requests are signed with.
        api_key: The key.
        secret: The secret (HMAC), or the private key as PEM text (RSA, Ed25519).
    """

    account: str
    kind: KeyKind
    api_key: str
    secret: str

    def __repr__(self) -> str:
        """Show whose it is, and of which kind."""
        return f"SandboxKey(account={self.account!r}, kind={self.kind.value!r})"


class _Known(msgspec.Struct, frozen=True):
    account: str
    kind: KeyKind
    check: Check
    can_trade: bool


class KeyRing:
    """The keys that there are.

    Args:
        entropy: Where the chance in new keys comes from.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._known: dict[str, _Known] = {}

    def make(self, account: str, kind: KeyKind, *, can_trade: bool = True) -> SandboxKey:
        """Make a key of an account."""
        check: Check
        api_key, secret = self._text(), self._text()
        if kind is KeyKind.HMAC:
            check = _hmac(secret)
        elif kind is KeyKind.ED25519:
            private = Ed25519PrivateKey.from_private_bytes(self._entropy(32))
            check = _ed25519(private.public_key())
            secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        else:
            made = generate_private_key(65_537, RSA_BITS)
            check = _rsa(made.public_key())
            secret = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self._known[api_key] = _Known(account, kind, check, can_trade)
        return SandboxKey(account, kind, api_key, secret)

    def register(
        self, account: str, api_key: str, *, secret: str = "", public_key: str = "", can_trade: bool = True
    ) -> None:
        """Take in a key that a user has: its HMAC secret, or its public key as PEM text.

        Raises:
            InvalidInput: Neither or both are given; one of them is none that the venue takes.
        """
        if not api_key or not set(api_key) <= set(LETTERS):
            raise InvalidInput("letters and digits alone", field="api_key", value="(hidden)")
        if bool(secret) == bool(public_key):
            raise InvalidInput("one of secret and public_key", field="secret", value="(hidden)")
        kind, check = KeyKind.HMAC, _hmac(secret)
        if public_key:
            loaded = _loaded(public_key)
            if isinstance(loaded, Ed25519PublicKey):
                kind, check = KeyKind.ED25519, _ed25519(loaded)
            elif isinstance(loaded, RSAPublicKey):
                kind, check = KeyKind.RSA, _rsa(loaded)
            else:
                raise InvalidInput(
                    "not a key that the venue takes",
                    field="public_key",
                    value=type(loaded).__name__,
                    accepted="RSA or Ed25519",
                )
        self._known[api_key] = _Known(account, kind, check, can_trade)

    def forget(self, api_key: str) -> None:
        """Delete a key: what is asked with it from now on is refused."""
        self._known.pop(api_key, None)

    def account_of(self, api_key: str, *, trades: bool = False) -> str:
        """Return whose a key is.

        Args:
            api_key: The key, empty where none was sent.
            trades: Whether it has to be one that may trade.

        Raises:
            ApiError: -2014 or -2015.
        """
        return self._find(api_key, trades=trades).account

    def kind_of(self, api_key: str) -> KeyKind:
        """Return what requests with a key are signed with.

        Raises:
            ApiError: -2014 or -2015.
        """
        return self._find(api_key).kind

    def check(self, api_key: str, payload: bytes, signature: str) -> None:
        """Refuse a signature that is not that of the payload.

        Raises:
            ApiError: -1022, -2014 or -2015.
        """
        if not self._find(api_key).check(payload, signature):
            raise invalid_signature()

    def _find(self, api_key: str, *, trades: bool = False) -> _Known:
        if not api_key or not set(api_key) <= set(LETTERS):
            raise invalid_key(malformed=True)
        known = self._known.get(api_key)
        if known is None or (trades and not known.can_trade):
            raise invalid_key()
        return known

    def _text(self) -> str:
        """Return a text of the form that the venue's keys have."""
        found = ""
        while len(found) < KEY_LENGTH:
            # The few bytes that would make some letters likelier than others are left out.
            found += "".join(LETTERS[byte % 62] for byte in self._entropy(KEY_LENGTH) if byte < 248)  # noqa: PLR2004
        return found[:KEY_LENGTH]

    def new_token(self) -> str:
        """Return a text that nobody could guess, such as a listen key."""
        return self._text()

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"KeyRing({len(self._known)} keys)"


def _loaded(public_key: str) -> object:
    try:
        return load_pem_public_key(public_key.encode())
    except ValueError as error:
        raise InvalidInput("no PEM text", field="public_key", value="(hidden)") from error


def _hmac(secret: str) -> Check:
    def check(payload: bytes, signature: str) -> bool:
        wanted = hmac.digest(secret.encode(), payload, "sha256").hex()
        return hmac.compare_digest(wanted.encode(), signature.lower().encode())

    return check


def _signed(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _ed25519(key: Ed25519PublicKey) -> Check:
    def check(payload: bytes, signature: str) -> bool:
        try:
            key.verify(_signed(signature), payload)
        except InvalidSignature:
            return False
        return True

    return check


def _rsa(key: RSAPublicKey) -> Check:
    def check(payload: bytes, signature: str) -> bool:
        try:
            key.verify(_signed(signature), payload, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    return check
