"""What a virtual terminal is made of, and the reading of its user list."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.attlog import AttlogLine
from drivers.base import TerminalUser
from drivers.virtual.errors import VirtualError
from drivers.virtual.faults import Faults

if TYPE_CHECKING:
    import _csv

_HEADER = ["uid", "user_id", "name"]
_LAST_SLOT = 0xFFFF


def host_clock() -> datetime:
    """Local time of this host, the clock a terminal has when nobody gives it one."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class VirtualConfig:
    """One terminal. Everything has a default, so that a test names what it is about.

    `clock` gives the local time the device would show; its zone does not matter.
    `inline_bytes` bounds the data sets that come in one packet without a buffer,
    `chunk_bytes` the data of one frame of a window (0: the whole window). `options`
    adds to the name plate or changes it; an option that is None is not known.
    """

    host: str = "127.0.0.1"
    port: int = 0
    serial: str = "VT00000001"
    users: Sequence[TerminalUser] = ()
    log: Sequence[AttlogLine] = ()
    layout: str = "40"
    comm_key: int = 0
    encoding: str = "gb18030"
    clock: Callable[[], datetime] = host_clock
    clock_offset_seconds: int = 0
    capacity: int = 100_000
    user_capacity: int = 10_000
    name: str = "Virtual terminal"
    firmware: str = "Ver 6.60 virtual"
    platform: str = "VIRTUAL_TFT"
    options: Mapping[str, str | None] = field(default_factory=dict)
    inline_bytes: int = 1024
    chunk_bytes: int = 0
    frame_gap_ms: int = 0
    reboot_seconds: float = 1.0
    faults: Faults = field(default_factory=Faults)


def read_users(path: Path) -> tuple[TerminalUser, ...]:
    """Users of a `uid,user_id,name` file, UTF-8 with or without a byte order mark.

    Raises:
        VirtualError: unreadable, another header, or a line that is no user; the file
            and the line are named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            return tuple(_users(path, rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise VirtualError(f"{path}: {error}") from error


def _users(path: Path, rows: "_csv.Reader") -> list[TerminalUser]:
    users: dict[int, TerminalUser] = {}
    badges: set[str] = set()
    header = next(rows, [])
    if header != _HEADER:
        raise VirtualError(
            f"{path} line 1: the header must be {','.join(_HEADER)}, "
            f"not {','.join(header)}"
        )
    for row in rows:
        if not row:
            continue
        where = f"{path} line {rows.line_num}"
        if len(row) != len(_HEADER):
            raise VirtualError(f"{where}: {len(row)} columns instead of {len(_HEADER)}")
        uid, badge, name = row
        if not (uid.isascii() and uid.isdigit() and 1 <= int(uid) <= _LAST_SLOT):
            raise VirtualError(f"{where}: no uid of 1 to {_LAST_SLOT}: {uid!r}")
        badge = badge.strip()
        if not badge or not badge.isprintable():
            raise VirtualError(f"{where}: no user_id: {badge!r}")
        if badge in badges or int(uid) in users:
            raise VirtualError(f"{where}: this uid or user_id came before")
        badges.add(badge)
        users[int(uid)] = TerminalUser(int(uid), badge, name.strip(), 0, 0)
    return list(users.values())
