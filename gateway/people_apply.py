"""Carries a plan of users out on terminals, and takes it back.

Every step stands in the undo file, on the disk, before the terminal hears of it: what
a terminal that drops out had done is known afterwards. No step touches a template,
except that a terminal drops those of a user it deletes.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from drivers.base import Address, TerminalError
from drivers.zk.terminal import ZkTerminal
from drivers.zk.users import USER_LAYOUTS, UserLayout, UserRecord, cut_name
from gateway.control import LeaseLostError
from gateway.people_plan import (
    FOLDER,
    Change,
    Kind,
    Listed,
    Plan,
    PlanError,
    TerminalPlan,
    list_digest,
    new_user,
)

_SHOWN = 5
Renew = Callable[[], None]
"""Says to whoever lends a terminal that it is still needed."""


@dataclass(frozen=True, slots=True)
class Place:
    """A terminal of the configuration, and how to have it for oneself.

    What `held` gives, if anything, is called as work goes on.
    """

    terminal: str
    serial: str
    address: Address
    held: Callable[[], AbstractContextManager[Renew | None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One record before and after, in hex; None where there was or will be none.

    `templates` is how many the terminal counted when the step was taken.
    """

    terminal: str
    layout: str
    slot: int
    before: str | None
    after: str | None
    templates: int


class UndoFile:
    """Steps, one a line, each on the disk before it is taken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps = 0

    @classmethod
    def beside(cls, data_dir: Path, plan: Plan) -> "UndoFile":
        """Return the next free undo file of a plan."""
        folder = data_dir / FOLDER
        number = 1
        while (path := folder / f"{plan.id}.undo-{number}.jsonl").exists():
            number += 1
        return cls(path)

    def add(self, step: Step) -> None:
        """Write a step down.

        Raises:
            PlanError: it cannot be written, so it must not be taken.
        """
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Records hold passwords: for the owner's eyes only.
            with os.fdopen(os.open(self.path, mode, 0o600), "ab") as file:
                file.write(msgspec.json.encode(step) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PlanError(f"{self.path}: {error.strerror}") from None
        self.steps += 1


def read_steps(path: Path) -> list[Step]:
    """Read an undo file.

    Raises:
        PlanError: not there, or something in it is no step.
    """
    try:
        lines = path.read_bytes().splitlines()
        steps = [msgspec.json.decode(line, type=Step) for line in lines if line]
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} is no undo file: {error}") from None
    for step in steps:
        if step.layout not in USER_LAYOUTS:
            raise PlanError(f"{path}: no user records of {step.layout} bytes")
    return steps


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[tuple[ZkTerminal, Renew]]:
    """Have a session with the very terminal that the book means.

    The second value is to be called now and then, where much is to be done.

    Raises:
        PlanError: another terminal answers at this address, or it dropped out; whatever
            it said or did not say is in the words. Or the daemon wanted it back.
    """
    terminal = ZkTerminal(place.address)
    with place.held() as renew:
        try:
            serial = await terminal.open()
            if serial != place.serial:
                raise PlanError(
                    f"{place.terminal}: serial {serial} answers, the book says"
                    f" {place.serial}"
                )
            yield terminal, renew or _unlent
        except (TerminalError, LeaseLostError) as error:
            raise PlanError(f"{place.terminal}: {error}") from error
        finally:
            await terminal.close()


def _unlent() -> None:
    """Nobody lent the terminal, so nobody wants it back."""


async def read_list(place: Place) -> Listed:
    """Read a terminal's users for a comparison."""
    async with opened(place) as (terminal, _):
        sizes = await terminal.sizes()
        users = await terminal.user_list()
    # Some terminals state no capacity; then they refuse by themselves.
    capacity = sizes.user_capacity or len(users.records) + 0xFFFF
    return Listed(place.terminal, place.serial, place.address.encoding, capacity, users)


async def apply(
    plan: Plan, places: Mapping[str, Place], undo: UndoFile, *, delete_leavers: bool
) -> int:
    """Do what a plan says, and nothing else; return how many users were changed.

    Every terminal is compared with the plan before the first one is changed.

    Raises:
        PlanError: something is not as it was when the plan was made, was read back
            otherwise than written, or a terminal dropped out: the undo file says how
            far it came.
    """
    work = {
        one.terminal: replace(
            one,
            changes=tuple(
                change
                for change in one.changes
                if delete_leavers or change.kind is not Kind.DELETE
            ),
        )
        for one in plan.terminals
    }
    wanted = [one for one in work.values() if one.changes]
    for one in wanted:
        place = _place(places, one.terminal)
        if place.serial != one.serial:
            raise PlanError(f"{one.terminal} is another terminal than in the plan")
        _unchanged(await read_list(place), one)
    for one in wanted:
        await _apply_one(one, places[one.terminal], undo)
    return undo.steps


