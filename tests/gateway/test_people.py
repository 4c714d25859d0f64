"""People of the book on terminals: planned, applied, taken back."""

import asyncio
import json
import stat
import time
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Address, TerminalUser
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command
from gateway.control import LeaseLostError
from gateway.core.book import Book, read_book
from gateway.people_apply import Place, UndoFile, apply, read_list, read_steps
from gateway.people_apply import undo_steps as take_back
from gateway.people_plan import Kind, Notice, Plan, PlanError, compare, load, save
from tests.gateway.commands import run

DAY = date(2026, 11, 2)
SERIAL = "VT00000001"
CHINESE = "王小明李大中张文山林子安王小明李大中张文山林子安"
HEAD = f"""
version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "{SERIAL}"
"""


def person(number: int, name: str, more: str = "") -> str:
    """Return a person and the badge of the same number."""
    return f"""
[[people]]
id = "p{number}"
name = "{name}"
{more}
[[enrolments]]
person = "p{number}"
badge = "{number}"
"""


BOOK = (
    HEAD
    + person(1, "甲一")
    + person(2, "甲二改")
    + person(3, CHINESE)
    + person(4, "甲四", "to = 2026-10-31")
    + person(6, "甲六", "from = 2026-12-01")
)
USERS = (
    TerminalUser(1, "1", "甲一", 14, 77),
    TerminalUser(2, "2", "甲二", 0, 77),
    TerminalUser(4, "4", "甲四", 0, 0),
    TerminalUser(5, "5", "谁", 0, 0),
    TerminalUser(6, "6", "甲六", 0, 0),
)


def book(text: str = BOOK) -> Book:
    """Read a book without problems."""
    found, problems = read_book(text, "book.toml")
    assert found is not None, [str(problem) for problem in problems]
    return found


def with_terminal(
    work: Callable[[VirtualTerminal, dict[str, Place]], Coroutine[Any, Any, None]],
    **changes: Any,
) -> None:
    """Run `work` beside a virtual terminal in the lobby."""
    made = replace(
        VirtualConfig(users=USERS, fingers={4: 2}, reboot_seconds=0.05), **changes
    )

    async def both() -> None:
        async with VirtualTerminal(made) as terminal:
            address = Address("127.0.0.1", terminal.port, timeout_seconds=10)
            place = Place("lobby", SERIAL, address, nullcontext)
            await work(terminal, {"lobby": place})
            assert terminal.template_requests == terminal.refused == []

    asyncio.run(both())


async def planned(places: dict[str, Place], of: Book | None = None) -> Plan:
    """Plan for the only terminal."""
    listed = await read_list(places["lobby"])
    return Plan(str(DAY), (compare(of or book(), listed, DAY),)).named()


def test_a_plan_names_everything() -> None:
    """Additions, renames, leavers, unknown users, a shared card; the future waits."""

    async def work(_: VirtualTerminal, places: dict[str, Place]) -> None:
        (one,) = (await planned(places)).terminals
        found = [(c.kind, c.slot, c.badge, c.person, c.name) for c in one.changes]
        assert found == [
            (Kind.RENAME, 2, "2", "p2", "甲二改"),
            (Kind.ADD, 7, "3", "p3", CHINESE[:11]),
            (Kind.DELETE, 4, "4", "p4", ""),
        ]
        assert [(r.notice, r.badges) for r in one.remarks] == [
            (Notice.UNKNOWN, ("5",)),
            (Notice.SHARED_CARD, ("1", "2")),
        ]

    with_terminal(work)


@pytest.mark.parametrize("layout", ["40", "16"])
@pytest.mark.parametrize("delete", [False, True])
def test_applied_and_undone_is_byte_identical(
    tmp_path: Path, layout: str, *, delete: bool
) -> None:
    """Apply does what was shown, undo leaves the users as they were to the byte."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        before = terminal.user_bytes
        plan = await planned(places)
        undo = UndoFile.beside(tmp_path, plan)
        done = await apply(plan, places, undo, delete_leavers=delete)
        assert done == (3 if delete else 2)
        cut = CHINESE[:11] if layout == "40" else CHINESE[:4]
        names = {user.badge: user.name for user in terminal.users}
        assert names["2"] == "甲二改"
        assert names["3"] == cut
        assert ("4" in names, terminal.fingers) == (not delete, 0 if delete else 2)
        assert stat.S_IMODE(undo.path.stat().st_mode) == 0o600
        (again,) = (await planned(places)).terminals
        kinds = [change.kind for change in again.changes]
        assert kinds == ([] if delete else [Kind.DELETE])
        steps = read_steps(undo.path)
        assert await take_back(steps, places, delete_enrolled=False) == done
        assert terminal.user_bytes == before
        assert await take_back(steps, places, delete_enrolled=False) == 0

    with_terminal(work, layout=layout)


def test_names_of_24_chinese_characters(tmp_path: Path) -> None:
    """A long name is cut between two characters, shown so, and written so."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        plan = await planned(places)
        shown = [c.name for c in plan.terminals[0].changes if c.badge == "3"]
        assert len(CHINESE) == 24
        assert shown == [CHINESE[:11]]
        undo = UndoFile.beside(tmp_path, plan)
        await apply(plan, places, undo, delete_leavers=False)
        assert shown == [u.name for u in terminal.users if u.badge == "3"]

    with_terminal(work)


