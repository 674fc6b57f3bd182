"""A small program of its own: exit codes, errors on one line, output, logging, interruption."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from toucan_instrument.console.captures import Item
from toucan_instrument.console.exits import ExitCode
from toucan_instrument.console.output import common_options, json_line, line, remark
from toucan_instrument.console.program import Program
from toucan_instrument.console.replay import recordings_argument, replay
from toucan_instrument.console.rows import show_rows
from toucan_instrument.console.running import run as run_work
from toucan_instrument.errors import (
    DialError,
    InvalidInput,
    RequestFailed,
    ToucanError,
    UnknownSymbol,
)
from toucan_instrument.plain import Plain

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")
common = common_options("some_program")


class Wrapped(ToucanError):
    """An error that only says that there is another behind it."""


class Pair(Plain, frozen=True):
    """Something to write."""

    left: Decimal
    right: str


def program_that(work: Any) -> Program:
    """Return a program with the one command ``do``."""

    def cause_of(error: ToucanError) -> ToucanError:
        return error.__cause__ if isinstance(error.__cause__, ToucanError) else error

    group = Program("some-program", cause_of=cause_of)

    @group.command("do")
    @common
    def do(*, as_json: bool, plain: bool) -> None:
        work(as_json=as_json, plain=plain)

    return group


def run(work: Any, *args: str) -> Result:
    return CliRunner().invoke(program_that(work), ["do", *args])


def raising(error: BaseException, cause: BaseException | None = None) -> Any:
    def work(**_: bool) -> None:
        raise error from cause

    return work


REFUSED = RequestFailed("no answer", method="GET", url="https://x/y?signature=z", sent=None)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("no", field="side", value="x", accepted="buy"), 2, "side='x': no; accepted: buy"),
        (DialError("no way", retryable=True), 3, "no way"),
        (REFUSED, 3, "GET https://x/y: no answer"),
        (ToucanError("something\nelse"), 1, "something\\nelse"),
        (UnknownSymbol("none", field="symbol", value="BTX", near=("BTC",)), 2, "near: BTC"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (click.UsageError("wrong"), 2, "Error: wrong"),
    ],
)
def test_an_error_is_one_line_and_a_code(error: BaseException, code: int, said: str) -> None:
    result = run(raising(error))
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) <= 1 or isinstance(error, click.UsageError)


def test_what_is_behind_an_error_is_said_instead() -> None:
    result = run(raising(Wrapped("it is over"), REFUSED))
    assert result.exit_code == ExitCode.REFUSED
    assert result.stderr == "error: GET https://x/y: no answer\n"


def test_a_fault_of_ours_is_not_hidden() -> None:
    result = run(raising(ZeroDivisionError()))
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_code_of_its_own_is_kept() -> None:
    assert run(lambda **_: click.get_current_context().exit(4)).exit_code == 4
    assert run(lambda **_: None).exit_code == 0


def test_json_is_exact_and_one_line() -> None:
    result = run(lambda **_: json_line(Pair(Decimal("1E-8"), "a\nb")))
    assert json.loads(result.stdout) == {"type": "Pair", "left": "0.00000001", "right": "a\nb"}
    assert result.stdout.count("\n") == 1


def test_rows_are_lines_with_tabs_where_nobody_looks() -> None:
    result = run(lambda plain, **_: show_rows(("a", "b"), [("1", "2"), ("3", "[red]")], plain=plain))
    assert result.stdout == "1\t2\n3\t[red]\n"


def test_rows_are_a_table_on_a_terminal(monkeypatch) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    def work(*, plain: bool, **_: bool) -> None:
        show_rows(("name", "b"), [("1", "[red]")], plain=plain)

    assert "name" in run(work).stdout
    assert "[red]" in run(work).stdout
    assert run(work, "--plain").stdout == "1\t[red]\n"


def test_logs_go_to_stderr_only_where_asked_for_and_once() -> None:
    logger = logging.getLogger("some_program")

    def work(**_: bool) -> None:
        logger.info("a remark", extra={"venue": "x"})
        logger.debug("details\x1b")

    before = list(logger.handlers)
    try:
        assert run(work).stderr == ""
        once = run(work, "-v").stderr
        assert once.count("a remark venue=x") == 1
        assert "details" not in once
        assert run(work, "-vv").stderr.count("details\\x1b") == 1
        assert run(work).stderr == ""
    finally:
        logger.handlers[:] = before
        logger.setLevel(logging.NOTSET)


class Counts:
    """What a decoder of lengths counts."""

    def __init__(self) -> None:
        self.failures = 0
        self.frames = 0

    def summary(self) -> str:
        return f"{self.frames} frames; {self.failures} failed"


def lengths(*, interrupt: bool = False) -> click.Command:
    counts = Counts()

    def decode(items):
        for item in items:
            if interrupt:
                raise KeyboardInterrupt
            counts.frames += 1
            counts.failures += bool(item.broken) or item.frame == b"bad"
            yield Item(item.frame, len(item.frame))

    @click.command
    @recordings_argument
    def command(files: tuple[Path, ...]) -> None:
        def write(value: Item) -> None:
            line(str(value.time_received), flush=False)

        click.get_current_context().exit(replay(files, decode, counts, write))

    return command


@pytest.mark.parametrize(
    ("stdin", "code", "said"),
    [(b"one\nthree", 0, "2 frames; 0 failed\n"), (b"one\nbad", 1, "2 frames; 1 failed\n")],
)
def test_a_recording_is_read_and_summed_up(stdin: bytes, code: int, said: str) -> None:
    result = CliRunner().invoke(lengths(), [], input=stdin)
    assert (result.exit_code, result.stderr) == (code, said)
    assert result.stdout.splitlines() == [str(len(each)) for each in stdin.split(b"\n")]


def test_a_broken_file_fails_after_what_could_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(b"\x1f\x8bnot really")
    result = CliRunner().invoke(lengths(), [str(file)])
    assert result.exit_code == 1
    summary, error = result.stderr.splitlines()
    assert summary == "0 frames; 0 failed"
    assert error.startswith("error: ")


def test_an_interrupted_reading_still_sums_up() -> None:
    result = CliRunner().invoke(lengths(interrupt=True), [], input=b"x")
    assert (result.exit_code, result.stderr) == (130, "0 frames; 0 failed\n")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_work_tidy_up(number: signal.Signals) -> None:
    said: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            said.append("tidied")

    assert run_work(work())
    assert said == ["tidied"]


def test_work_that_ends_was_not_interrupted() -> None:
    async def work() -> None:
        remark("done")

    assert not run_work(work())


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    text = """
        from toucan_instrument.console.output import line
        from toucan_instrument.console.program import Program
        group = Program("some-program")
        @group.command("do")
        def do():
            while True:
                line("x" * 1000)
        group.main(["do"])
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert said == b""


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    # What `find_spec` does not find is not installed, as far as the program can tell.
    text = f"""
        import importlib.util as u, sys
        found = u.find_spec
        u.find_spec = lambda name, *rest: None if name == {missing!r} else found(name, *rest)
        from toucan_instrument.console.start import start
        assert not {{"click", "rich"}} & set(sys.modules)
        start("some-program", lambda: sys.exit("loaded"))
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr == (
        f"some-program: the command line needs {missing}, which are an extra: "
        'pip install "some-program[cli]"\n'
    )
