"""Everything CI runs, runnable here. Plain `nox` runs what a contributor wants before a push.

Two promises hold in every session: our packages are tested as built wheels, never from the source
tree, and no index ever supplies one of them (`install` refuses, then looks at what pip recorded).
"""

import sys

# First, in words that old Pythons read too (no syntax of this file is newer than 3.6).
if sys.version_info < (3, 11):  # noqa: UP036 - who runs nox here may have any Python
    running = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    sys.exit(
        "toucan needs Python 3.11 or later, but this nox runs on Python " + running + ".\n"
        "Make its environment with a newer one, such as: python3.12 -m venv .venv"
    )

import atexit
import email
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = "CI" in os.environ
nox.options.sessions = ["lint", "imports", "typing", "build", "tests", "together", "examples"]

ROOT = Path(__file__).resolve().parent
PYTHONS = ["3.11", "3.12", "3.13"]
# CI names a later one here and gives one Python a job; a contributor has the three above.
PYTHONS += [later for later in os.environ.get("TOUCAN_PYTHONS", "").split() if later not in PYTHONS]

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"

# What of ours each package's tests may see, with the extras that they need.
SEES = {
    "instrument": ["instrument[testing,cli]"],
    "data": ["instrument[testing]", "data[cli,testing,uvloop]"],
    "execution": ["instrument[testing]", "execution[cli,testing]"],
}
ALL = ["instrument[testing]", "data[cli,testing,uvloop]", "execution[cli,testing]"]
WHOLE_LOOP = ROOT / "packages" / "toucan-execution" / "examples" / "whole_loop.py"
RUN_EXAMPLE = ROOT / ".ci" / "run_example.py"
CHECK_INSTALLED = ROOT / ".ci" / "check_installed.py"
each_package = nox.parametrize("package", list(SEES), ids=list(SEES))


# ---------------------------------------------------------------- what plain `nox` runs


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format (ruff), and the workflows (zizmor, offline)."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("zizmor", "--offline", "--no-progress", ".github")


@nox.session
def imports(session: nox.Session) -> None:
    """Check who may import whom: the contracts in pyproject.toml."""
    install(session, ALL, *group("imports"))
    session.run("lint-imports", "--no-logo", "--no-cache")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types strictly, that every public name has one, and that types narrow as promised."""
    install(session, ALL, *group("typing"))
    session.run("mypy", "noxfile.py", str(RUN_EXAMPLE), str(CHECK_INSTALLED))
    for package in SEES:
        session.run("mypy", f"{folder(package)}/src")
        session.run("pyright", "--ignoreexternal", "--verifytypes", f"toucan_{package}")
    for promises in sorted(ROOT.glob("packages/*/typing_tests")):
        session.run("mypy", str(promises))
        session.run("pyright", str(promises))


@nox.session
def build(session: nox.Session) -> None:
    """Build what would be released, look inside, and install it from the sdists too."""
    session.install(*group("build"))
    files = distributions(session)
    session.run("twine", "check", "--strict", *map(str, files))
    session.run("check-wheel-contents", *(str(path) for path in files if path.suffix == ".whl"))
    for package in SEES:
        for complaint in inspect_distribution(package, files):
            session.error(f"toucan-{package}: {complaint}")
    # From the sdists, in a fresh environment without extras: what those who build from source get.
    fresh = environment(Path(session.create_tmp(), "from-sdist"))
    sources = direct(["instrument[aiohttp]", "data", "execution"], by_package(files, ".tar.gz"))
    python = str(fresh / "python")
    session.run(python, "-m", "pip", "install", "--quiet", *sources, external=True)
    session.run(python, "-P", str(CHECK_INSTALLED), *SEES, external=True, env=outside())
    for command in ("toucan-data", "toucan-execution"):
        program = str(fresh / command)
        said = session.run(program, "-h", external=True, silent=True, success_codes=[1, 2], env=outside())
        if f"{command}[cli]" not in str(said):
            session.error(f"without its extra, {command} should say what to install; it says: {said}")


@nox.session(python=PYTHONS)
@each_package
def tests(session: nox.Session, package: str) -> None:
    """Test one package alone: its built wheel, from outside the source tree.

    The suites that every venue inherits run for all venues on one Python, that which runs nox, and for
    some of them on the others.
    """
    install(session, SEES[package], *group("test"))
    if RUNNING in PYTHONS and session.python != RUNNING:
        session.env["TOUCAN_MATRIX"] = "part"
    # Data's tests over sockets wait for one another's clocks far more than they compute.
    workers = {"data": ("-n", "3"), "execution": ("-n", "2")}
    run_tests(session, package, "tests", *workers.get(package, ()))


@nox.session
def together(session: nox.Session) -> None:
    """Test what needs both halves, as a user's program does: all three wheels at once."""
    install(session, ALL, *group("test"))
    for package in SEES:
        if (ROOT / folder(package) / "tests_together").is_dir():
            run_tests(session, package, "tests_together")
    run_examples(session, sorted(ROOT.glob("packages/*/examples_together/*.py")))


