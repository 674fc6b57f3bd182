"""A text that never shows itself: keys, secrets, passphrases, listen keys."""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import Any, ClassVar, Final, Never, Self, final

from toucan_execution.errors import ConfigError

__all__ = ["Secret", "hide"]

SHOWN = "<secret>"


@final
class Secret:
    """A text that neither `repr`, `str`, `format` nor a pickle shows; `reveal` is the only way to it.

    Two of them are compared in constant time. It has no hash (that would be a fingerprint of the text), no
    length and no order. msgspec and json refuse to encode it.

    Raises:
        ConfigError: It is made of something that is no text.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        kind = "" if isinstance(text, str) else type(text).__name__
        if kind:
            del text  # a traceback that shows variables must not show it
            raise ConfigError("a secret is a text", field="secret", value=f"<{kind}>", accepted="a str")
        self.__text: Final = text

    def reveal(self) -> str:
        """Return the text itself. Do not keep it: ask again."""
        return self.__text

    def __repr__(self) -> str:
        return SHOWN

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, spec: str, /) -> str:
        del spec
        return SHOWN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, others = self.__text, other.__text
        return compare_digest(mine.encode("utf-8", "surrogatepass"), others.encode("utf-8", "surrogatepass"))

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # unhashable: a hash would tell secrets apart

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any, /) -> Self:
        return self

    def __getstate__(self) -> Never:
        _refuse()

    def __reduce_ex__(self, protocol: Any, /) -> Never:
        _refuse()


def hide(value: Any) -> Any:
    """Return a text as a Secret, a path and None as they are, and of anything else its type alone.

    It never raises. Whatever takes secrets replaces them so in its first line, before anything can go wrong:
    ``key, secret = hide(key), hide(secret)``.
    """
    if isinstance(value, str):
        return Secret(value)
    if value is None or isinstance(value, (Secret, os.PathLike)):
        return value
    return type(value)


def _refuse() -> Never:
    raise ConfigError(
        "a secret is not pickled", field="secret", value=SHOWN, accepted="loading it again where it is needed"
    )
