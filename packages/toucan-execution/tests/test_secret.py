"""A secret shows itself on request alone."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from toucan_execution.errors import ConfigError, ExecutionError
from toucan_execution.secret import Secret, hide
from toucan_instrument.plain import Plain, plain_dict

TEXT = "open-sesame-4711"


class Holder(Plain, frozen=True):
    token: object


def test_whatever_shows_it_shows_a_placeholder(caplog):
    secret = Secret(TEXT)
    with caplog.at_level(logging.INFO):
        logging.getLogger("t").info("%s %r %s", secret, secret, {"k": [secret]})
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>40}",
        "%s" % secret,  # noqa: UP031 - that way too
        pprint.pformat([secret]),
        caplog.text,
        repr(Holder(secret)),
        str(plain_dict(Holder(secret))),
        Holder(secret).to_json().decode(),
    ]
    assert [text for text in shown if TEXT in text] == []
    assert [text for text in shown if "<secret>" not in text] == []


@given(st.text())
def test_reveal_gives_it_back(text):
    assert Secret(text).reveal() == text


@given(st.text(), st.text())
def test_secrets_are_equal_as_their_texts_are(one, other):
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert Secret(one) != one  # a plain text beside it is a mistake


def test_it_is_compared_even_if_it_is_no_unicode():
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\ud801")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol):
    with pytest.raises(ConfigError, match="not pickled") as caught:
        pickle.dumps([Secret(TEXT)], protocol)
    assert isinstance(caught.value, ExecutionError)
    assert TEXT not in str(caught.value)


def test_its_state_is_not_handed_out():
    with pytest.raises(ConfigError, match="not pickled"):
        Secret(TEXT).__getstate__()
    with pytest.raises(TypeError):
        vars(Secret(TEXT))


def test_encoders_refuse_it():
    with pytest.raises(TypeError):
        msgspec.json.encode({"s": Secret(TEXT)})
    with pytest.raises(TypeError):
        json.dumps({"s": Secret(TEXT)})


def test_it_has_no_hash_and_no_length():
    with pytest.raises(TypeError):
        hash(Secret(TEXT))
    with pytest.raises(TypeError):
        len(Secret(TEXT))


def test_a_copy_of_it_is_itself():
    secret = Secret(TEXT)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


@pytest.mark.parametrize("value", [TEXT.encode(), 4711, None, [TEXT]])
def test_what_is_no_text_is_refused_and_not_shown(value):
    with pytest.raises(ConfigError, match="a secret is a text") as caught:
        Secret(value)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame.f_locals for frame in frames if frame.f_globals["__name__"] == Secret.__module__]
    assert ours
    assert "4711" not in f"{ours} {caught.value}"


def test_hiding_never_raises_and_never_keeps_plain_text():
    secret, path = Secret(TEXT), Path("key.pem")
    assert hide(TEXT) == secret
    assert hide(secret) is secret
    assert hide(path) is path
    assert hide(None) is None
    assert hide(TEXT.encode()) is bytes
    assert hide(4711) is int
