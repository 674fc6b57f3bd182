"""What is public is said once, in order, and is really there."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from types import ModuleType

import pytest

import toucan_data as package


def public_modules() -> list[str]:
    """Return every module of the package that no underscore hides."""
    walk = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names = [package.__name__, *(module.name for module in walk)]
    return [name for name in names if "._" not in name]


@pytest.mark.parametrize("name", public_modules())
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    exported = module.__all__
    assert len(exported) == len(set(exported))  # ruff sorts it
    missing = [each for each in exported if not hasattr(module, each)]
    assert not missing, f"{name}.__all__ names what is not there"
    defined = {each for each, value in vars(module).items() if is_defined_in(module, each, value)}
    assert defined <= set(exported), f"public in {name}, but not in its __all__"


@pytest.mark.parametrize("name", public_modules())
def test_everything_public_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert inspect.getdoc(module), f"{name} has no docstring"
    for each in module.__all__:
        value = getattr(module, each)
        if inspect.isclass(value) or inspect.isfunction(value):
            # A class without its own docstring would show its base's.
            assert value.__doc__, f"{name}.{each} has no docstring"


def test_the_version_is_in_the_metadata_alone() -> None:
    assert importlib.metadata.version("toucan-data")
    assert not hasattr(package, "__version__")


def is_defined_in(module: ModuleType, name: str, value: object) -> bool:
    """Tell whether a public class or function was made here, not imported."""
    if name.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)):
        return False
    return value.__module__ == module.__name__
