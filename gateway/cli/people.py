"""`punchgate people`: the book's people as users on terminals, shown first."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import typer

from drivers.zk.users import USER_LAYOUTS, UserRecord
from gateway import people_plan
from gateway.cli.app import (
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.handing import UntoldError, tell
from gateway.cli.tables import show_table
from gateway.cli.target import Target, held
from gateway.errors import ConfigError
from gateway.handwork import Deed
from gateway.people_apply import (
    Place,
    Step,
    UndoFile,
    apply,
    read_list,
    read_steps,
    undo_steps,
)
from gateway.people_plan import Kind, Plan, PlanError, compare
from gateway.settings import Loaded, load
from gateway.terminals import spec_of

T = TypeVar("T")

people_app = typer.Typer(
    help="People of the book as users on terminals; templates are never touched.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(people_app, name="people")

_COLUMNS = ("terminal", "what", "badge", "person", "name now", "name then")
_LOST = (
    "a terminal drops the fingerprints and faces of a user it deletes; this cannot be"
    " undone: the person must enrol again"
)


@people_app.command()
def plan(
    terminal: Annotated[
        list[str] | None,
        typer.Option("--terminal", metavar="ID", help="Only this one; repeatable."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the book with the users on terminals; nothing is changed."""
    loaded = _loaded(config)
    places = _places(loaded)
    wanted = list(dict.fromkeys(terminal or places))
    if strange := [name for name in wanted if name not in places]:
        fail(f"no terminal {strange[0]!r}; there are: {', '.join(places)}", USAGE)
    day = _today(loaded)

    async def work() -> Plan:
        listed = [await read_list(places[name]) for name in wanted]
        planned = tuple(compare(loaded.book, one, day.date()) for one in listed)
        return Plan(f"{day:%Y-%m-%d}", planned).named()

    made = _run(work())
    try:
        path = people_plan.save(made, loaded.data_dir)
    except PlanError as error:
        fail(str(error))
    if as_json:
        show_json(msgspec.to_builtins(made))
    else:
        _show(made, path)


