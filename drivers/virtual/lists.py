"""Reading of the files a virtual terminal is made from: users and operations."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from drivers.base import TerminalUser
from drivers.virtual.errors import VirtualError
from drivers.zk.operations import Operation

USERS_HEADER = ("uid", "user_id", "name")
OPERATIONS_HEADER = ("at", "code", "admin", "p1", "p2", "p3", "p4")

_LAST_SLOT = 0xFFFF
_MOST = (0xFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF)


def read_users(path: Path) -> tuple[TerminalUser, ...]:
    """Users of a `uid,user_id,name` file, UTF-8 with or without a byte order mark.

    Raises:
        VirtualError: unreadable, another header, or a line that is no user; the file
            and the line are named.
    """
    users: dict[int, TerminalUser] = {}
    badges: set[str] = set()
    for where, (uid, padded, name) in _rows(path, USERS_HEADER):
        if not (uid.isascii() and uid.isdigit() and 1 <= int(uid) <= _LAST_SLOT):
            raise VirtualError(f"{where}: no uid of 1 to {_LAST_SLOT}: {uid!r}")
        badge = padded.strip()
        if not badge or not badge.isprintable():
            raise VirtualError(f"{where}: no user_id: {badge!r}")
        if badge in badges or int(uid) in users:
            raise VirtualError(f"{where}: this uid or user_id came before")
        badges.add(badge)
        users[int(uid)] = TerminalUser(int(uid), badge, name.strip(), 0, 0)
    return tuple(users.values())


def read_operations(path: Path) -> tuple[Operation, ...]:
    """Operations of an `at,code,admin,p1,p2,p3,p4` file, in its order.

    Raises:
        VirtualError: unreadable, another header, or a line that is no operation.
    """
    return tuple(
        _operation(where, row) for where, row in _rows(path, OPERATIONS_HEADER)
    )


def _operation(where: str, row: Sequence[str]) -> Operation:
    numbers: list[int] = []
    for name, text, most in zip(OPERATIONS_HEADER[1:], row[1:], _MOST, strict=True):
        if not (text.isascii() and text.isdigit() and int(text) <= most):
            raise VirtualError(f"{where}: no {name} of 0 to {most}: {text!r}")
        numbers.append(int(text))
    code, admin, one, two, three, four = numbers
    made = Operation(admin, code, row[0].replace(" ", "T"), (one, two, three, four))
    try:
        made.to_bytes()
    except ValueError as error:
        raise VirtualError(f"{where}: {error}") from error
    return made


def _rows(path: Path, header: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """File and line of every row that is not empty, and its columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            found = next(rows, [])
            if tuple(found) != tuple(header):
                raise VirtualError(
                    f"{path} line 1: the header must be {','.join(header)}, "
                    f"not {','.join(found)}"
                )
            for row in rows:
                where = f"{path} line {rows.line_num}"
                if row and len(row) != len(header):
                    raise VirtualError(
                        f"{where}: {len(row)} columns instead of {len(header)}"
                    )
                if row:
                    yield where, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VirtualError(f"{path}: {error}") from error
