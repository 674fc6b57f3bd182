"""``demo``: the whole show, on the seeded market and on recordings."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from toucan_data.cli.app import program
from toucan_data.cli.recording import load

T = 1_800_000_000_000_000_000
REST = "https://fapi.binance.com/fapi/v1"


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(program, [str(arg) for arg in args])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(each) for each in result.stdout.splitlines()]


def test_the_show_on_the_seeded_market() -> None:
    result = run("demo", "--seconds", "4")
    assert result.exit_code == 0, result.output
    said = result.stdout
    for market in ("binance-spot", "binance-usd-m", "binance-coin-m"):
        assert market in said
    for kind in ("PublicTrades", "AggregatedTrades", "OrderBooksL1", "OrderBooksL2", "MarkPrices"):
        assert kind in said
    for told in ("disconnected: ", "gap: ", "resynced: ", "  ask ", "  bid "):
        assert told in said
    assert "Summary: " in said
    assert "books equal 6 of 6" in said
    assert "MISSING" not in said
    assert "\x1b" not in said


def test_the_show_as_json() -> None:
    result = run("demo", "--seconds", "3", "--json")
    assert result.exit_code == 0, result.output
    shown = rows(result)
    assert shown[-1]["type"] == "Summary"
    assert shown[-1]["missing"] == []
    assert shown[-1]["reconnects"] >= 1
    kinds = {row["type"] for row in shown}
    assert {"PublicTrade", "OrderBookL2Update", "Liquidation", "Disconnected", "Gap"} <= kinds
    assert {"Resynced", "Arrived", "Ladder", "Compared"} <= kinds


@pytest.mark.skipif(sys.platform == "win32", reason="signals to processes are POSIX here")
def test_ctrl_c_ends_the_show_before_its_end() -> None:
    command = [sys.executable, "-W", "error", "-m", "toucan_data", "demo", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 130, err
    assert "Traceback" not in err
    assert " reconnects" in err


def capture(folder: Path, *, name: str = "session.jsonl") -> Path:
    """Write a small recording of our own: trades and a book of one USD-M perpetual."""
    stream = "{}@{}"
    frames: list[tuple[str, dict[str, Any]]] = []
    for number in range(1, 6):
        trade = {"e": "aggTrade", "E": number, "s": "XYZUSDT", "a": number, "p": "1.50", "q": "2"}
        trade |= {"f": number, "l": number, "T": number, "m": False}
        frames.append((stream.format("xyzusdt", "aggTrade"), trade))
        depth = {"e": "depthUpdate", "E": number, "T": number, "s": "XYZUSDT", "U": 10 * number}
        depth |= {"u": 10 * number + 9, "pu": 10 * number - 1}
        depth |= {"b": [["1.40", str(number)]], "a": [["1.60", str(number)]]}
        frames.append((stream.format("xyzusdt", "depth@100ms"), depth))
    frames.append((stream.format("xyzusdt", "avgPrice"), {"e": "avgPrice", "s": "XYZUSDT"}))
    lines = [{"t": T, "dir": "open", "url": "wss://fstream.binance.com/stream?streams=..."}]
    lines += [
        {"t": T + 10 * index, "dir": "recv", "frame": json.dumps({"stream": of, "data": data})}
        for index, (of, data) in enumerate(frames, 1)
    ]
    snapshot = {"lastUpdateId": 25, "E": 1, "T": 1, "bids": [["1.40", "9"]], "asks": []}
    rest = {"t": T + 45, "dir": "rest", "url": f"{REST}/depth?symbol=XYZUSDT&limit=1000"}
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(map(json.dumps, lines)), "utf-8")
    with gzip.open(folder / "rest.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({**rest, "frame": json.dumps(snapshot)}))
    return folder


def test_a_recording_is_known_by_its_folder_or_by_its_addresses(tmp_path: Path) -> None:
    by_name = load(capture(tmp_path / "binance-coin-m"))
    by_address = load(capture(tmp_path / "monday"))
    assert (by_name.exchange.value, by_address.exchange.value) == (
        "binance-coin-m",
        "binance-usd-m",
    )
    assert by_address.streams == {
        "xyzusdt@aggTrade": 5,
        "xyzusdt@depth@100ms": 5,
        "xyzusdt@avgPrice": 1,
    }
    offered = by_address.offered(by_address.venue())
    assert set(offered) == {"xyzusdt@aggTrade", "xyzusdt@depth@100ms"}


def test_every_offered_frame_of_a_recording_arrives(tmp_path: Path) -> None:
    result = run("demo", "--capture", capture(tmp_path / "monday"), "--json")
    assert result.exit_code == 0, result.output
    shown = rows(result)
    assert [row["id"] for row in shown if row["type"] == "PublicTrade"] == [1, 2, 3, 4, 5]
    arrived = {row["event"]: row for row in shown if row["type"] == "Arrived"}
    book = arrived["OrderBookL2Update"]
    assert int(book["recorded"]) == int(book["arrived"]) + int(book["in a snapshot"]) == 5
    assert shown[-1]["books_equal"] == "1 of 1"
    plain = run("demo", "--capture", tmp_path / "monday")
    assert plain.exit_code == 0, plain.output
    assert "1 frames of streams that are not offered today are left out" in plain.stdout


@pytest.mark.parametrize("content", [b"", b"garbage\n", b'{"t":1,"dir":"recv","frame":"{}"}\n'])
def test_a_folder_without_a_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "binance-spot"
    folder.mkdir()
    (folder / "session.jsonl").write_bytes(content)
    result = run("demo", "--capture", folder)
    assert result.exit_code == 2
    assert "--capture" in result.stderr


def test_a_recording_of_nobody_is_refused(tmp_path: Path) -> None:
    folder = capture(tmp_path / "monday")
    text = (folder / "session.jsonl").read_text("utf-8")
    (folder / "session.jsonl").write_text(text.replace("fstream.binance.com", "example.org"), "utf-8")
    (folder / "rest.jsonl.gz").unlink()
    result = run("demo", "--capture", folder)
    assert result.exit_code == 2
    assert "binance-usd-m" in result.stderr


@pytest.mark.parametrize("venue", ["spot", "us-spot", "usd-m", "coin-m"])
def test_the_shared_recordings_stream_through_the_client(venue: str) -> None:
    folder = Path(os.environ.get("TOUCAN_CAPTURES", "nowhere"), "captures", f"binance-{venue}")
    if not folder.is_dir():
        pytest.skip("TOUCAN_CAPTURES names no folder with captures/binance-*")
    result = run("demo", "--capture", folder)
    assert result.exit_code == 0, result.output
    assert "MISSING" not in result.stdout
