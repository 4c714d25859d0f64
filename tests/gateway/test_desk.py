"""The duty desk: cards at a real port become rows, events, answers; none is lost."""

import asyncio
import json
import logging
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.serial_reader.frames import em4100_frame
from gateway.desk_entries import append_rows
from gateway.health import RiskId, risks
from gateway.settings import AlarmSettings
from tests.drivers.serial_devices import Device, device
from tests.gateway.desks import (
    AT_EIGHT,
    HANDOVER,
    ROSTER,
    Site,
    card,
    reader,
    site,
    write,
)

ROLL = 'id = "desk"\nuse = "roll"\nplace = "服务台"\nwitness = "王小明"\n'
ATTEST = 'id = "desk"\nuse = "attestation"\nwitness = "clerk1"\n'
LINES = 'feedback = "line"\n'


async def opened(there: Site) -> None:
    """Wait for the reader's port."""
    await there.until(lambda: there.reader()["online"])


def press(device_: Device, *numbers: int) -> None:
    """Present cards, one after the other."""
    device_.send(b"".join(em4100_frame(card(number)) for number in numbers))


def shown(device_: Device) -> str:
    """Return what the reader was told to show."""
    heard = device_.say("heard")
    return bytes.fromhex(heard).decode() if heard != "-" else ""


def test_two_cards_make_a_handover(tmp_path: Path) -> None:
    """Both sides present their card: one row in the file, one entry on its way up."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path, HANDOVER + LINES)) as at:
                await opened(at)
                press(there, 2)  # the incoming one is first, the roster knows
                await at.until(lambda: at.reader()["presented"] == 1)
                await at.until(lambda: "请对方刷卡" in shown(there))
                at.time[0] += timedelta(minutes=2)
                press(there, 1)
                (entry,) = await at.until_sent("entry", 1)
                await at.until(at.lines)
                (line,) = at.lines()
                assert line.pop("table") == "handovers"
                assert line == {
                    "id": entry["id"],
                    "post": "noc",
                    "at": "2026-11-02T20:03:00",
                    "outgoing": "p01",
                    "incoming": "p02",
                    "outgoing_signed_at": "2026-11-02T20:03:00",
                    "incoming_signed_at": "2026-11-02T20:01:00",
                    "entered_by": "desk",
                    "entered_at": "2026-11-02T20:03:00",
                }
                assert entry["table"] == "handovers"
                assert entry["row"] == {
                    k: v for k, v in line.items() if k != "entered_by"
                }
                assert await at.entries("event") == []
                assert at.woken
                await at.until(lambda: "已记录" in shown(there))
                await at.reload()
                (row,) = at.desk._loaded.book.rows.handovers
                assert (row.outgoing, row.incoming) == ("p01", "p02")

    asyncio.run(run())


def test_two_cards_at_once(tmp_path: Path) -> None:
    """Two frames in one read are two people, and one handover."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                press(there, 1, 2, 1, 2, 1)
                (entry,) = await at.until_sent("entry", 1)
                assert entry["row"]["outgoing"] == "p01"
                await at.until(lambda: at.reader()["presented"] == 2)

    asyncio.run(run())


def test_a_card_of_nobody_is_kept_as_an_event(tmp_path: Path) -> None:
    """An unknown card is refused to the person, and the centre learns its number."""

    async def run() -> None:
        with device(tmp_path) as there:
            more = HANDOVER + 'beep_refused = "0707"\nbeep_ok = "06"\n'
            async with site(tmp_path, readers=reader(tmp_path, more)) as at:
                await opened(at)
                press(there, 99)
                (event,) = await at.until_sent("event", 1)
                assert (event["kind"], event["terminal"]) == ("card_unknown", "desk")
                assert event["serial"] is None
                assert event["detail"] == {"badge": "0000000099", "use": "handover"}
                assert bytes.fromhex(event["raw"]) == em4100_frame(card(99))
                await at.until(lambda: shown(there) == "\x07\x07")
                assert at.lines() == []

    asyncio.run(run())


def test_half_a_handover_survives_a_restart_and_expires(tmp_path: Path) -> None:
    """The first card is not forgotten by a restart; without a second it goes up."""

    async def run() -> None:
        with device(tmp_path) as there:
            readers = reader(tmp_path, HANDOVER + "handover_minutes = 5\n")
            async with site(tmp_path, readers=readers) as at:
                await opened(at)
                press(there, 1)
                await at.until(lambda: at.desk._memory and at.desk._memory.waiting)
            later = AT_EIGHT + timedelta(minutes=4)
            async with site(tmp_path, readers=readers, at=later) as at:
                await opened(at)
                press(there, 2)
                (entry,) = await at.until_sent("entry", 1)
                assert entry["row"]["outgoing_signed_at"] == "2026-11-02T20:01:00"
                press(there, 3)
                await at.until(lambda: at.reader()["presented"] == 2)
            later += timedelta(minutes=6)
            async with site(tmp_path, readers=readers, at=later) as at:
                (event,) = await at.until_sent("event", 1)
                assert event["kind"] == "handover_half"
                assert event["detail"]["person"] == "p03"
                assert event["reason"] == "nobody else within 5 minutes"

    asyncio.run(run())


