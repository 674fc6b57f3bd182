"""The error tree: what is caught by what, and what survives a pickle."""

from __future__ import annotations

import pickle
import re

import pytest

from toucan_execution import errors
from toucan_instrument.errors import InvalidInput, ToucanError, VenueError

EVERY = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("error", EVERY)
def test_every_error_is_ours_and_toucans(error: type[Exception]) -> None:
    assert issubclass(error, errors.ExecutionError)
    assert issubclass(error, ToucanError)


def test_the_tree_drawn_in_the_docstring_is_the_real_one() -> None:
    drawn = set(re.findall(r"── (\w+)", errors.__doc__ or ""))
    assert drawn == set(errors.__all__)


def test_what_a_venue_answers_keeps_what_the_venue_said() -> None:
    answers = {error for error in EVERY if issubclass(error, VenueError)}
    assert answers == {
        errors.AuthenticationError,
        errors.EndpointGone,
        errors.TimestampRefused,
        errors.UnknownOrder,
        errors.VenueUnavailable,
        *(error for error in EVERY if issubclass(error, errors.OrderRejected)),
    }


def test_a_wrong_configuration_names_field_value_and_choices() -> None:
    error = errors.ConfigError(
        "choose where to trade", field="environment", value=None, accepted="live, testnet, demo"
    )
    assert isinstance(error, InvalidInput)
    assert isinstance(error, ValueError)
    assert (error.field, error.value, error.accepted) == (
        "environment",
        None,
        "live, testnet, demo",
    )
    for part in ("choose where to trade", "environment", "live, testnet, demo"):
        assert part in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.field, str(again)) == (errors.ConfigError, "environment", str(error))
