"""Private keys, and signing with them. The one module that needs `cryptography`: import it late."""

from __future__ import annotations

import base64
from typing import Final, Never, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from toucan_execution.errors import ConfigError
from toucan_execution.secret import SHOWN, Secret
from toucan_execution.signing import KeyKind

__all__ = ["Ed25519Signer", "RsaSigner", "private_key_signer"]

ACCEPTED = "a private key in PEM: RSA of 2048 bits or more, or Ed25519"
SMALLEST_RSA = 2048


class _KeySigner:
    """What the two kinds of private keys have in common: they do not show or pickle themselves."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the kind alone."""
        return f"{type(self).__name__}()"

    def __reduce_ex__(self, protocol: object, /) -> Never:
        raise ConfigError(
            "a private key is not pickled",
            field="signer",
            value=SHOWN,
            accepted="loading it again where it is needed",
        )


@final
class RsaSigner(_KeySigner):
    """Signs with RSASSA-PKCS1-v1_5 and SHA-256; signatures are base64 (facts C.6)."""

    __slots__ = ("_key",)

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key: Final = key

    @property
    def kind(self) -> KeyKind:
        """Always RSA."""
        return KeyKind.RSA

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        return base64.b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode("ascii")


@final
class Ed25519Signer(_KeySigner):
    """Signs with Ed25519; signatures are base64 (facts C.6)."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key: Final = key

    @property
    def kind(self) -> KeyKind:
        """Always ED25519."""
        return KeyKind.ED25519

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        return base64.b64encode(self._key.sign(payload)).decode("ascii")


def private_key_signer(pem: Secret, passphrase: Secret | None, field: str) -> RsaSigner | Ed25519Signer:
    """Return a signer of the private key that a PEM text holds.

    Args:
        pem: The text.
        passphrase: What it is encrypted with; None exactly where it is not encrypted.
        field: What errors call it.

    Raises:
        ConfigError: It cannot be read, or is no key that a venue takes.
    """
    key = _load(pem, passphrase)
    # Errors are raised here, where no variable holds anything secret, and with no other error behind them.
    match key:
        case RSAPrivateKey() if key.key_size < SMALLEST_RSA:
            why = f"an RSA key of {key.key_size} bits is too small"
        case RSAPrivateKey():
            return RsaSigner(key)
        case Ed25519PrivateKey():
            return Ed25519Signer(key)
        case EllipticCurvePrivateKey():
            why = "that is an EC key (ECDSA), which the venue does not take"
        case str():
            why = key
        case _:
            why = "that is a private key of a kind which the venue does not take"
    raise ConfigError(why, field=field, value=SHOWN, accepted=ACCEPTED)


def _load(pem: Secret, passphrase: Secret | None) -> object:
    """Return the key, or why there is none."""
    try:
        return load_pem_private_key(
            pem.reveal().encode(), None if passphrase is None else passphrase.reveal().encode()
        )
    except UnsupportedAlgorithm:
        return "the PEM text uses an algorithm that cannot be read here"
    except (TypeError, ValueError):
        if passphrase is not None:
            return "the passphrase is wrong, or the PEM text is damaged"
        return "the PEM text is damaged or cut short"
