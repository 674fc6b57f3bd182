"""Signers give what the standards say."""

from __future__ import annotations

import pickle

import pytest

from toucan_execution.errors import ConfigError
from toucan_execution.secret import Secret
from toucan_execution.signing import HmacSigner, KeyKind, Signer


def test_hmac_as_rfc_4231_has_it():
    # Test case 2 of the RFC.
    signer = HmacSigner(Secret("Jefe"))
    assert signer.kind is KeyKind.HMAC
    assert isinstance(signer, Signer)
    assert (
        signer.sign(b"what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_an_hmac_signer_shows_and_pickles_nothing():
    signer = HmacSigner(Secret("open-sesame"))
    assert repr(signer) == "HmacSigner()"
    with pytest.raises(ConfigError, match="not pickled"):
        pickle.dumps(signer)


def test_kinds_are_named_for_configurations():
    assert [str(kind) for kind in KeyKind] == ["hmac", "rsa", "ed25519"]
