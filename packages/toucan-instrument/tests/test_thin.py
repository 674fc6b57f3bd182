"""The shared types stay thin: who imports them loads no event loop, TLS or HTTP stack."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import toucan_instrument

HEAVY = ("aiohttp", "asyncio", "click", "rich", "ssl")
NOT_TYPES = ("console", "link", "testing")


def run(program: str) -> None:
    """Run a program in a Python of its own, where nothing has been imported yet."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr


def type_modules() -> list[str]:
    """Return every module but the link, the test exchanges and the command lines' plumbing."""
    prefix = f"{toucan_instrument.__name__}."
    names = [module.name for module in pkgutil.walk_packages(toucan_instrument.__path__, prefix)]
    return [name for name in names if name.removeprefix(prefix).split(".")[0] not in NOT_TYPES]


def test_the_package_loads_nothing_heavy() -> None:
    run(
        "import sys, toucan_instrument\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy"
    )


def test_no_module_of_types_loads_anything_heavy() -> None:
    run(
        "import importlib, sys\n"
        f"for name in {type_modules()!r}:\n"
        "    importlib.import_module(name)\n"
        f"    heavy = [each for each in {HEAVY!r} if each in sys.modules]\n"
        "    assert not heavy, (name, heavy)"
    )


@pytest.mark.parametrize("module", ["toucan_instrument.link"])
def test_the_link_needs_no_aiohttp_until_it_dials(module: str) -> None:
    run(f"import sys\nsys.modules['aiohttp'] = None\nimport {module}")
