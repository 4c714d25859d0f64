"""Commands: done, or answered in words; nothing from the network stops the daemon."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_utils import Database

from gateway.commands import Commands
from gateway.control import RefusedError
from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.settings import Loaded, load
from gateway.store import epochs
from gateway.store.days import day_count
from gateway.store.retention import prune
from gateway.store.seen import Seen
from sync.commands import Command
from tests.builders import BOOK, NOW, STAMP, book, records
from tests.gateway.store.journals import opened
from tests.sync.test_schema import check

TOML = """
[gateway]
id = "pi-1"
site = "hq"
data_dir = "data"
book = "book.toml"

[mqtt]
host = "127.0.0.1"

[[terminals]]
id = "lobby"
host = "127.0.0.1"
"""
LATER = "2027-01-01T00:00:00+00:00"


class Daemon:
    """What commands may touch, noted."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.resent: list[tuple[str, list[tuple[int, int]]]] = []
        self.read: list[str] = []
        self.clock: datetime | None = NOW
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @property
    def outlet(self) -> "Daemon":
        """Where answers and entries go."""
        return self

    def centre_now(self) -> datetime | None:
        """Return the time by the centre's clock."""
        return self.clock

    def resend(self, epoch: str, spans: Iterable[tuple[int, int]]) -> None:
        """Note what goes out again."""
        self.resent.append((epoch, list(spans)))

    def read_again(self, terminal: str) -> None:
        """Note the terminal, refuse another."""
        if terminal != "lobby":
            raise RefusedError(f"no terminal {terminal!r} here")
        self.read.append(terminal)

    def answer(self, payload: bytes) -> None:
        """Note an answer that is as published."""
        check("reply", payload)
        self.answers.put_nowait(json.loads(payload))


class Here:
    """Commands on a real journal."""

    def __init__(self, folder: Path, intake: Intake) -> None:
        (folder / "gateway.toml").write_text(TOML)
        (folder / "book.toml").write_text(BOOK)
        self.intake = intake
        self.daemon = Daemon(load(folder / "gateway.toml"))
        reconciler = Reconciler(intake, lambda: NOW, str, lambda: None)
        self.commands = Commands(self.daemon, intake, lambda: NOW, reconciler)

    async def ask(self, op: str, **more: Any) -> dict[str, Any]:
        """Give a command; return the answer."""
        values: dict[str, Any] = {
            "v": 1,
            "site": "hq",
            "gateway": "pi-1",
            "id": "c1",
            "op": op,
        }
        values |= {"sent": STAMP, "expires": LATER, **more}
        self.commands.take(json.dumps(values).encode())
        running = asyncio.create_task(self.commands.run())
        async with asyncio.timeout(20):
            answer = await self.daemon.answers.get()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (answer["id"], answer["op"]) == ("c1", op)
        return answer

    async def epoch(self) -> str:
        """Return the name of the stream."""
        return str(await self.intake.ask(lambda db: epochs.current(db, "")["name"]))