@nox.session
def examples(session: nox.Session) -> None:
    """Run every README's Python and every example file, against the exchange on loopback."""
    install(session, ALL)
    pages = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
    pages += sorted(ROOT.glob("packages/*/docs/**/*.md"))
    run_examples(session, [*pages, *sorted(ROOT.glob("packages/*/examples/*.py"))])


# ---------------------------------------------------------------- what is asked for by name


@nox.session
def demo(session: nox.Session) -> None:
    """Show it: a local Binance, market data and orders on it, lost replies and cut lines, equal balances.

    `-- data` shows the market data half alone, with every kind of all markets, `-- data --capture FOLDER` a
    recording.
    """
    install(session, ALL)
    if session.posargs[:1] == ["data"]:
        session.run("toucan-data", "demo", *session.posargs[1:])
        return
    session.run("python", "-P", str(WHOLE_LOOP), "--seconds", "12", *session.posargs, env=outside())


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and memory of both halves; `-- data --only trades` goes to one half's benchmark."""
    chosen, options = session.posargs[:1], session.posargs[1:]
    if chosen and chosen[0] not in SEES:
        session.error(f"name a package first: {', '.join(SEES)}; then its benchmark's own options")
    install(session, ALL, *group("bench"))
    programs = sorted(ROOT.glob(f"{folder(chosen[0]) if chosen else 'packages/*'}/bench/run.py"))
    if not programs:
        session.error("there is no bench/run.py to run")
    for program in programs:
        session.run("python", "-P", str(program), *options, env=outside())


@nox.session(python=PYTHONS[0])
@each_package
def minimum(session: nox.Session, package: str) -> None:
    """Test one package with the oldest dependencies that it says it supports."""
    floors = Path(session.create_tmp(), "floors.txt")
    floors.write_text("\n".join(sorted(lower_bounds(session, package))), "utf-8")
    install(session, SEES[package], *group("test"), "--constraint", str(floors))
    run_tests(session, package)


@nox.session(python="3.13")
def coinstall(session: nox.Session) -> None:
    """Install beside the libraries that users already have, as they are today."""
    install(session, ALL, "ccxt", "cryptofeed>=3", "nautilus_trader")
    session.run("python", "-m", "pip", "check")
    theirs = "ccxt, ccxt.pro, cryptofeed, nautilus_trader"
    ours = "toucan_data, toucan_execution, toucan_instrument.link"
    session.run("python", "-P", "-c", f"import {theirs}, {ours}", env=outside())


@nox.session(python="3.13")
def peers(session: nox.Session) -> None:
    """Let clients that others wrote trade on the sandbox: only its addresses and keys are theirs."""
    theirs = ["ccxt", "python-binance", "binance-sdk-spot", "binance-sdk-derivatives-trading-usds-futures"]
    install(session, ALL, *group("test"), *theirs)
    run_tests(session, "execution", "tests_peers")


