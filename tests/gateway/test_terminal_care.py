"""Care for a terminal: what is told, and what must not happen."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine
from drivers.base import Address, RawPunch
from drivers.virtual import VirtualConfig, VirtualTerminal, parse_faults
from gateway import clearing
from gateway.handwork import Deed, Deeds, in_pieces, read
from gateway.people_apply import Place
from gateway.store import epochs, outbox
from gateway.store.drain import Reader
from gateway.store.journal import FILE
from gateway.terminal_care import CareError, restart, set_clock, voice
from tests.builders import STAMP, meaning, record
from tests.gateway.commands import run
from tests.gateway.store.journals import do, keep, opened
from tests.gateway.test_scan import settings

SERIAL = "VT00000001"
AT = datetime(2026, 11, 2, 8, 20)  # noqa: DTZ001 - a device's time has no zone
LOG = [AttlogLine("1", f"2026-11-02T07:00:{second:02}") for second in range(5)]


class Told:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []

    async def __call__(self, deed: Deed) -> None:
        """Take a deed."""
        self.deeds.append(deed)


def tended(
    work: Callable[[VirtualTerminal, Place, Told], Coroutine[Any, Any, None]],
    **changes: Any,
) -> None:
    """Run `work` beside a terminal that obeys."""
    made: dict[str, Any] = {"care": True, "log": LOG, "clock": lambda: AT}
    made |= {"reboot_seconds": 0.05}

    async def both() -> None:
        async with VirtualTerminal(VirtualConfig(**(made | changes))) as terminal:
            address = Address("127.0.0.1", terminal.port, timeout_seconds=10)
            await work(terminal, Place("lobby", SERIAL, address, nullcontext), Told())

    asyncio.run(both())


def test_a_clock_before_and_after() -> None:
    """It is told what it showed, what we had, and what it shows now."""

    async def work(_: VirtualTerminal, place: Place, told: Told) -> None:
        shown = await set_clock(place, told, lambda: AT)
        assert shown == ("2026-11-02T08:25:00", "2026-11-02T08:20:00")
        before = "2026-11-02T08:25:00 where 2026-11-02T08:20:00 was"
        assert told.deeds == [
            Deed("clock set begun", before, "not known yet"),
            Deed("clock set done", before, "2026-11-02T08:20:00"),
        ]

    tended(work, clock_offset_seconds=300)


def test_a_restart_that_comes_back() -> None:
    """It is told with how long it took."""

    async def work(terminal: VirtualTerminal, place: Place, told: Told) -> None:
        assert 0 < await restart(place, told, 20) < 20
        assert [deed.what for deed in told.deeds] == ["restart begun", "restart done"]
        assert told.deeds[1].after.startswith("5 records, 0 users, clock ")
        assert len(terminal.operations) == 2  # powered on twice

    tended(work)


def test_a_restart_that_does_not_come_back() -> None:
    """After the time allowed it is an error, told as such."""

    async def work(_: VirtualTerminal, place: Place, told: Told) -> None:
        with pytest.raises(CareError, match="did not come back"):
            await restart(place, told, 1)
        assert [deed.what for deed in told.deeds] == ["restart begun", "restart failed"]
        assert "did not come back" in told.deeds[1].after

    tended(work, reboot_seconds=60)


def test_another_one_comes_back() -> None:
    """Another serial behind the address is no terminal that is back."""

    async def work(_: VirtualTerminal, place: Place, told: Told) -> None:
        with pytest.raises(CareError, match="serial OTHER answers"):
            await restart(place, told, 20)
        assert told.deeds[-1].what == "restart failed"

    tended(work, faults=parse_faults(["serial-change=OTHER"]))


def test_nothing_is_done_to_another_terminal() -> None:
    """An order goes to the serial of the book only, and nothing is told of it."""

    async def work(terminal: VirtualTerminal, place: Place, told: Told) -> None:
        other = replace(place, serial="OTHER")
        for order in (
            restart(other, told, 5),
            set_clock(other, told, lambda: AT),
            voice(other, 1),
        ):
            with pytest.raises(CareError, match="the book says OTHER"):
                await order
        assert (terminal.obeyed, told.deeds) == ([], [])

    tended(work)


def test_one_that_refuses() -> None:
    """A refusal is told, and changes nothing."""

    async def work(terminal: VirtualTerminal, place: Place, told: Told) -> None:
        with pytest.raises(CareError, match="answered 2001"):
            await set_clock(place, told, lambda: AT)
        with pytest.raises(CareError, match="answered 2001"):
            await restart(place, told, 5)
        whats = [deed.what for deed in told.deeds]
        assert whats == [
            "clock set begun",
            "clock set failed",
            "restart begun",
            "restart failed",
        ]
        assert terminal.obeyed == []

    tended(work, care=False)


async def _nothing() -> None:
    """Have nothing against it."""


def test_a_punch_right_before_the_clear(tmp_path: Path) -> None:
    """Between the last reading and the order somebody punches: nothing is cleared."""

    async def work(terminal: VirtualTerminal, place: Place, told: Told) -> None:
        copy = await clearing.read_log(place)
        path = tmp_path / "log.jsonl"
        clearing.export(copy, path)

        async def punch() -> None:
            terminal.punch("1", "2026-11-02T08:00:00")

        with pytest.raises(CareError, match="6 records now, 5 a moment ago"):
            await clearing.clear(place, told, copy, path, punch)
        assert (len(terminal.records), terminal.clears) == (6, 0)
        assert told.deeds[-1].what == "clear failed"
        with pytest.raises(CareError, match="another one than in"):
            await clearing.clear(place, told, copy, path, _nothing)
        copy = await clearing.read_log(place)
        assert await clearing.clear(place, told, copy, path, _nothing) == 6
        assert (terminal.records, terminal.clears) == ([], 1)

    tended(work)


def test_an_edited_log_is_another_one(tmp_path: Path) -> None:
    """As many records, but not the same: nothing is cleared."""

    async def work(terminal: VirtualTerminal, place: Place, told: Told) -> None:
        copy = await clearing.read_log(place)
        with pytest.raises(CareError, match="another one than in"):
            await clearing.clear(place, told, copy, tmp_path / "x", _nothing)
        assert (len(terminal.records), told.deeds) == (5, [])

    tended(work, faults=parse_faults(["edit-log"]))


def test_an_export_never_writes_over_a_file(tmp_path: Path) -> None:
    """A file that is there, or a folder that is none, is an error in words."""
    copy = clearing.LogCopy((), 0)
    path = tmp_path / "new" / "log.jsonl"
    clearing.export(copy, path)
    with pytest.raises(CareError, match="File exists"):
        clearing.export(copy, path)
    with pytest.raises(CareError, match=r"log\.jsonl"):
        clearing.export(copy, path / "log.jsonl")


@pytest.mark.parametrize(
    "change",
    [
        {"deeds": []},
        {"deeds": "many"},
        {"deeds": [1]},
        {"deeds": [{"what": "x"}]},
        {"deeds": [{"what": 1, "before": "", "after": ""}]},
        {"deeds": None},
    ],
)
def test_a_request_that_is_no_deed(change: dict[str, Any]) -> None:
    """The control socket takes deeds, and nothing else for one."""
    deed = Deed("clock set", "a", "b", 3, "7", "f")
    done = Deeds("lobby", "me", (deed,) * 101)
    pieces = in_pieces(done)
    assert [len(one.deeds) for one in pieces] == [100, 1]
    assert read(pieces[1].to_json()) == pieces[1]
    with pytest.raises(ValueError, match=r"deed|slot"):
        read(pieces[1].to_json() | change)
    wrong = pieces[1].to_json()
    for key, value in (("slot", "3"), ("badge", 7)):
        broken = wrong | {"deeds": [wrong["deeds"][0] | {key: value}]}
        with pytest.raises(ValueError, match=r"slot|text"):
            read(broken)


def kept(folder: Path, punches: Sequence[RawPunch], *, with_bytes: bool = True) -> None:
    """Put records of a terminal into a journal, as its driver would."""
    with opened(folder) as store:
        do(store, lambda db: epochs.current(db, STAMP))
        records = [
            record(
                serial=SERIAL,
                badge=one.badge,
                at=one.at,
                raw=one.raw if with_bytes else one.at.encode(),
                position=one.position,
            )
            for one in punches
        ]
        do(store, lambda db: keep(db, records))
        last = do(store, outbox.last_interpreted)
        do(store, lambda db: outbox.interpret(db, last, 1000, meaning(), STAMP))


def acknowledged(folder: Path, upto: int) -> None:
    """Let the centre have acknowledged entries up to one."""
    with opened(folder) as store:
        do(store, lambda db: db.table("epochs").update(1, {"acked_seq": upto}))


@pytest.mark.parametrize("with_bytes", [True, False])
def test_what_is_not_delivered_is_not_cleared(
    tmp_path: Path, *, with_bytes: bool
) -> None:
    """A record the journal lacks, or the centre did not acknowledge, is named."""

    async def work(_: VirtualTerminal, place: Place, told: Told) -> None:
        assert told.deeds == []
        copy = await clearing.read_log(place)

        async def check() -> None:
            reader = Reader(tmp_path / FILE)
            reader.open()
            try:
                await clearing.check_delivered(copy, reader, SERIAL, 0)
            finally:
                reader.close()

        kept(tmp_path, copy.punches[:4], with_bytes=with_bytes)
        with pytest.raises(CareError, match="1 records are not in the journal"):
            await check()
        kept(tmp_path, copy.punches[4:], with_bytes=with_bytes)
        acknowledged(tmp_path, 4)
        with pytest.raises(CareError, match="1 entries are not acknowledged"):
            await check()
        acknowledged(tmp_path, 5)
        await check()

    tended(work)


def test_a_site_whose_centre_says_nothing(tmp_path: Path) -> None:
    """With the broker's word alone, or no journal at all, nothing is cleared."""
    file = settings(tmp_path, 4370)
    before = file.read_text("utf-8")
    done = run("terminal", "clear", "lobby", "-c", file)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    file.write_text(before.replace("[mqtt]", '[mqtt]\nconfirm = "broker"'), "utf-8")
    done = run("terminal", "clear", "lobby", "-c", file)
    assert done.returncode == 1
    assert "no centre says what it has" in done.stderr