def test_halves_of_a_reader_that_is_no_more(tmp_path: Path) -> None:
    """Who waited at a reader that the settings lost is told to the centre."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                press(there, 1)
                await at.until(lambda: at.desk._memory and at.desk._memory.waiting)
            async with site(tmp_path) as at:
                (event,) = await at.until_sent("event", 1)
                assert event["reason"] == "the reader is gone"

    asyncio.run(run())


def test_what_fits_neither_way_is_refused(tmp_path: Path) -> None:
    """Two who both go by the roster are told so; no row is made, an event goes up."""
    both = ROSTER.replace("noc-night", "noc-day")

    async def run() -> None:
        with device(tmp_path) as there:
            readers = reader(tmp_path, HANDOVER + LINES)
            async with site(tmp_path, readers=readers, book=both) as at:
                await opened(at)
                press(there, 1, 2)
                (event,) = await at.until_sent("event", 1)
                assert event["kind"] == "handover_refused"
                assert event["reason"] == "same_side"
                await at.until(lambda: "与排班不符" in shown(there))
                assert await at.entries("entry") == []

    asyncio.run(run())


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


def test_a_team_hands_over_in_any_order(tmp_path: Path) -> None:
    """At a post of two, two may go before the two who come: two handovers."""
    book = ROSTER.replace("noc-night", "noc-day")
    book += ROSTER.replace("p01", "p03").replace("p02", "p04").replace("day", "night")
    book = book.replace("noc-night-night", "noc-night")

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                text_ = (tmp_path / "book.toml").read_text("utf-8")
                head = text_.partition("[[roster]]")[0]
                head = head.replace('kind = "24x7"', 'kind = "24x7"\nheadcount = 2')
                (tmp_path / "book.toml").write_text(head + book, "utf-8")
                await at.reload()
                await opened(at)
                press(there, 1, 2, 3, 4)
                rows = [one["row"] for one in await at.until_sent("entry", 2)]
                pairs = [(row["outgoing"], row["incoming"]) for row in rows]
                assert pairs == [("p01", "p03"), ("p02", "p04")]
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


def test_status_health_and_reload(tmp_path: Path) -> None:
    """A reader is offline in status and health until it comes; reload replaces it."""

    async def run() -> None:
        async with site(tmp_path, readers=reader(tmp_path)) as at:
            await at.until(lambda: at.reader()["error"])
            status: dict[str, Any] = dict.fromkeys(
                ("terminals", "certificates", "reconcile"), ()
            )
            status |= {"daemon": True, "uplink": None}
            status |= {"outbox": {"oldest_age_seconds": None}}
            found = risks(status | at.desk.summary(), AlarmSettings(), AT_EIGHT)
            assert [risk.key for risk in found] == ["reader_offline:desk"]
            assert found[0].id is RiskId.READER_OFFLINE
            assert "is not there" in found[0].words
            assert await at.reload() == []
            at.write(readers=reader(tmp_path, ROLL))
            with device(tmp_path):
                assert await at.reload() == ["desk"]
                await opened(at)
                assert at.reader()["use"] == "roll"
                assert not risks(status | at.desk.summary(), AlarmSettings(), AT_EIGHT)
                at.write()
                assert await at.reload() == ["desk"]
                assert at.desk.summary()["readers"] == []

    asyncio.run(run())


def test_noise_is_logged_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Binary noise is named in log and status, and the next card is read."""
    caplog.set_level(logging.INFO)

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                there.send(b"\xff\x00\x80" * 50)
                press(there, 1, 2)
                await at.until_sent("entry", 1)
                assert at.reader()["flaws"] == {"noise": 1}

    asyncio.run(run())
    events = [record.msg for record in caplog.records]
    assert {"reader up", "reader noise", "desk card", "desk entry"} <= set(events)


def test_cards_read_before_a_reload_are_attended_to(tmp_path: Path) -> None:
    """Taking a reader out of the settings loses no card that it has read."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                running = at.desk._running["desk"]
                async with at.desk._turn:  # the desk is busy while the cards come
                    press(there, 1, 2)
                    await at.until(lambda: running.reader.tally.presented == 2)
                    stopping = asyncio.create_task(at.desk._stop("desk"))
                    await asyncio.sleep(0)
                await stopping
                assert len(await at.until_sent("entry", 1)) == 1

    asyncio.run(run())


def test_thousands_of_unknown_cards_at_once(tmp_path: Path) -> None:
    """A thousand different cards in one burst are a thousand events, in order."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                for start in range(1000, 2000, 100):
                    press(there, *range(start, start + 100))
                    await at.until_sent("event", start - 900)
                badges = [one["detail"]["badge"] for one in await at.entries("event")]
                assert badges == [f"{n:010d}" for n in range(1000, 2000)]

    asyncio.run(run())


def test_the_clock_is_the_sites(tmp_path: Path) -> None:
    """Rows have local time of the site, whatever zone the machine's clock speaks."""
    utc = datetime(2026, 11, 2, 0, 2, tzinfo=UTC)  # 08:02 in Shanghai

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path), at=utc) as at:
                await opened(at)
                press(there, 1, 2)
                (entry,) = await at.until_sent("entry", 1)
                assert entry["row"]["at"] == "2026-11-02T08:02:00"

    asyncio.run(run())
    shutil.rmtree(tmp_path / "data")
