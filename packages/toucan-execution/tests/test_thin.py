"""Importing the package loads no HTTP library, no cryptography and nothing of the other half."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("aiohttp", "click", "cryptography", "rich", "toucan_data")


def test_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, toucan_execution\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
