"""Both halves in one program, as a user has them: one set of types, one tree of errors."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from packaging.requirements import Requirement

import toucan_data
import toucan_execution
import toucan_instrument
from toucan_instrument.errors import ToucanError

HALVES = [toucan_data, toucan_execution]


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Yield every importable public module of a package."""
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "._" not in found.name:
            yield importlib.import_module(found.name)


def classes(package: ModuleType) -> set[type]:
    """Return the classes that a package exports anywhere."""
    exported = (getattr(module, name) for module in modules(package) for name in module.__all__)
    return {value for value in exported if inspect.isclass(value)}


@pytest.mark.parametrize("half", HALVES)
def test_every_error_of_a_half_is_a_toucan_error(half: ModuleType) -> None:
    errors = {each for each in classes(half) if issubclass(each, Exception)}
    assert errors
    strangers = {each for each in errors if not issubclass(each, ToucanError)}
    assert not strangers


def test_the_halves_share_types_and_copy_none() -> None:
    shared = {each.__name__: each for each in classes(toucan_instrument)}
    for half in HALVES:
        for each in classes(half):
            if each.__module__.startswith("toucan_instrument"):
                continue
            assert each.__name__ not in shared, f"{each} looks like a copy of {shared[each.__name__]}"


def test_what_both_halves_show_of_the_shared_types_is_one_object() -> None:
    both = set(toucan_data.__all__) & set(toucan_execution.__all__)
    for name in both:
        assert getattr(toucan_data, name) is getattr(toucan_execution, name)


@pytest.mark.parametrize("half", HALVES)
def test_a_half_admits_the_instrument_package_beside_it(half: ModuleType) -> None:
    name = half.__name__.replace("_", "-")
    ours = [
        requirement
        for requirement in map(Requirement, importlib.metadata.requires(name) or [])
        if requirement.name == "toucan-instrument"
    ]
    assert ours
    version = importlib.metadata.version("toucan-instrument")
    assert all(requirement.specifier.contains(version) for requirement in ours)


@pytest.mark.parametrize("half", HALVES)
def test_no_half_requires_the_other(half: ModuleType) -> None:
    [other] = [each.__name__.replace("_", "-") for each in HALVES if each is not half]
    names = {
        Requirement(line).name for line in importlib.metadata.requires(half.__name__.replace("_", "-")) or []
    }
    assert other not in names
