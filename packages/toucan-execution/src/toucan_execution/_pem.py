"""PEM texts, as far as they can be judged without reading the key: which block, of what sort, encrypted?

Nothing here raises: plain text stands in the variables, and a traceback could show them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from toucan_execution.secret import Secret

__all__ = ["FoundKey", "find_private_key", "looks_like_bare_key", "looks_like_pem", "read_pem"]

LARGEST = 65_536
"""No key file is larger; beyond it, something else was named."""
_BLOCK = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\n.*?\n-----END (?P=label)-----", re.DOTALL)
_ED25519_PKCS8 = "MC4CAQAwBQYDK2VwBCIEI"
_LONG_DER = "MII"
RSA_TEXT = 500

_READABLE = frozenset({"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY"})
_REFUSED = {
    "EC PRIVATE KEY": "that is an EC key (ECDSA), which the venue does not take",
    "DSA PRIVATE KEY": "that is a DSA key, which the venue does not take",
    "OPENSSH PRIVATE KEY": "that is OpenSSH's own format; `openssl genpkey` makes keys in PKCS#8",
    "PUBLIC KEY": "that is the public key, which the venue has; requests are signed with the private one",
    "RSA PUBLIC KEY": "that is the public key, which the venue has; requests are signed with the private one",
    "CERTIFICATE": "that is a certificate; requests are signed with a private key",
}


class FoundKey(NamedTuple):
    """The block of a private key, and whether it is encrypted."""

    pem: Secret
    encrypted: bool


def looks_like_pem(secret: Secret) -> bool:
    """Tell whether a text is meant as PEM."""
    return "-----BEGIN " in secret.reveal()


def looks_like_bare_key(secret: Secret) -> bool:
    """Tell whether a text is the base64 of a private key, without the lines around it."""
    text = secret.reveal()
    return text.startswith(_ED25519_PKCS8) or (text.startswith(_LONG_DER) and len(text) > RSA_TEXT)


def read_pem(path: str) -> Secret | str:
    """Return the text of a PEM file, or why there is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path that came as text
            data = file.read(LARGEST + 1)
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "the file is no text; a key in DER can be turned into PEM with openssl"
    except (OSError, ValueError) as error:
        return f"the file cannot be read: {getattr(error, 'strerror', None) or 'that is no path'}"
    if len(data) > LARGEST or "-----BEGIN " not in text:
        return "the file holds no PEM text; an HMAC secret is given itself, not by its path"
    return Secret(text)


def find_private_key(pem: Secret) -> FoundKey | str:
    """Return the one private key of a PEM text, or why there is none."""
    text = pem.reveal().replace("\\r", "").replace("\\n", "\n")  # as some files of variables write it
    blocks = list(_BLOCK.finditer("\n".join(line.strip() for line in text.splitlines())))
    if not blocks:
        return "the PEM text is damaged or cut short"
    keys = [block for block in blocks if block["label"] in _READABLE]
    if len(keys) > 1:
        return "there is more than one private key in it"
    if not keys:
        whys = [_REFUSED[block["label"]] for block in blocks if block["label"] in _REFUSED]
        return whys[-1] if whys else "there is no private key in it"
    block = keys[0]
    encrypted = block["label"].startswith("ENCRYPTED") or "\nProc-Type: 4,ENCRYPTED" in block[0]
    return FoundKey(Secret(block[0] + "\n"), encrypted)