@nox.session
def properties(session: nox.Session) -> None:
    """Run the property tests at full length (minutes, not seconds)."""
    install(session, ALL, *group("test"))
    session.env["HYPOTHESIS_PROFILE"] = "full"
    for package in SEES:
        run_tests(session, package, "tests", "-m", "hypothesis", "--timeout", "1800", none_is_fine=True)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Check that a tag (`nox -s release -- toucan-data-v1.2.3`) says what its package says."""
    if len(session.posargs) != 1:
        session.error("name one tag, such as: nox -s release -- toucan-data-v1.2.3")
    tag = session.posargs[0]
    match = re.fullmatch(r"toucan-(instrument|data|execution)-v(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)", tag)
    if match is None:
        session.error(f"{tag!r} is no release tag: it must read toucan-<package>-v<version>")
    package, version = match.groups()
    declared = project(package)["version"]
    if version != declared:
        session.error(f"the tag says {version}, but {folder(package)}/pyproject.toml says {declared}")
    heading = latest_section(package)
    if re.fullmatch(re.escape(version) + r" \(\d{4}-\d{2}-\d{2}\)", heading) is None:
        session.error(
            f"the changelog of toucan-{package} must begin with '## {version} (YYYY-MM-DD)', "
            f"the day of release; it begins with '## {heading}'"
        )
    session.log(f"{tag}: version and changelog agree")


# ---------------------------------------------------------------- our own packages


def folder(package: str) -> str:
    """Return where a package lives."""
    return f"packages/toucan-{package}"


def project(package: str) -> dict[str, Any]:
    """Return the `[project]` table of a package."""
    table = nox.project.load_toml(ROOT / folder(package) / "pyproject.toml")
    return dict(table["project"])


def latest_section(package: str) -> str:
    """Return the heading of the topmost section of a package's changelog."""
    changelog = (ROOT / folder(package) / "CHANGELOG.md").read_text("utf-8")
    found = re.search(r"^## (.+)$", changelog, re.MULTILINE)
    return found.group(1) if found else "(nothing)"


def group(name: str) -> tuple[str, ...]:
    """Return a dependency group of the root (PEP 735), without pip's help: older ones have none."""
    return nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), name)


_built: list[Path] = []


def distributions(session: nox.Session) -> list[Path]:
    """Return sdist and wheel of each package: built once per nox run, wheels through sdists."""
    if not _built:
        # Outside the session's environment, which must hold nothing but what the session tests.
        scratch = Path(tempfile.mkdtemp(prefix="toucan-nox-"))
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        session.log("building the three packages, once for this run")
        python = str(environment(scratch / "venv") / "python")
        _call(python, "-m", "pip", "install", "--quiet", "build", "hatchling>=1.27")
        for package in SEES:
            out = ("--outdir", str(scratch / "dist"))
            _call(python, "-m", "build", "--no-isolation", *out, str(ROOT / folder(package)))
        _built.extend(sorted((scratch / "dist").iterdir()))
    return list(_built)


def environment(where: Path) -> Path:
    """Make a fresh environment beside the session's own; return the folder of its programs."""
    _call(sys.executable, "-m", "virtualenv", "--clear", str(where))
    return where / ("Scripts" if os.name == "nt" else "bin")


