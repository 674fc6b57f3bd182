"""The support table that readers see is the one that the registry has."""

from pathlib import Path

import pytest

from toucan_data.support import markdown

README = Path(__file__).parents[3] / "README.md"


def test_the_support_table_is_what_the_registry_says():
    if not README.exists():
        pytest.skip("the repository's README is not beside these tests")
    assert markdown() in README.read_text("utf-8"), "python -m toucan_data.support writes the new table"
