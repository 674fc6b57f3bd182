"""One tree of errors for both halves: what to do is told by the class, never by a text.

Nothing is sent anywhere: the errors are made here, as the packages make them.
"""

from __future__ import annotations

from toucan_execution import ConfigError, ExecutionError
from toucan_instrument.errors import DialError, LinkError, ToucanError


def what_to_do(error: ToucanError) -> str:
    """Return what a program does about an error that it caught."""
    match error:
        case ConfigError():
            return f"correct {error.field}: {error.accepted}"
        case ExecutionError():
            return "look at the account before anything else"
        case LinkError():
            return "wait: the link retries by itself"
        case _:
            return "report it"


def main() -> None:
    """Raise and catch three errors as one base class."""
    errors = [
        ConfigError(
            "where to trade is not chosen",
            field="environment",
            value=None,
            accepted="live, testnet or demo",
        ),
        DialError("the exchange did not answer", retryable=True),
        ToucanError("something else"),
    ]
    for made in errors:
        try:
            raise made
        except ToucanError as caught:
            print(f"{type(caught).__name__}: {what_to_do(caught)}")


if __name__ == "__main__":
    main()
