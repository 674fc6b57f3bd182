"""``decode``: small samples of our own, bad input, and the recordings where they are at hand."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from toucan_data.cli.app import program

T = 1_800_000_000_000_000_000
TRADE = (
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":%d,"p":"60000.10",'
    '"q":"0.50","T":1800000000000000,"m":true,"M":true}}'
)
BARE = '{"e":"aggTrade","E":1,"s":"ETHUSDT","a":7,"p":"1.0","q":"2","f":1,"l":3,"T":2,"m":false}'
ACK = '{"result":null,"id":1}'
NOT_OFFERED = '{"stream":"btcusdt@avgPrice","data":{"e":"avgPrice","s":"BTCUSDT","w":"1"}}'
DEPTH = (
    '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":5,"s":"BTCUSDT",'
    '"U":%d,"u":%d,"b":[["60000.00","%s"]],"a":[]}}'
)
SNAPSHOT = '{"lastUpdateId":10,"bids":[["60000.00","1"]],"asks":[["60001.00","2"]]}'
SNAPSHOT_URL = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000"


def run(*args: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(program, [str(arg) for arg in args], input=stdin)


def events(result: Result) -> list[dict[str, Any]]:
    return [json.loads(each) for each in result.stdout.splitlines()]


def record(t: int, direction: str, frame: str | None, url: str | None = None) -> str:
    return json.dumps({"t": t, "dir": direction, "url": url, "frame": frame})


def test_raw_frames_become_events_and_one_summary(tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    file.write_text("\n".join([TRADE % 1, "", "   ", BARE, ACK, NOT_OFFERED, ""]), "utf-8")
    result = run("decode", "binance-spot", file)
    assert result.exit_code == 0, result.output
    trade, aggregated = events(result)
    assert trade["type"] == "PublicTrade"
    assert (trade["price"], trade["quantity"], trade["aggressor"]) == ("60000.10", "0.50", "sell")
    assert trade["time_exchange"] == 1_800_000_000_000_000_000
    assert trade["time_received"] == 0
    assert (aggregated["symbol"], aggregated["first_id"], aggregated["last_id"]) == (
        "ETHUSDT",
        1,
        3,
    )
    assert result.stderr == ("4 frames; events: PublicTrade 2; 1 control; 1 not offered; 0 failed; 0 gaps\n")


@pytest.mark.parametrize("args", [(), ("-",)])
def test_stdin_is_read_where_no_file_is_named(args: tuple[str, ...]) -> None:
    result = run("decode", "binance-spot", *args, stdin=(TRADE % 1).encode())
    assert result.exit_code == 0
    assert len(events(result)) == 1


def test_gzip_is_known_by_its_bytes_also_on_stdin(tmp_path: Path) -> None:
    packed = gzip.compress(((TRADE % 1) + "\n").encode())
    file = tmp_path / "anything"
    file.write_bytes(packed)
    for result in (
        run("decode", "binance-spot", file),
        run("decode", "binance-spot", stdin=packed),
    ):
        assert result.exit_code == 0
        assert len(events(result)) == 1


def test_a_gzip_that_ends_in_the_middle_is_said(tmp_path: Path) -> None:
    lines = "\n".join(TRADE % number for number in range(200)).encode()
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(gzip.compress(lines)[:-20])
    result = run("decode", "binance-spot", file)
    assert result.exit_code == 1
    assert "cut.jsonl.gz cannot be read to its end" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"garbage",
        b"\xff\xfe\x00",
        b'{"stream":"btcusdt@trade","data":{"e":"trade","t":"x"}}',
        b'{"stream":"btcusdt@trade","data":' + b"[" * 5_000,
        b'{"e":"trade","t":1,"p":"1","q":"1","T":1,"m":true}',
        b"null",
    ],
)
def test_a_frame_that_cannot_be_read_fails_alone(line: bytes) -> None:
    stdin = b"\n".join([(TRADE % 1).encode(), line, (TRADE % 2).encode()])
    result = run("decode", "binance-spot", stdin=stdin)
    assert result.exit_code == 1
    assert [event["type"] for event in events(result)] == [
        "PublicTrade",
        "DecodeFailed",
        "PublicTrade",
    ]
    failed = events(result)[1]
    assert failed["error"]
    assert failed["raw"] == line.decode("utf-8", "backslashreplace")
    assert "3 frames" in result.stderr
    assert "1 failed" in result.stderr


def test_captures_are_merged_by_time_and_rest_supplies_snapshots(tmp_path: Path) -> None:
    session = [
        record(T, "open", None, "wss://stream.binance.com/stream"),
        record(T + 1, "sent", '{"method":"SUBSCRIBE"}'),
        record(T + 2, "recv", DEPTH % (9, 10, "5")),
        record(T + 4, "recv", DEPTH % (11, 12, "7.50")),
        "not a record",
    ]
    rest = [
        record(T + 1, "rest", '{"symbols":[]}', "https://api.binance.com/api/v3/exchangeInfo"),
        record(T + 3, "rest", SNAPSHOT, SNAPSHOT_URL),
    ]
    (tmp_path / "session.jsonl").write_text("\n".join(session), "utf-8")
    with gzip.open(tmp_path / "rest.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rest))
    (tmp_path / "README.md").write_text("not a recording", "utf-8")
    result = run("decode", "binance-spot", tmp_path)  # a folder stands for its recordings
    assert result.exit_code == 1
    before, snapshot, after, failed = events(result)
    assert (before["type"], before["best_bid_text"]) == ("OrderBookL2Update", None)
    assert (snapshot["type"], snapshot["last_update_id"]) == ("OrderBookL2Snapshot", 10)
    assert after["best_bid_text"] == ["60000.00", "7.50"]
    assert after["best_ask_text"] == ["60001.00", "2"]
    assert [event["time_received"] for event in (before, snapshot, after)] == [T + 2, T + 3, T + 4]
    assert (failed["error"], failed["at_ns"]) == ("not a record of a capture", T + 4)


def test_missing_ids_are_gaps_and_no_failure() -> None:
    result = run("decode", "binance-spot", stdin=f"{TRADE % 1}\n{TRADE % 5}".encode())
    assert result.exit_code == 0
    gap = events(result)[1]
    assert (gap["type"], gap["first_missing"], gap["last_missing"]) == ("Gap", 2, 4)
    assert "1 gaps" in result.stderr


def test_plain_is_for_people() -> None:
    result = run("decode", "binance-spot", "--plain", stdin=(TRADE % 1).encode())
    assert "trade sell 0.50 at 60000.10 id 1" in result.stdout


def test_what_steers_a_terminal_is_escaped() -> None:
    frame = (TRADE % 1).replace("btcusdt@", "\\u001b]0;x\\u0007\\u202e@")
    result = run("decode", "binance-spot", "--plain", stdin=frame.encode())
    assert result.stdout.rstrip("\n").isprintable()


def test_an_unknown_venue_is_refused_with_those_that_there_are() -> None:
    result = run("decode", "binance", stdin=b"")
    assert result.exit_code == 2
    assert "binance-usd-m" in result.stderr
    assert "Traceback" not in result.output


def test_a_missing_file_is_refused() -> None:
    result = run("decode", "binance-spot", "no-such-file")
    assert result.exit_code == 2
    assert "no-such-file" in result.stderr


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(TRADE % number for number in range(20_000)), "utf-8")
    command = [sys.executable, "-m", "toucan_data", "decode", "binance-spot", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 0
    assert said == b""


def recordings(pattern: str) -> list[Path]:
    folder = os.environ.get("TOUCAN_CAPTURES", "")
    return sorted(Path(folder).glob(pattern)) if folder else []


@pytest.mark.parametrize("venue", ["spot", "us-spot", "usd-m", "coin-m"])
def test_every_recorded_frame_of_a_capture_decodes(venue: str) -> None:
    files = recordings(f"captures/binance-{venue}/*")
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with captures/binance-*")
    received = 0
    for file in files:
        with gzip.open(file, "rb") as lines:
            received += sum(json.loads(each)["dir"] == "recv" for each in io.BufferedReader(lines))
    result = run("decode", f"binance-{venue}", *files)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith(f"{received} frames; ")
    assert "0 failed; 0 gaps" in result.stderr


@pytest.mark.parametrize("venue", ["spot", "usd-m", "coin-m"])
def test_every_recorded_market_data_frame_decodes(venue: str) -> None:
    files = recordings(f"frames/binance-{venue}/stream.*")
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with frames/binance-*")
    result = run("decode", f"binance-{venue}", *files)
    assert result.exit_code == 0, result.stderr
    assert "; 0 failed; " in result.stderr
