"""Recordings: raw frames or captures, gzipped or not, merged by time."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from toucan_instrument.console.captures import BrokenFileError, Item, expand, read, urls


def record(t: int, direction: str, frame: str | None, url: str | None = None) -> bytes:
    return json.dumps({"t": t, "dir": direction, "url": url, "frame": frame}).encode()


def items(*files: bytes) -> list[Item]:
    return list(read([(f"file {number}", io.BytesIO(each)) for number, each in enumerate(files)]))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_raw_frames_are_lines_that_are_not_blank(pack) -> None:
    found = items(pack(b"\xef\xbb\xbf{}\n\n  \n[1]\r\n"))
    assert found == [Item(b"{}", 0), Item(b"[1]", 0)]


def test_captures_come_before_raw_frames_merged_by_time() -> None:
    one = b"\n".join([record(1, "recv", "a"), record(5, "recv", "e"), record(6, "sent", "no")])
    two = b"\n".join([record(0, "open", None, "wss://x"), record(3, "rest", "c", "https://x/y")])
    found = items(b"raw", one, two)
    assert [(each.frame, each.time_received, each.url) for each in found] == [
        (b"a", 1, None),
        (b"c", 3, "https://x/y"),
        (b"e", 5, None),
        (b"raw", 0, None),
    ]


def test_a_line_that_is_no_record_is_kept_as_broken() -> None:
    [_, broken] = items(record(7, "recv", "a") + b"\nnot json")
    assert (broken.frame, broken.time_received) == (b"not json", 7)
    assert broken.broken


@pytest.mark.parametrize("damage", [lambda packed: packed[:-12], lambda packed: packed[:20] + b"x" * 40])
def test_a_damaged_gzip_is_said_with_its_name(damage) -> None:
    packed = gzip.compress(b"\n".join(b"%d" % number for number in range(5_000)))
    with pytest.raises(BrokenFileError, match="file 0 cannot be read to its end"):
        items(damage(packed))


def test_a_folder_stands_for_its_recordings(tmp_path: Path) -> None:
    for name in ("b.jsonl.gz", "a.jsonl", "README.md"):
        (tmp_path / name).write_bytes(b"")
    lone = tmp_path / "README.md"
    assert expand([tmp_path, lone]) == [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", lone]


def test_the_first_address_of_each_capture_is_found(tmp_path: Path) -> None:
    capture, raw = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    capture.write_bytes(b"\n".join([record(0, "open", None, "wss://x"), record(1, "open", None, "wss://y")]))
    raw.write_bytes(b"{}")
    assert list(urls([capture, raw])) == ["wss://x"]