def test_users_that_changed_are_refused(tmp_path: Path) -> None:
    """Between plan and apply somebody was added: nothing is written at all."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        plan = await planned(places)
        terminal._device.memory.users.delete(5)
        before = terminal.user_bytes
        undo = UndoFile.beside(tmp_path, plan)
        with pytest.raises(PlanError, match="changed since the plan was made"):
            await apply(plan, places, undo, delete_leavers=True)
        assert terminal.user_bytes == before
        assert terminal.asked(Command.WRITE_USER) == undo.steps == 0

    with_terminal(work)


def test_another_terminal_at_the_address(tmp_path: Path) -> None:
    """A terminal with another serial is neither read nor written."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        plan = await planned(places)
        other = {"lobby": replace(places["lobby"], serial="OTHER")}
        for now in (other, {}):
            undo = UndoFile.beside(tmp_path, plan)
            with pytest.raises(PlanError, match="lobby"):
                await apply(plan, now, undo, delete_leavers=True)
        with pytest.raises(PlanError, match="serial VT00000001 answers"):
            await read_list(other["lobby"])
        assert terminal.asked(Command.WRITE_USER) == 0

    with_terminal(work)


def test_a_full_terminal(tmp_path: Path) -> None:
    """The 3,001st user is named in the plan and not tried."""
    users = [TerminalUser(n, str(n), f"n{n}", 0, 0) for n in range(1, 3001)]
    text = HEAD + "".join(person(n, f"n{n}") for n in range(1, 3002))

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        started = time.perf_counter()
        plan = await planned(places, book(text))
        print("plan for 3,000 users:", round(time.perf_counter() - started, 2), "s")
        (one,) = plan.terminals
        assert one.changes == ()
        assert [(r.notice, r.badges) for r in one.remarks] == [(Notice.FULL, ("3001",))]
        undo = UndoFile.beside(tmp_path, plan)
        assert await apply(plan, places, undo, delete_leavers=False) == 0
        assert len(terminal.users) == 3000

    with_terminal(work, users=users, user_capacity=3000)


def test_a_terminal_that_drops_out(tmp_path: Path) -> None:
    """What was done stands in the undo file, and undo takes exactly that back."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        before = terminal.user_bytes
        plan = await planned(places)

        class Falling(UndoFile):
            """Pulls the plug before the second step."""

            def add(self, step: Any) -> None:
                super().add(step)
                if self.steps == 2:
                    terminal._unplug()

        undo = Falling(UndoFile.beside(tmp_path, plan).path)
        with pytest.raises(PlanError, match="lobby: "):
            await apply(plan, places, undo, delete_leavers=True)
        assert len(read_steps(undo.path)) == 2
        assert terminal.user_bytes != before
        await terminal.reboot()
        steps = read_steps(undo.path)
        assert await take_back(steps, places, delete_enrolled=False) == 1
        assert terminal.user_bytes == before

    with_terminal(work)


def test_undo_spares_what_came_since(tmp_path: Path) -> None:
    """A user changed since is refused; fingers enrolled since need a word more."""

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        before = terminal.user_bytes
        plan = await planned(places)
        undo = UndoFile.beside(tmp_path, plan)
        await apply(plan, places, undo, delete_leavers=False)
        steps = read_steps(undo.path)
        stranger = [replace(steps[0], before=steps[1].after, after=None)]
        with pytest.raises(PlanError, match="changed since the plan was applied"):
            await take_back(stranger, places, delete_enrolled=False)
        terminal.enrol(7)
        with pytest.raises(PlanError, match="--delete-enrolled"):
            await take_back(steps, places, delete_enrolled=False)
        assert terminal.fingers == 3
        assert await take_back(steps, places, delete_enrolled=True) == 2
        assert (terminal.user_bytes, terminal.fingers) == (before, 2)

    with_terminal(work)


def test_badges_that_do_not_fit_and_a_terminal_without_users() -> None:
    """28-byte records hold numbers only; without a user the form is not known."""
    text = HEAD + person(1, "甲一").replace('badge = "1"', 'badge = "A-1"')

    async def work(_: VirtualTerminal, places: dict[str, Place]) -> None:
        (one,) = (await planned(places, book(text))).terminals
        assert one.changes == ()
        assert one.remarks[0].notice is Notice.UNFIT

    with_terminal(work, layout="16")

    async def empty(_: VirtualTerminal, places: dict[str, Place]) -> None:
        (one,) = (await planned(places)).terminals
        assert (one.changes, one.remarks[0].notice) == ((), Notice.NO_USERS)

    with_terminal(empty, users=())


def test_a_plan_is_kept_and_cannot_be_altered(tmp_path: Path) -> None:
    """By id or path it is what was shown; altered, absent or no plan it is refused."""

    async def work(_: VirtualTerminal, places: dict[str, Place]) -> None:
        plan = await planned(places)
        path = save(plan, tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load(plan.id, tmp_path) == load(str(path), tmp_path) == plan
        path.write_text(path.read_text("utf-8").replace("甲二改", "别人"), "utf-8")
        with pytest.raises(PlanError, match="altered"):
            load(plan.id, tmp_path)
        path.write_text("{}", "utf-8")
        with pytest.raises(PlanError, match="is no plan"):
            load(plan.id, tmp_path)
        with pytest.raises(PlanError, match="No such file"):
            load("nothing", tmp_path)
        bad = tmp_path / "undo.jsonl"
        bad.write_text("{}\n", "utf-8")
        with pytest.raises(PlanError, match="is no undo file"):
            read_steps(bad)

    with_terminal(work)


def test_the_command(tmp_path: Path) -> None:
    """Plan, apply, undo from the command line, with the words that matter."""
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")

    async def work(terminal: VirtualTerminal, _: dict[str, Place]) -> None:
        file = tmp_path / "gateway.toml"
        file.write_text(
            f"""