@people_app.command("apply")
def apply_plan(
    plan_: Annotated[
        str, typer.Argument(metavar="PLAN", show_default=False, help="Id or file.")
    ],
    delete_leavers: Annotated[
        bool, typer.Option("--delete-leavers", help=f"Delete them: {_LOST}.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Do exactly what a plan showed; refused when users changed since."""
    loaded = _loaded(config)
    places = _places(loaded)
    try:
        wanted = people_plan.load(plan_, loaded.data_dir)
    except PlanError as error:
        fail(str(error), USAGE)
    if delete_leavers:
        sys.stderr.write(f"punchgate: {_LOST}\n")
    undo = UndoFile.beside(loaded.data_dir, wanted)
    names = [one.terminal for one in wanted.terminals if one.changes]
    _tell_all(loaded, names, Deed("users begun", "", f"plan {wanted.id}"))
    try:
        done = _run(apply(wanted, places, undo, delete_leavers=delete_leavers))
    except typer.Exit:
        _tell_steps(loaded, undo.path if undo.steps else None, _applied)
        if undo.steps:
            sys.stderr.write(
                f"punchgate: {undo.steps} users were changed or begun; take them back"
                f" with: punchgate people undo {undo.path}\n"
            )
        raise
    _tell_steps(loaded, undo.path if undo.steps else None, _applied)
    left = 0 if delete_leavers else _count(wanted, Kind.DELETE)
    say(f"{done} users changed and read back")
    if left:
        say(f"{left} leavers left as they are (--delete-leavers)")
    if done:
        say(f"take it back with: punchgate people undo {undo.path}")


@people_app.command()
def undo(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    delete_enrolled: Annotated[
        bool,
        typer.Option(
            "--delete-enrolled",
            help="Also users with fingers enrolled since, and those fingers.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Put users back as they were before a plan; lost templates do not come back."""
    loaded = _loaded(config)
    try:
        steps = read_steps(file)
    except PlanError as error:
        fail(str(error), USAGE)
    places = _places(loaded)
    names = list(dict.fromkeys(step.terminal for step in steps))
    _tell_all(loaded, names, Deed("users begun", "", "taken back", file=file.name))
    done = _run(undo_steps(steps, places, delete_enrolled=delete_enrolled))
    _tell_steps(loaded, file, _taken_back)
    say(f"{done} users put back and read back")


def _applied(step: Step, file: Path) -> Deed:
    """Return a step as a deed; names stay in the undo file."""
    before, after = _standing(step.before), _standing(step.after)
    if step.before and step.after:
        after = "another name"
    return Deed("user written", before, after, step.slot, _badge(step), file.name)


def _taken_back(step: Step, file: Path) -> Deed:
    """Return a step that was taken back as a deed."""
    after = "as before" if step.before else _standing(None)
    before = _standing(step.after)
    return Deed("user put back", before, after, step.slot, _badge(step), file.name)


def _badge(step: Step) -> str:
    """Return whose record it is; digits are the same in every encoding."""
    record = bytes.fromhex(step.after or step.before or "")
    read = UserRecord.from_bytes(USER_LAYOUTS[step.layout], record)
    return read.user("gb18030").badge


def _standing(record: str | None) -> str:
    return "there" if record else "not there"


def _tell_all(loaded: Loaded, terminals: Iterable[str], deed: Deed) -> None:
    """Write one deed down for every terminal before it is done, or end."""
    for name in terminals:
        _tell(loaded, name, [deed])


def _tell_steps(
    loaded: Loaded, file: Path | None, deed: Callable[[Step, Path], Deed]
) -> None:
    """Write down every step of an undo file."""
    if file is None:
        return
    by_terminal: dict[str, list[Deed]] = {}
    for step in read_steps(file):
        by_terminal.setdefault(step.terminal, []).append(deed(step, file))
    for name, deeds in by_terminal.items():
        _tell(loaded, name, deeds)


def _tell(loaded: Loaded, terminal: str, deeds: Sequence[Deed]) -> None:
    try:
        asyncio.run(tell(loaded, terminal, deeds))
    except UntoldError as error:
        fail(str(error))


def _loaded(config: Path | None) -> Loaded:
    try:
        loaded = load(config_path(config))
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)
    if loaded.follows_centre:
        fail("the book of the centre has no names: people need a book here", USAGE)
    return loaded


def _places(loaded: Loaded) -> dict[str, Place]:
    """Return the terminals of the configuration."""
    found = {}
    for one in loaded.settings.terminals:
        try:
            address = spec_of(loaded, one).address
        except ConfigError as error:
            fail(str(error), USAGE)
        meant = Target(address, one.id, loaded.data_dir)
        serial = loaded.book_serial(one.id)
        found[one.id] = Place(one.id, serial, address, partial(held, meant))
    return found


def _today(loaded: Loaded) -> datetime:
    return now_of_process()().astimezone(ZoneInfo(loaded.book.site.timezone))


def _run(work: Awaitable[T]) -> T:
    """Run it; what goes wrong ends the command in words."""

    async def run() -> T:
        return await work

    try:
        return asyncio.run(run())
    except PlanError as error:
        fail(str(error))


def _count(made: Plan, kind: Kind) -> int:
    return sum(c.kind is kind for one in made.terminals for c in one.changes)


def _show(made: Plan, path: Path) -> None:
    rows = [
        (one.terminal, c.kind.value, c.badge, c.person, c.was or None, c.name or None)
        for one in made.terminals
        for c in one.changes
    ]
    if rows:
        show_table(_COLUMNS, rows)
    remarks = [
        (one.terminal, r.notice.value, " ".join(r.badges), r.words)
        for one in made.terminals
        for r in one.remarks
    ]
    if remarks:
        show_table(("terminal", "look", "badges", "why"), remarks)
    counts = " · ".join(f"{kind.value} {_count(made, kind)}" for kind in Kind)
    say(f"plan {made.id}: {counts} ({path})")
    if _count(made, Kind.DELETE):
        say(f"leavers are deleted only with --delete-leavers: {_LOST}")
    if rows:
        say(f"do it with: punchgate people apply {made.id}")
