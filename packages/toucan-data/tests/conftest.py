"""Property tests are short by default; HYPOTHESIS_PROFILE=full (`nox -s properties`): long."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadlines: a busy machine is no failure. No database: no run depends on an earlier one.
settings.register_profile("toucan", deadline=None, database=None, print_blob=True)
settings.register_profile("quick", settings.get_profile("toucan"), max_examples=25)
settings.register_profile("full", settings.get_profile("toucan"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
