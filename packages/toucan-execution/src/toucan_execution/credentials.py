"""Who asks: the API key, and what signs with it; from texts, files and environment variables.

No plain secret is ever held in a variable of a frame that can raise, so that a traceback with variables
(as error trackers make them) does not show one; and no error here has another one behind it that could.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import NamedTuple, Never, TypeAlias

import msgspec

from toucan_execution._pem import FoundKey, find_private_key, looks_like_bare_key, looks_like_pem, read_pem
from toucan_execution.errors import ConfigError
from toucan_execution.secret import SHOWN, Secret, hide
from toucan_execution.signing import HmacSigner, KeyKind, Signer
from toucan_instrument import Environment

__all__ = [
    "Credentials",
    "KeyKind",
    "Secret",
    "SecretSource",
    "from_environment",
    "load_credentials",
    "read_environment",
]

SecretSource: TypeAlias = str | Secret | os.PathLike[str]
"""An HMAC secret, a PEM text, or the path of a PEM file."""

ACCEPTED = "an HMAC secret, a private key as PEM text, or the path of a PEM file"
PRINTABLE = re.compile(r"[!-~]+")  # what can stand in a header: ASCII, no spaces


class Credentials(msgspec.Struct, frozen=True, eq=False):
    """An API key and what signs with it. Shows neither; cannot be pickled.

    Attributes:
        api_key: The key, as the venue issued it. It is sent with every request, so it is no password; but
            it says whose requests they are, and is kept out of sight as well.
        signer: Signs with the secret or the private key.
    """

    api_key: Secret
    signer: Signer

    @property
    def kind(self) -> KeyKind:
        """What requests are signed with."""
        return self.signer.kind

    @property
    def account_id(self) -> str:
        """Twelve hex digits that tell API keys apart and do not give them away; the same in every process."""
        return hashlib.sha256(self.api_key.reveal().encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        """Show what is safe to show."""
        return f"Credentials(account_id={self.account_id!r}, kind={self.kind.value!r})"


class _Names(NamedTuple):
    api_key: str
    secret: str
    passphrase: str


def load_credentials(
    api_key: str | Secret,
    secret: SecretSource,
    *,
    kind: KeyKind | str | None = None,
    passphrase: str | Secret | None = None,
    called: tuple[str, str, str] = ("api_key", "secret", "passphrase"),
) -> Credentials:
    """Make credentials of what a user has.

    Args:
        api_key: The key as the venue issued it.
        secret: PEM text (PKCS#8 RSA or Ed25519, PKCS#1 RSA, encrypted or not; line ends may be written as
            backslash and n), the path of a PEM file (a path object, a text that ends in ``.pem`` or that
            names something that exists), else an HMAC secret.
        kind: What it must be. ``hmac`` also keeps a secret from being taken for a path.
        passphrase: What the PEM text is encrypted with.
        called: What errors call key, secret and passphrase.

    Raises:
        ConfigError: Which of them cannot be used and why; it never shows a key, a secret or a passphrase.
    """
    api_key, secret, passphrase = hide(api_key), hide(secret), hide(passphrase)
    return _load(api_key, secret, passphrase, _kind_of(kind), _Names(*called))


def from_environment(
    prefix: str = "BINANCE",
    *,
    environment: Environment | str,
    kind: KeyKind | str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Credentials:
    """Make credentials of environment variables: see `read_environment`.

    Args:
        prefix: What their names begin with.
        environment: Which world; it has no default, so that live trading is chosen by name.
        kind: What the secret must be.
        variables: Names and values, those of the process where None.

    Raises:
        ConfigError: Which variables are missing, or which cannot be used and why.
    """
    names, found = _look_up(prefix, environment, variables)
    del variables  # a traceback that shows variables must not show these
    key, secret, passphrase = _complete(names, found, environment)
    return _load(key, secret, passphrase, _kind_of(kind), names)


def read_environment(
    prefix: str, environment: Environment | str, variables: Mapping[str, str] | None = None
) -> tuple[Secret, Secret, Secret | None]:
    """Return API key, secret and passphrase (None where there is none) from environment variables.

    They are ``BINANCE_API_KEY``, ``BINANCE_API_SECRET`` and, for an encrypted PEM, ``BINANCE_API_PASSPHRASE``
    for live trading; ``BINANCE_TESTNET_API_KEY`` and so on for the testnet, ``BINANCE_DEMO_API_KEY`` and so
    on for the demo. One environment's are never taken for another's. An empty variable counts as not set.

    Args:
        prefix: What their names begin with.
        environment: Which world.
        variables: Names and values, those of the process where None.

    Raises:
        ConfigError: Which variables are missing, or that there is no such world.
    """
    names, found = _look_up(prefix, environment, variables)
    del variables  # a traceback that shows variables must not show these
    return _complete(names, found, environment)


def _look_up(
    prefix: str, environment: str, variables: Mapping[str, str] | None
) -> tuple[_Names, list[Secret | None]]:
    """Return the names of the variables and what they hold; plain text passes through here: no raising."""
    middle = "" if environment == Environment.LIVE else f"_{str(environment).upper()}"
    names = _Names(*(f"{prefix}{middle}_API_{part}" for part in ("KEY", "SECRET", "PASSPHRASE")))
    given = os.environ if variables is None else variables
    return names, [Secret(text) if (text := given.get(name)) else None for name in names]


def _complete(
    names: _Names, found: list[Secret | None], environment: str
) -> tuple[Secret, Secret, Secret | None]:
    if environment not in list(Environment):
        raise ConfigError(
            "choose a world that there is",
            field="environment",
            value=environment,
            accepted=", ".join(Environment),
        )
    key, secret, passphrase = found
    if key is None or secret is None:
        missing = [name for name, each in zip(names, (key, secret), strict=False) if each is None]
        raise ConfigError(
            f"not set: {', '.join(missing)}",
            field="environment variables",
            value=None,
            accepted=f"{names.api_key} and {names.secret}; {names.passphrase} for an encrypted PEM",
        )
    return key, secret, passphrase


def _kind_of(kind: KeyKind | str | None) -> KeyKind | None:
    if kind is None:
        return None
    for each in KeyKind:
        if each == kind:
            return each
    raise ConfigError("there is no such kind of key", field="kind", value=kind, accepted=", ".join(KeyKind))


def _load(
    api_key: object, secret: object, passphrase: object, kind: KeyKind | None, names: _Names
) -> Credentials:
    key = _text(api_key, names.api_key, "the API key as the venue shows it")
    _check_printable(key, names.api_key)
    phrase = None if passphrase is None else _text(passphrase, names.passphrase, "a passphrase")
    source = secret if isinstance(secret, os.PathLike) else _text(secret, names.secret, ACCEPTED)
    if source == key:
        _refuse("the API key itself was given", names.secret)
    pem = _pem_in(source, kind, names.secret)
    signer = _hmac(source, phrase, names) if pem is None else _private_key(pem, phrase, names)
    if kind is not None and signer.kind is not kind:
        _refuse(f"that is of the kind {signer.kind}", names.secret, f"one of the kind {kind}, as asked for")
    return Credentials(key, signer)


def _text(value: object, field: str, accepted: str) -> Secret:
    """Return a text that is not empty."""
    if isinstance(value, Secret):
        if value == Secret(""):
            _refuse("it is empty", field, accepted)
        return value
    if value is None:
        raise ConfigError("it is missing", field=field, value=None, accepted=accepted)
    shown = value.__name__ if isinstance(value, type) else type(value).__name__
    raise ConfigError("that is no text", field=field, value=f"<{shown}>", accepted=accepted)


def _check_printable(secret: Secret, field: str) -> None:
    if _has_space_around(secret):
        _refuse("there is a space or a line end before or after it", field, "it alone")
    if not PRINTABLE.fullmatch(secret.reveal()):
        _refuse("there are characters in it that no key has: spaces, or none of ASCII", field, "it alone")


def _has_space_around(secret: Secret) -> bool:
    text = secret.reveal()
    return text != text.strip()


def _pem_in(source: object, kind: KeyKind | None, field: str) -> Secret | None:
    """Return the PEM text that is meant, None for an HMAC secret."""
    path: str | os.PathLike[str] | None = source if isinstance(source, os.PathLike) else None
    if isinstance(source, Secret):
        if looks_like_pem(source):
            return source
        if _has_space_around(source):
            _refuse("there is a space or a line end before or after it", field, "it alone")
        path = None if kind is KeyKind.HMAC else _path_in(source)
    if path is None:
        if kind not in (None, KeyKind.HMAC):
            _refuse("there is no PEM in it", field, "a private key as PEM text, or the path of a PEM file")
        return None
    name = os.path.expanduser(os.fsdecode(path))  # noqa: PTH111 - never raises, unlike Path.expanduser
    found = read_pem(name)
    if isinstance(found, Secret):
        return found
    raise ConfigError(found, field=field, value=name, accepted=ACCEPTED)


def _path_in(source: Secret) -> str | None:
    """Return the path that a text is, None if it is none."""
    text = source.reveal()
    is_path = text.endswith(".pem") or os.path.exists(os.path.expanduser(text))  # noqa: PTH110, PTH111
    return text if is_path else None


def _hmac(source: object, passphrase: Secret | None, names: _Names) -> Signer:
    secret = _text(source, names.secret, ACCEPTED)
    _check_printable(secret, names.secret)
    if looks_like_bare_key(secret):
        _refuse("that is the inside of a PEM text", names.secret, "with its BEGIN and END lines")
    if passphrase is not None:
        _refuse("an HMAC secret has none", names.passphrase, "a passphrase for an encrypted PEM alone")
    return HmacSigner(secret)


def _private_key(pem: Secret, passphrase: Secret | None, names: _Names) -> Signer:
    found = find_private_key(pem)
    if not isinstance(found, FoundKey):
        _refuse(found, names.secret, "a private key in PEM: RSA of 2048 bits or more, or Ed25519")
    if found.encrypted and passphrase is None:
        _refuse("the PEM text is encrypted", names.secret, f"its passphrase as {names.passphrase}")
    if passphrase is not None and not found.encrypted:
        _refuse("the PEM text is not encrypted", names.passphrase, "none")
    from toucan_execution._keys import private_key_signer  # noqa: PLC0415 - loads cryptography

    return private_key_signer(found.pem, passphrase, names.secret)


def _refuse(why: str, field: str, accepted: str = ACCEPTED) -> Never:
    raise ConfigError(why, field=field, value=SHOWN, accepted=accepted)
