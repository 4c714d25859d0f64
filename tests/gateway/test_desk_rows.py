"""Rolls and attestations at the desk, and rows that wait for the book."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from gateway.desk_entries import append_rows
from tests.drivers.serial_devices import device
from tests.gateway.desks import (
    ATTEST,
    LINES,
    ROLL,
    ROSTER,
    opened,
    press,
    reader,
    shown,
    site,
    write,
)


def test_arrival_roll(tmp_path: Path) -> None:
    """A card on a roll reader is a row of the roll; no name and no place travels."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path, ROLL)) as at:
                await opened(at)
                press(there, 3)
                (entry,) = await at.until_sent("entry", 1)
                assert entry["table"] == "roll"
                assert entry["row"] == {
                    "id": entry["id"],
                    "person": "p03",
                    "at": "2026-11-02T20:01:00",
                    "witnessed_by": "desk",
                    "entered_at": "2026-11-02T20:01:00",
                }
                assert "王小明" not in json.dumps(entry, ensure_ascii=False)
                await at.until(at.lines)
                (line,) = at.lines()
                assert (line["place"], line["witnessed_by"]) == ("服务台", "王小明")
                await at.reload()
                (row,) = at.desk._loaded.book.rows.roll
                assert row.person == "p03"

    asyncio.run(run())


SUBSTITUTION = """
[[substitutions]]
id = "S1"
person = "p01"
substitute = "p04"
from = 2026-11-02T18:00:00
to = 2026-11-02T22:00:00
approved_by = "leader1"
"""


def test_a_substitute_attests(tmp_path: Path) -> None:
    """The substitute's card supersedes the row with one that is attested, once."""

    async def run() -> None:
        with device(tmp_path) as there:
            readers = reader(tmp_path, ATTEST + LINES)
            book = ROSTER + SUBSTITUTION
            async with site(tmp_path, readers=readers, book=book) as at:
                await opened(at)
                press(there, 4)
                (entry,) = await at.until_sent("entry", 1)
                assert entry["row"]["supersedes"] == "S1"
                assert entry["row"]["attested_by"] == "desk"
                assert "approved_by" not in entry["row"]
                await at.until(at.lines)
                await at.reload()
                (row,) = at.desk._loaded.book.rows.substitutions
                assert (row.attested_by, row.approved_by) == ("clerk1", "leader1")
                assert str(row.attested_until) == "2026-11-02"
                press(there, 3)
                (event,) = await at.until_sent("event", 1)
                assert event["reason"] == "no_substitution"

    asyncio.run(run())


def test_a_second_card_of_one_person_changes_nothing(tmp_path: Path) -> None:
    """Who presents twice is told so: one row of the roll, one attestation, one wait."""

    async def run() -> None:
        with device(tmp_path) as there:
            for more, book in ((ROLL, ROSTER), (ATTEST, ROSTER + SUBSTITUTION)):
                folder = tmp_path / more.split('"')[3]
                folder.mkdir()
                readers = reader(tmp_path, f"{more}{LINES}debounce_seconds = 0.1\n")
                async with site(folder, readers=readers, book=book) as at:
                    await opened(at)
                    press(there, 4)
                    await at.until_sent("entry", 1)
                    await at.until(at.lines)
                    await at.reload()
                    await asyncio.sleep(0.3)  # the card is away: longer than 0.1 s
                    press(there, 4)
                    await at.until(lambda: "已刷过卡" in shown(there))
                    assert len(await at.entries("entry")) == 1
                    assert await at.entries("event") == []

    asyncio.run(run())


def test_with_the_centres_book_rows_only_go_up(tmp_path: Path) -> None:
    """Where the book has no file here none is made, and nothing waits for one."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                loaded = at.desk._loaded
                ours = replace(loaded.settings.gateway, book="central")
                settings = replace(loaded.settings, gateway=ours)
                await at.desk.apply(replace(loaded, settings=settings))
                await opened(at)
                press(there, 1, 2)
                await at.until_sent("entry", 1)
                assert at.lines() == []
                assert at.desk._memory is not None
                assert at.desk._memory.unwritten == []

    asyncio.run(run())


def test_a_row_the_book_cannot_hold_waits_and_others_pass(tmp_path: Path) -> None:
    """A row that would spoil the book is left out; the one behind it is written."""
    write(tmp_path, readers="", book="", gateway="")
    bad = {"table": "roll", "id": "r1", "person": "p99", "at": "2026-11-02T08:00:00"}
    bad["witnessed_by"] = "desk"
    good = bad | {"id": "r2", "person": "p01"}
    left, reason = append_rows(tmp_path / "book.toml", [bad, good])
    assert left == [bad]
    assert "nobody is called 'p99'" in reason
    assert append_rows(tmp_path / "book.toml", [good]) == ([], "")
    lines = (tmp_path / "entries.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [good]
    left, reason = append_rows(tmp_path / "nowhere" / "book.toml", [good])
    assert left == [good]
    assert "nowhere" in reason


def test_a_book_that_refuses_a_row_keeps_it_waiting(tmp_path: Path) -> None:
    """A row that cannot be written is sent up all the same, and added once it can."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                book = (tmp_path / "book.toml").read_text("utf-8")
                (tmp_path / "book.toml").write_text("not TOML", "utf-8")
                press(there, 1, 2)
                await at.until_sent("entry", 1)
                await at.until(lambda: at.desk._write_failures)
                assert at.lines() == []
            (tmp_path / "book.toml").write_text(book, "utf-8")
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await at.until(at.lines)
                assert len(at.lines()) == 1
                assert len(await at.entries("entry")) == 1

    asyncio.run(run())


def test_a_row_written_before_a_crash_is_not_written_twice(tmp_path: Path) -> None:
    """A process that died between file and journal leaves one line, not two."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                press(there, 1, 2)
                await at.until(at.lines)
                await at.until(lambda: not at.desk._memory.unwritten)  # type: ignore[union-attr]
                (line,) = at.lines()
                at.desk._memory.unwritten = [line]  # type: ignore[union-attr]
                await at.desk._keep(at.desk._memory, [], [])  # type: ignore[arg-type]
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await at.until(
                    lambda: at.desk._memory and not at.desk._memory.unwritten
                )
                assert at.lines() == [line]

    asyncio.run(run())
