"""The duty desk: cards at a real port become rows, events, answers; none is lost."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.serial_reader.frames import em4100_frame
from tests.drivers.serial_devices import device
from tests.gateway.desks import (
    AT_EIGHT,
    HANDOVER,
    LINES,
    ROSTER,
    card,
    opened,
    press,
    reader,
    shown,
    site,
)


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