[gateway]
id = "gw"
site = "hq"
data_dir = "{tmp_path / "data"}"
book = "book.toml"
[mqtt]
host = "127.0.0.1"
[[terminals]]
id = "lobby"
host = "127.0.0.1"
port = {terminal.port}
""",
            "utf-8",
        )
        before = terminal.user_bytes

        def asked(*words: str) -> Any:
            return run("people", *words, "-c", file, PUNCHGATE_STORY=story)

        story = f"2026-11-02T08:20:00+08:00@1@{time.time()!r}"
        made = await asyncio.to_thread(asked, "plan", "--json")
        assert made.returncode == 0, made.stderr
        plan = json.loads(made.stdout)
        shown = await asyncio.to_thread(asked, "plan", "--terminal", "lobby")
        assert "cannot be undone" in shown.stdout
        assert plan["id"] in shown.stdout
        done = await asyncio.to_thread(asked, "apply", plan["id"], "--delete-leavers")
        assert done.returncode == 0, done.stderr
        assert "cannot be undone" in done.stderr
        assert "3 users changed" in done.stdout
        refused = await asyncio.to_thread(asked, "apply", plan["id"])
        assert (refused.returncode, "changed since" in refused.stderr) == (1, True)
        undo = done.stdout.split()[-1]
        back = await asyncio.to_thread(asked, "undo", undo)
        assert back.returncode == 0, back.stderr
        assert terminal.user_bytes == before
        for words in (("apply", "x"), ("undo", "x"), ("plan", "--terminal", "x")):
            wrong = await asyncio.to_thread(asked, *words)
            assert (wrong.returncode, wrong.stdout) == (2, "")

    with_terminal(work)


def test_an_apply_says_that_it_goes_on(tmp_path: Path) -> None:
    """Before every user the lender hears of it; without the terminal nothing goes on.

    Three thousand users take longer than a terminal is lent for.
    """

    async def work(terminal: VirtualTerminal, places: dict[str, Place]) -> None:
        before = terminal.user_bytes
        renewed: list[int] = []

        def renew() -> None:
            renewed.append(terminal.asked(Command.WRITE_USER))
            if len(renewed) == 2:
                raise LeaseLostError("the daemon took it back")

        there = replace(places["lobby"], held=lambda: nullcontext(renew))
        plan = await planned(places)
        undo = UndoFile.beside(tmp_path, plan)
        with pytest.raises(PlanError, match="took it back"):
            await apply(plan, {"lobby": there}, undo, delete_leavers=False)
        assert renewed == [0, 1]
        assert (undo.steps, terminal.asked(Command.WRITE_USER)) == (1, 1)
        steps = read_steps(undo.path)
        assert await take_back(steps, {"lobby": there}, delete_enrolled=False) == 1
        assert renewed == [0, 1, 1]
        assert terminal.user_bytes == before

    with_terminal(work)
