"""Run one example as its reader would, but with every live address on the exchange on loopback.

    python .ci/run_example.py FILE.py|FILE.md

A .py file runs as __main__. Of a Markdown page every ```python block runs, each on its own, with
`await` allowed at the top as in `python -m asyncio`. A comment on the line before a block, or
anywhere in a .py file, says what is special:

    <!-- example: continues -->         runs after, and with the names of, the block above
    <!-- example: until 10 lines -->    endless by design: Ctrl-C once that much is printed
    # example: until 10 lines           the same in a .py file

The loopback exchange comes from `toucan_data.testing.examples.on_loopback()`, a context manager of
the package under test. Whatever an example tries, this process opens no connection that leaves the
machine: an audit hook refuses.
"""

import ast
import asyncio
import contextlib
import faulthandler
import importlib
import importlib.util
import inspect
import io
import re
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import TextIO

LONGEST_S = 60  # an example that hangs is a failed example; every thread's stack is printed
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"(?:<!--|#) example: (continues|until (\d+) lines)(?: -->)?\s*")


@dataclass
class Example:
    """A program, where its text begins, and when to interrupt it (0 for never)."""

    text: str
    line: int
    until: int = 0


class Stop(io.TextIOBase):
    """Standard output that presses Ctrl-C once enough lines went through it."""

    def __init__(self, out: TextIO, lines: int) -> None:
        self.out, self.left = out, lines

    def write(self, text: str) -> int:
        """Pass the text on, and count its lines."""
        self.out.write(text)
        before, self.left = self.left, self.left - text.count("\n")
        if before > 0 >= self.left:
            signal.raise_signal(signal.SIGINT)
        return len(text)

    def flush(self) -> None:
        """Pass it on."""
        self.out.flush()


def main(path: Path) -> int:
    """Run what the file holds; return how many examples failed."""
    sys.addaudithook(stay_at_home)
    faulthandler.enable()
    examples = in_markdown(path) if path.suffix == ".md" else [in_python(path)]
    failed = 0
    for example in examples:
        print(f"-- {path.name}:{example.line}", flush=True)
        faulthandler.dump_traceback_later(LONGEST_S, exit=True)
        with loopback():
            failed += not run(example, str(path))
        faulthandler.cancel_dump_traceback_later()
    if failed:
        print(f"-- {path.name}: {failed} of {len(examples)} examples failed", flush=True)
    return failed


def run(example: Example, path: str) -> bool:
    """Run one example; tell whether it ended as it should, after saying how if not."""
    module = ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"], keep = module, sys.modules["__main__"]
    out = sys.stdout
    if example.until:
        sys.stdout = stop = Stop(out, example.until)
    try:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile("\n" * (example.line - 1) + example.text, path, "exec", flags, dont_inherit=True)
        execute(code, module)
    except KeyboardInterrupt:
        if example.until and stop.left <= 0:
            return True
        raise
    except BaseException:  # noqa: BLE001 - SystemExit too: no example may end the others
        traceback.print_exc()
        return False
    finally:
        sys.stdout = out
        sys.modules["__main__"] = keep
    if example.until:
        print(f"it ended by itself, {stop.left} lines early", file=sys.stderr)
    return not example.until


def execute(code: CodeType, module: ModuleType) -> None:
    """Execute a program, in an event loop of its own if it awaits at the top."""
    if code.co_flags & inspect.CO_COROUTINE:

        async def awaited() -> None:
            await eval(code, module.__dict__)

        asyncio.run(awaited())
    else:
        exec(code, module.__dict__)


def in_python(path: Path) -> Example:
    """Return a .py file as one example."""
    text = path.read_text("utf-8")
    found = DIRECTIVE.search(text)
    return Example(text, 1, int(found[2] or 0) if found else 0)


def in_markdown(path: Path) -> list[Example]:
    """Return the Python blocks of a page."""
    text = path.read_text("utf-8")
    examples: list[Example] = []
    for block in FENCE.finditer(text):
        language, program = block.groups()
        if language in {"py", "pycon", "python3"}:
            sys.exit(f"{path.name}: a block says ```{language}; say ```python, which is what is run")
        if language != "python":
            continue
        before = text[: block.start()].rstrip("\n").rpartition("\n")[2]
        said = DIRECTIVE.fullmatch(before)
        line = text.count("\n", 0, block.start(2)) + 1
        example = Example(program, line, int(said[2] or 0) if said else 0)
        if said and said[1] == "continues":
            above = examples.pop()
            gap = "\n" * (line - above.line - above.text.count("\n"))
            example = Example(above.text + gap + program, above.line)
        examples.append(example)
    return examples


def loopback() -> contextlib.AbstractContextManager[object]:
    """Return the package's own switch from live addresses to an exchange on loopback."""
    try:
        found = importlib.util.find_spec("toucan_data.testing.examples")
    except ModuleNotFoundError:
        found = None
    if found is None:
        return contextlib.nullcontext()
    switch: contextlib.AbstractContextManager[object] = importlib.import_module(
        "toucan_data.testing.examples"
    ).on_loopback()
    return switch


def stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse connections and look-ups that leave this machine."""
    if event == "socket.connect":
        at, address = arguments
        if getattr(at, "family", None) in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0]) if isinstance(address, tuple) else ""
            if not (host.startswith("127.") or host == "::1"):
                raise ConnectionRefusedError(f"an example tried to reach {host}")
    elif event == "socket.getaddrinfo":
        asked = arguments[0]
        if asked not in {None, "localhost", "127.0.0.1", "::1", b"localhost", b"127.0.0.1"}:
            raise socket.gaierror(f"an example tried to look up {asked!r}")


if __name__ == "__main__":
    chosen = Path(sys.argv.pop(1)).resolve()  # an example that takes arguments finds none
    sys.exit(1 if main(chosen) else 0)