async def _apply_one(planned: TerminalPlan, place: Place, undo: UndoFile) -> None:
    async with opened(place) as (terminal, renew):
        users = await terminal.user_list()
        if users.layout is None or list_digest(users) != planned.digest:
            raise _changed(planned.terminal)
        layout, encoding = users.layout, place.address.encoding
        records = {one.slot: one for one in users.records}
        sizes = await terminal.sizes()
        for change in planned.changes:
            before = records.get(change.slot)
            after = _after(layout, change, before, encoding)
            step = Step(
                planned.terminal,
                layout.name,
                change.slot,
                _hex(layout, before),
                _hex(layout, after),
                sizes.fingers + sizes.faces,
            )
            renew()
            undo.add(step)
            await _write(terminal, layout, records, change.slot, after)
        await _read_back(terminal, place, records)


def _after(
    layout: UserLayout, change: Change, before: UserRecord | None, encoding: str
) -> UserRecord | None:
    """Return a record as the plan wants it: only the name of a user is changed."""
    if change.kind is Kind.DELETE:
        return None
    try:
        if before is None:
            return new_user(layout, change, encoding)
        return replace(before, name=cut_name(change.name, layout, encoding))
    except ValueError as error:
        raise PlanError(f"badge {change.badge}: {error}") from None


async def _write(
    terminal: ZkTerminal,
    layout: UserLayout,
    records: dict[int, UserRecord],
    slot: int,
    after: UserRecord | None,
) -> None:
    """Write or delete a user, and keep in mind what must be read back."""
    if after is None:
        await terminal.delete_user(slot)
        records.pop(slot, None)
    else:
        await terminal.write_user(layout, after)
        records[slot] = after


async def _read_back(
    terminal: ZkTerminal, place: Place, expected: Mapping[int, UserRecord]
) -> None:
    await terminal.refresh()
    found = {one.slot: one for one in (await terminal.user_list()).records}
    slots = expected.keys() | found.keys()
    wrong = sorted(s for s in slots if expected.get(s) != found.get(s))
    if wrong:
        raise PlanError(
            f"{place.terminal}: {len(wrong)} users were read back otherwise than"
            f" written: slots {_some(wrong)}"
        )


async def undo_steps(
    steps: Iterable[Step], places: Mapping[str, Place], *, delete_enrolled: bool
) -> int:
    """Take steps back, the last one first; return how many users were changed.

    A step whose record stands as before was never taken, or is taken back already.

    Raises:
        PlanError: a user was changed since, or would lose fingers enrolled since; or a
            terminal dropped out: undo again when it is back.
    """
    of_terminal: dict[str, list[Step]] = {}
    for step in steps:
        of_terminal.setdefault(step.terminal, []).insert(0, step)
    done = 0
    for name, taken in of_terminal.items():
        place = _place(places, name)
        done += await _undo_one(taken, place, delete_enrolled=delete_enrolled)
    return done


async def _undo_one(steps: list[Step], place: Place, *, delete_enrolled: bool) -> int:
    async with opened(place) as (terminal, renew):
        users = await terminal.user_list()
        layout = USER_LAYOUTS[steps[0].layout]
        if users.layout not in {None, layout}:
            raise _changed(place.terminal)
        records = {one.slot: one for one in users.records}
        now = {slot: one.to_bytes(layout).hex() for slot, one in records.items()}
        strange = [s.slot for s in steps if now.get(s.slot) not in {s.before, s.after}]
        if strange:
            raise PlanError(
                f"{place.terminal}: changed since the plan was applied: slots"
                f" {_some(strange)}; nothing was taken back on it"
            )
        back = [step for step in steps if now.get(step.slot) != step.before]
        # Added users go first: on a full terminal deleted ones need their room.
        back.sort(key=lambda step: step.before is not None)
        sizes = await terminal.sizes()
        more = sizes.fingers + sizes.faces > steps[0].templates
        if more and not delete_enrolled and any(s.before is None for s in back):
            raise PlanError(
                f"{place.terminal}: fingers or faces were enrolled since, and would be"
                " lost with the users that were added; --delete-enrolled does it"
            )
        for step in back:
            renew()
            before = step.before and UserRecord.from_bytes(
                layout, bytes.fromhex(step.before)
            )
            await _write(terminal, layout, records, step.slot, before or None)
        await _read_back(terminal, place, records)
        return len(back)


def _place(places: Mapping[str, Place], terminal: str) -> Place:
    if terminal not in places:
        raise PlanError(f"no terminal {terminal!r} in the configuration")
    return places[terminal]


def _unchanged(listed: Listed, planned: TerminalPlan) -> None:
    if list_digest(listed.users) != planned.digest:
        raise _changed(planned.terminal)


def _changed(terminal: str) -> PlanError:
    return PlanError(
        f"the users on {terminal} changed since the plan was made; nothing was"
        " written to it; make a new plan"
    )


def _hex(layout: UserLayout, record: UserRecord | None) -> str | None:
    return record.to_bytes(layout).hex() if record else None


def _some(slots: list[int]) -> str:
    shown = ", ".join(map(str, slots[:_SHOWN]))
    return shown + (" …" if len(slots) > _SHOWN else "")
