"""Signing of requests: the three kinds of keys that venues use, behind one method.

What exactly is signed (which parameters, in which order, how encoded) is a venue's own rule: see its folder
in `toucan_execution.client`.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Protocol, final, runtime_checkable

from toucan_execution.secret import Secret

__all__ = ["HmacSigner", "KeyKind", "Signer"]


class KeyKind(StrEnum):
    """What a request is signed with (facts C.6)."""

    HMAC = "hmac"
    """HMAC-SHA256 with a secret that the venue knows as well; the signature is hex."""
    RSA = "rsa"
    """RSASSA-PKCS1-v1_5 with SHA-256 and a private key; the signature is base64."""
    ED25519 = "ed25519"
    """Ed25519 with a private key; the signature is base64."""


@runtime_checkable
class Signer(Protocol):
    """Signs bytes. Anything of this shape will do, such as one whose key never leaves a device."""

    @property
    def kind(self) -> KeyKind:
        """What it signs with."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return the signature of some bytes as text: hex for HMAC, else base64; never percent-encoded."""
        ...


@final
class HmacSigner:
    """Signs with HMAC-SHA256; signatures are lower-case hex (facts C.6)."""

    __slots__ = ("_secret",)

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        """Show the kind alone."""
        return "HmacSigner()"

    @property
    def kind(self) -> KeyKind:
        """Always HMAC."""
        return KeyKind.HMAC

    def sign(self, payload: bytes) -> str:
        """Return the signature in hex."""
        return hmac.digest(self._secret.reveal().encode(), payload, "sha256").hex()
