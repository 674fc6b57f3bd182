"""How a WebSocket is opened."""

from __future__ import annotations

import pytest

from toucan_instrument.errors import InvalidInput
from toucan_instrument.link import DialOptions


@pytest.mark.parametrize("field", ["max_frame", "timeout_ns"])
@pytest.mark.parametrize("value", [0, -1])
def test_limits_are_positive(field, value):
    with pytest.raises(InvalidInput) as caught:
        DialOptions(**{field: value})
    assert (caught.value.field, caught.value.value) == (field, value)


def test_nothing_is_compressed_unless_asked():
    assert not DialOptions().compress