def _call(*command: str) -> None:
    """Run a command; show what it said only when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def by_package(files: list[Path], suffix: str) -> dict[str, Path]:
    """Return the built file of each package that ends in `suffix`."""
    return {
        package: next(
            path
            for path in files
            if path.name.startswith(f"toucan_{package}-") and path.name.endswith(suffix)
        )
        for package in SEES
    }


def direct(packages: list[str], files: dict[str, Path]) -> list[str]:
    """Return requirements that name files, such as `toucan-data[cli] @ file:///...whl`."""
    return [f"toucan-{name} @ {files[name.partition('[')[0]].as_uri()}" for name in packages]


def install(session: nox.Session, packages: list[str], *others: str) -> None:
    """Install wheels of ours by file, and other requirements from the index.

    A toucan package that is needed but not named here is an error: pip would ask the index for it.
    """
    files = by_package(distributions(session), ".whl")
    named = {name.partition("[")[0] for name in packages}
    for name in named:
        for line in metadata_of(files[name]).get_all("Requires-Dist", []):
            wanted = canonicalize_name(Requirement(line).name)
            if wanted.startswith("toucan-") and wanted.removeprefix("toucan-") not in named:
                session.error(f"toucan-{name} needs {wanted}, whose wheel this session does not give")
    # In an environment that is used again, pip would keep an older build of the same version.
    session.run_install(
        "python",
        "-m",
        "pip",
        "uninstall",
        "--quiet",
        "--yes",
        *(f"toucan-{name}" for name in SEES),
        silent=True,
    )
    session.install(*direct(packages, files), *others)
    session.run("python", "-P", str(CHECK_INSTALLED), *sorted(named), env=outside(), silent=True)


def metadata_of(wheel: Path) -> Message:
    """Return the METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def inspect_distribution(package: str, files: list[Path]) -> list[str]:
    """Return what is wrong with the metadata and contents of a built package."""
    wheel, sdist = by_package(files, ".whl")[package], by_package(files, ".tar.gz")[package]
    found = metadata_of(wheel)
    expected = {
        "Name": f"toucan-{package}",
        "Version": project(package)["version"],
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown",
    }
    wrong = [
        f"{key} is {found[key]!r}, not {value!r}" for key, value in expected.items() if found[key] != value
    ]
    if "toucan" not in found.get_payload():
        wrong.append("the README is not in the metadata")
    for line in found.get_all("Requires-Dist", []):
        bounds = {bound.operator for bound in Requirement(line).specifier}
        ours = Requirement(line).name.startswith("toucan-")
        if bounds != ({">=", "<"} if ours else {">="}):
            wrong.append(f"{line!r}: others get a floor and no cap, our own packages both")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [text] = [archive.read(name) for name in names if name.endswith("/licenses/LICENSE")] or [b""]
    if f"toucan_{package}/py.typed" not in names:
        wrong.append("the wheel has no py.typed")
    strays = [name for name in names if not name.startswith((f"toucan_{package}/", f"toucan_{package}-"))]
    if strays:
        wrong.append(f"the wheel also holds {strays}")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"}
    wrong += [f"the sdist has no {name}" for name in sorted(needed - held)]
    if not any(name.startswith("tests/") for name in held):
        wrong.append("the sdist has no tests")
    if text != (ROOT / "LICENSE").read_bytes():
        wrong.append("its LICENSE is not the repository's")
    if latest_section(package).split()[0] != expected["Version"]:
        wrong.append("its changelog does not begin with its version")
    return wrong


def lower_bounds(session: nox.Session, package: str) -> set[str]:
    """Return `name==floor` for every third-party requirement that a package's tests install."""
    floors = set()
    for name in SEES[package]:
        table = project(name.partition("[")[0])
        lines = list(table["dependencies"])
        for extra in table.get("optional-dependencies", {}).values():
            lines += extra
        for requirement in map(Requirement, lines):
            if requirement.name.startswith("toucan-"):
                continue
            lowest = [bound.version for bound in requirement.specifier if bound.operator == ">="]
            if not lowest:
                session.error(f"{requirement} of toucan-{name} has no lower bound")
            floors.add(f"{requirement.name}=={lowest[0]}")
    return floors


# ---------------------------------------------------------------- running things


def outside() -> dict[str, str | None]:
    """Return an environment in which only what is installed can be imported."""
    env: dict[str, str | None] = {"PYTHONPATH": None, "PYTHONSAFEPATH": "1"}
    recordings = ROOT.parent / "shared"
    if "TOUCAN_CAPTURES" not in os.environ and recordings.is_dir():
        env["TOUCAN_CAPTURES"] = str(recordings)  # holds captures/ and frames/; tests skip without it
    return env


def run_tests(
    session: nox.Session,
    package: str,
    where: str = "tests",
    *options: str,
    none_is_fine: bool = False,
) -> None:
    """Run a folder of tests with the source tree out of the way of imports."""
    tests = ROOT / folder(package) / where
    with session.chdir(session.create_tmp()):
        pytest = ("python", "-P", "-m", "pytest", "-c", str(ROOT / "pyproject.toml"))
        session.run(
            *pytest,
            "--rootdir",
            str(tests.parent),
            *options,
            *session.posargs,
            str(tests),
            env=outside(),
            success_codes=[0, 5] if none_is_fine else [0],
        )


def run_examples(session: nox.Session, files: list[Path]) -> None:
    """Run example files and the Python blocks of Markdown pages, each in a process of its own."""
    with session.chdir(session.create_tmp()):
        for path in files:
            if path.is_file():
                session.run("python", "-P", str(RUN_EXAMPLE), str(path), env=outside())
