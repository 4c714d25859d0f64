"""Adding lines to entries: whole, checked, on the disk, or not at all."""

import errno
import fcntl
import json
import os
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway import book_files
from gateway.errors import ConfigError
from tests.builders import BOOK

LEAVE = {
    "table": "leave",
    "id": "L1",
    "person": "p01",
    "kind": "personal",
    "from": "2026-11-05T08:30:00",
    "to": "2026-11-05T10:30:00",
    "applied_at": "2026-11-04T16:00:00",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a book without entries."""
    book = tmp_path / "book.toml"
    book.write_text(BOOK, encoding="utf-8")
    return book


def leave(number: int, **changes: Any) -> dict[str, Any]:
    """Return the leave of another day."""
    day = f"2026-12-{number:02}"
    times = {"from": f"{day}T08:30:00", "to": f"{day}T10:30:00"}
    return LEAVE | {"id": f"L{number}"} | times | changes


def entries(path: Path) -> Path:
    """Return the entries beside a book."""
    return path.with_name("entries.jsonl")


def test_a_line_is_added_behind_the_others(path: Path) -> None:
    """What was there stays byte for byte; the book has the new row."""
    first = book_files.add(path, [leave(1, reason="办事")], write=True)
    before = entries(path).read_bytes()
    second = book_files.add(path, [leave(2), leave(3)], write=True)
    assert (first.first_line, second.first_line) == (1, 2)
    assert entries(path).read_bytes().startswith(before)
    assert "办事" in before.decode()
    book = book_files.load(path)
    assert [row.id for row in book.rows.leave] == ["L1", "L2", "L3"]
    assert second.book == book


def test_a_last_line_without_its_end(path: Path) -> None:
    """A line somebody typed without a line end is not glued to the next."""
    entries(path).write_text(json.dumps(leave(1)), "utf-8")
    added = book_files.add(path, [leave(2)], write=True)
    assert added.first_line == 2
    assert [row.id for row in book_files.load(path).rows.leave] == ["L1", "L2"]


def test_what_the_check_refuses_is_not_written(path: Path) -> None:
    """One bad row of two: neither is there, and the problem names its line."""
    rows = [leave(1), leave(2, person="nobody")]
    added = book_files.add(path, rows, write=True)
    assert [(one.line, one.path) for one in added.problems] == [(2, "leave.person")]
    assert added.book is None
    assert entries(path).read_bytes() == b""


def test_a_dry_run_writes_nothing(path: Path) -> None:
    """Not even an empty file."""
    added = book_files.add(path, [leave(1)], write=False)
    assert added.book is not None
    assert json.loads(added.lines[0]) == leave(1)
    assert not entries(path).exists()
    book_files.add(path, [], write=True)
    assert entries(path).read_bytes() == b""


def test_the_entries_are_as_open_as_the_book(path: Path) -> None:
    """Who may read the book may read its entries."""
    path.chmod(0o640)
    before = os.umask(0)
    try:
        book_files.add(path, [leave(1)], write=True)
    finally:
        os.umask(before)
    assert entries(path).stat().st_mode & 0o777 == 0o640
    assert entries(path).stat().st_uid == path.stat().st_uid


def test_writers_wait_for_each_other(path: Path) -> None:
    """Ten at once: every line is whole and none is lost."""
    threads = [
        threading.Thread(
            target=book_files.add, args=(path, [leave(number)]), kwargs={"write": True}
        )
        for number in range(1, 11)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book_files.load(path).rows.leave) == 10


def test_the_lock_is_held_while_somebody_else_writes(path: Path) -> None:
    """A writer waits until another one has let go."""
    with entries(path).open("a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = threading.Event()

        def write() -> None:
            book_files.add(path, [leave(2)], write=True)
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        assert not done.wait(0.2)
        held.write(json.dumps(leave(1)) + "\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_UN)
        assert done.wait(30)
        thread.join()
    assert [row.id for row in book_files.load(path).rows.leave] == ["L1", "L2"]


def test_a_full_disk_leaves_nothing_behind(path: Path) -> None:
    """A line that could be written in part only is taken back."""
    book_files.add(path, [leave(1)], write=True)
    before = entries(path).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal_safe = len(before) + 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (signal_safe, hard))
    try:
        with pytest.raises(OSError, match=r"only 20 of \d+ bytes") as raised:
            book_files.add(path, [leave(2)], write=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno is None
    assert entries(path).read_bytes() == before
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), hard))
    try:
        with pytest.raises(OSError, match="large") as refused:
            book_files.add(path, [leave(2)], write=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.errno == errno.EFBIG
    assert entries(path).read_bytes() == before


def test_both_files_are_read_or_named(path: Path) -> None:
    """Problems of book and entries come together, each with its file."""
    entries(path).write_text('{"table": "leave"}\n', "utf-8")
    path.write_text(BOOK + "nonsense = 1\n", "utf-8")
    with pytest.raises(ConfigError) as raised:
        book_files.load(path)
    files = {Path(one.file).name for one in raised.value.problems}
    assert files == {"book.toml", "entries.jsonl"}
    entries(path).write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        book_files.load(path)


def test_a_sites_own_policies_are_known(path: Path) -> None:
    """A contract may name a policy that lies beside the book."""
    contract = (
        '[[vendors]]\nid = "v"\nname = "v"\n[[contracts]]\nid = "c"\nvendor = "v"\n'
        'policy = "ours"\nfrom = 2026-01-01\nto = 2026-12-31\n'
    )
    path.write_text(BOOK + contract, "utf-8")
    with pytest.raises(ConfigError, match="there is no policy 'ours'"):
        book_files.load(path)
    (path.parent / "policies").mkdir()
    (path.parent / "policies/ours.toml").write_text("", "utf-8")
    assert book_files.load(path).warnings == ()
