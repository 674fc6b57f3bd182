"""``decode``: small samples of our own, bad input, and the recorded messages where they are at hand."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from toucan_execution.cli.decode import decode

T = 1_800_000_000_000_000_000
ORDER = (
    '{"e":"executionReport","E":1800000000100,"s":"BTCUSDT","c":"bot-a-%d","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"0.50","p":"60000.10","P":"0.00","F":"0.00","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":77,'
    '"l":"0.00","z":"0.00","L":"0.00","n":"0","N":null,"T":1800000000099,"t":-1,"v":3,"I":1,"w":true,'
    '"m":false,"M":false,"O":1800000000099,"Z":"0.00","Y":"0.00","Q":"0.00","W":1800000000099,"V":"NONE"}'
)
POSITION = (
    '{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1800000000100,"u":1800000000099,'
    '"B":[{"a":"USDT","f":"100.50","l":"7.00"}]}}'
)
NEW_SORT = '{"e":"somethingNew","E":1800000000100,"x":[1,2]}'
PUBLIC = '{"e":"trade","E":1,"s":"BTCUSDT"}'
ACK = '{"id":1,"status":200,"result":{}}'


def run(*args: str | Path, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(decode, [str(arg) for arg in args], input=stdin)


def values(result: Result) -> list[dict[str, Any]]:
    return [json.loads(each) for each in result.stdout.splitlines()]


def test_messages_become_events_and_one_summary(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join([ORDER % 1, "", "   ", POSITION, NEW_SORT, PUBLIC, ACK, ""]), "utf-8")
    result = run("binance-spot", "--account", "main", file)
    assert result.exit_code == 0, result.output
    order, balance, unknown = values(result)
    assert (order["type"], order["account"], order["exchange"]) == ("OrderUpdate", "main", "binance-spot")
    assert (order["order"]["quantity"], order["order"]["price"]) == ("0.50", "60000.10")
    assert (order["order"]["symbol"], order["order"]["instrument"]) == ("BTCUSDT", "BTC/USDT")
    assert order["time_exchange"] == 1_800_000_000_099_000_000
    assert order["time_received"] == 0
    assert balance["type"] == "BalanceUpdate"
    assert (balance["balance"]["free"], balance["balance"]["total"]) == ("100.50", "107.50")
    assert (unknown["type"], unknown["name"], unknown["raw"]) == ("UnknownEvent", "somethingNew", NEW_SORT)
    assert result.stderr == (
        "5 frames; events: BalanceUpdate 1, OrderUpdate 1, UnknownEvent 1; "
        "1 control; 1 not offered; 0 failed; 0 gaps\n"
    )


@pytest.mark.parametrize("args", [(), ("-",)])
def test_stdin_is_read_where_no_file_is_named(args: tuple[str, ...]) -> None:
    result = run("binance-spot", *args, stdin=ORDER % 1)
    assert result.exit_code == 0
    assert len(values(result)) == 1


@pytest.mark.parametrize(
    "line",
    [b"{", b"garbage", b"\xff\xfe\x00", b'{"e":"executionReport"}', b"7", b'{"e":' + b"[" * 5_000],
)
def test_a_message_that_cannot_be_read_fails_alone(line: bytes) -> None:
    stdin = b"\n".join([(ORDER % 1).encode(), line, (ORDER % 2).encode()])
    result = run("binance-spot", stdin=stdin)
    assert result.exit_code == 1
    assert [each["type"] for each in values(result)] == ["OrderUpdate", "UnreadableEvent", "OrderUpdate"]
    failed = values(result)[1]
    assert failed["error"]
    assert failed["raw"] == line.decode("utf-8", "backslashreplace")
    assert "3 frames" in result.stderr
    assert "1 failed" in result.stderr


def record(t: int, direction: str, frame: str | None, url: str | None = None) -> str:
    return json.dumps({"t": t, "dir": direction, "url": url, "frame": frame})


def test_captures_are_merged_by_time_and_hold_answers_too(tmp_path: Path) -> None:
    secret = "listenKeySecret" * 4
    stream = [
        record(T, "open", None, f"wss://stream.example/ws/{secret}"),
        record(T + 1, "sent", '{"method":"x"}'),
        record(T + 4, "recv", ORDER % 1),
        f'{{"dir":"open","url":"wss://stream.example/ws/{secret}"',
    ]
    rest = [record(T + 3, "rest", json.dumps({"listenKey": secret}), "https://api.example/listenKey")]
    (tmp_path / "a.jsonl").write_text("\n".join(stream), "utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(rest).encode()))
    result = run("binance-spot", tmp_path)
    assert result.exit_code == 1
    order, broken = values(result)
    assert (order["type"], order["time_received"]) == ("OrderUpdate", T + 4)
    assert (broken["type"], broken["time_received"]) == ("UnreadableEvent", T + 4)
    assert "not a record of a capture" in broken["error"]
    assert secret not in result.output
    assert "3 frames; events: OrderUpdate 1; 1 control; 0 not offered; 1 failed" in result.stderr


def test_plain_is_for_people_and_steers_no_terminal() -> None:
    strange = (ORDER % 1).replace("BTCUSDT", "\\u001b]0;x\\u0007\\u202e")
    result = run("binance-spot", "--plain", stdin=f"{ORDER % 1}\n{strange}\n{POSITION}")
    assert result.exit_code == 0, result.output
    first, second, third = result.stdout.splitlines()
    assert "foreign order buy BTC/USDT limit at 60000.10 gtc open, filled 0.00 of 0.50" in first
    assert "client id bot-a-1" in first
    assert second.isprintable()
    assert third.endswith("balance 107.50 USDT (free 100.50, locked 7.00)")


def test_answers_are_shown_in_plain_words_too() -> None:
    stdin = '{"makerCommission":1,"balances":[]}\n'
    assert run("binance-spot", "--plain", stdin=stdin).exit_code in (0, 1)
    assert run("binance-spot", "--plain", stdin=stdin).stderr.startswith("1 frames; ")


def test_an_unknown_venue_is_refused_with_those_that_there_are() -> None:
    result = CliRunner().invoke(decode, ["binance"], input="")
    assert "binance-usd-m" in str(result.exception)


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(ORDER % number for number in range(5_000)), "utf-8")
    command = [sys.executable, "-m", "toucan_execution", "decode", "binance-spot", str(file)]
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


@pytest.mark.parametrize("venue", ["spot", "usd-m", "coin-m"])
def test_every_recorded_private_message_decodes(venue: str) -> None:
    files = [
        file for kind in ("user", "wsapi", "rest") for file in recordings(f"frames/binance-{venue}/{kind}.*")
    ]
    if not files:
        pytest.skip("TOUCAN_CAPTURES names no folder with frames/binance-*")
    result = run(f"binance-{venue}", *files)
    assert result.exit_code == 0, result.stderr
    assert "; 0 failed; " in result.stderr