def on_journal(folder: Path, test: Callable[[Here], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a journal with ten punches."""

    async def run() -> None:
        with opened(folder / "journal") as journal:
            intake = Intake(journal, lambda: NOW, lambda: None, book())
            await intake.ask(lambda db: epochs.current(db, STAMP))
            await intake.store(records(10), Seen())
            await intake.interpret()
            await test(Here(folder, intake))

    (folder / "journal").mkdir()
    asyncio.run(run())


def test_entries_are_sent_again_as_far_as_they_are_there(tmp_path: Path) -> None:
    """Sent, pruned (its punches under new seqs), never existed: said of each range."""

    async def test(here: Here) -> None:
        name = await here.epoch()

        def confirm(db: Database) -> None:
            epochs.confirm(db, 3, None, "s", 1)
            prune(db, LATER)

        await here.intake.ask(confirm)
        answer = await here.ask("resend", epoch=name, ranges=[[2, 5], [10, 20]])
        assert (answer["result"], answer["epoch"]) == ("done", name)
        told = [(one["first"], one["last"], one["fate"]) for one in answer["ranges"]]
        assert told == [
            (2, 3, "pruned"),
            (4, 5, "sent"),
            (10, 10, "sent"),
            (11, 20, "never_existed"),
        ]
        assert here.daemon.resent == [(name, [(4, 5), (10, 10)])]
        found = await here.intake.ask(lambda db: epochs.current(db, "")["head_seq"])
        assert found == 12

    on_journal(tmp_path, test)


def test_a_stream_of_a_lost_journal_is_gone(tmp_path: Path) -> None:
    """The centre may close what nobody can send any more."""

    async def test(here: Here) -> None:
        answer = await here.ask("resend", epoch="lost", ranges=[[2, 5]])
        assert answer["ranges"] == [{"first": 2, "last": 5, "fate": "pruned"}]
        assert here.daemon.resent == [("lost", [])]

    on_journal(tmp_path, test)


@pytest.mark.parametrize(
    "op, more, result, words",
    [
        ("dance", {}, "unknown", "no operation 'dance'"),
        ("resend", {}, "refused", "epoch and ranges"),
        ("resend", {"epoch": "e", "ranges": [[5, 2]]}, "refused", "ends before"),
        ("resync", {}, "refused", "needs a terminal"),
        ("resync", {"terminal": "moon"}, "refused", "no terminal 'moon'"),
        ("counts", {}, "refused", "need a serial"),
        ("resync", {"expires": "2026-11-01T00:00:00Z"}, "expired", "2026-11-01"),
        ("resync", {"expires": "tomorrow"}, "refused", "no time with an offset"),
        ("resync", {"expires": "2027-01-01T00:00:00"}, "refused", "with an offset"),
    ],
)
def test_what_cannot_be_done_is_answered(
    tmp_path: Path, op: str, more: dict[str, Any], result: str, words: str
) -> None:
    """The centre learns why, and nothing was changed."""

    async def test(here: Here) -> None:
        answer = await here.ask(op, **more)
        assert answer["result"] == result
        assert words in answer["reason"]
        assert (here.daemon.read, here.daemon.resent) == ([], [])

    on_journal(tmp_path, test)


def test_a_gateway_whose_clock_is_wrong_obeys(tmp_path: Path) -> None:
    """Only the centre's own clock says what is over; unheard it says nothing."""

    async def test(here: Here) -> None:
        here.daemon.clock = None
        answer = await here.ask("resync", terminal="lobby", expires=STAMP)
        assert answer["result"] == "done"

    on_journal(tmp_path, test)


def test_a_terminal_is_read_again(tmp_path: Path) -> None:
    """Its whole log, at its next turn."""

    async def test(here: Here) -> None:
        answer = await here.ask("resync", terminal="lobby")
        assert (answer["result"], answer["reason"]) == ("done", None)
        assert here.daemon.read == ["lobby"]

    on_journal(tmp_path, test)


def test_the_centre_s_counts_are_heard(tmp_path: Path) -> None:
    """A day the centre does not know goes up again."""

    async def test(here: Here) -> None:
        nothing = msgspec.to_builtins(day_count("2026-11-02", []))
        answer = await here.ask("counts", serial="VT00000001", days=[nothing])
        assert answer["result"] == "done"
        found = await here.intake.ask(lambda db: epochs.current(db, "")["head_seq"])
        assert found == 10 + 10 + 1

    on_journal(tmp_path, test)


def test_garbage_and_others_commands_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of a network's noise is answered; a flood is dropped in words."""

    async def test(here: Here) -> None:
        for payload in (b"", b"\xff", b"[]", b"{}", b'{"v":2}'):
            here.commands.take(payload)
        other = Command(
            site="hq", gateway="pi-2", id="c", op="x", sent=STAMP, expires=LATER
        )
        here.commands.take(msgspec.json.encode(other))
        ours = msgspec.structs.replace(other, gateway="pi-1")
        for _ in range(101):
            here.commands.take(msgspec.json.encode(ours))
        assert here.daemon.answers.empty()

    on_journal(tmp_path, test)
    said = [record.msg for record in caplog.records if record.msg.startswith("command")]
    assert said == [
        *["command unreadable"] * 5,
        "command misplaced",
        "command dropped",
    ]
