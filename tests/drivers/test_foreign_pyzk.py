"""The library pyzk, as it is, talks to the virtual terminal as to a real one."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from zk import ZK
from zk.exception import ZKErrorResponse

from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command
from tests.drivers.terminals import DEADLINE_SECONDS, config


@contextmanager
def pyzk(port: int, **fields: Any) -> Iterator[Any]:
    """Make a plain pyzk object; the sockets it forgets are closed."""
    zk = ZK(
        "127.0.0.1",
        port,
        timeout=DEADLINE_SECONDS,
        ommit_ping=True,
        **{"encoding": "gb18030", **fields},
    )
    zk._ZK__sock.close()
    try:
        yield zk
    finally:
        zk._ZK__sock.close()


def against(
    made: VirtualConfig, work: Callable[[int], Any], **check: Callable[..., None]
) -> Any:
    """Run blocking library code beside a terminal; `check` sees the terminal after."""

    async def run() -> Any:
        async with VirtualTerminal(made) as terminal:
            result = await asyncio.to_thread(work, terminal.port)
            for look in check.values():
                look(terminal)
            return result

    return asyncio.run(run())


@pytest.mark.parametrize("count", [0, 1, 25, 26, 5000])
@pytest.mark.parametrize("key", [0, 123456])
def test_the_whole_log(count: int, key: int) -> None:
    """Every field pyzk returns is what the terminal holds, with and without a key."""

    def work(port: int) -> list[tuple[str, str, int, int]]:
        with pyzk(port, password=key) as zk:
            zk.connect()
            got = [
                (
                    record.user_id,
                    record.timestamp.isoformat(),
                    record.status,
                    record.punch,
                )
                for record in zk.get_attendance()
            ]
            zk.disconnect()
            return got

    held: list[tuple[str, str, int, int]] = []

    def look(terminal: VirtualTerminal) -> None:
        held.extend((p.badge, p.at, p.verify, p.state) for p in terminal.records)
        assert terminal.template_requests == []
        assert terminal.refused == []
        assert terminal.sessions == 0

    assert against(config(count, comm_key=key), work, look=look) == held
    assert len(held) == count


def test_a_wrong_key() -> None:
    """The pyzk library hears that it is not authorised."""

    def work(port: int) -> None:
        with (
            pyzk(port, password=1) as zk,
            pytest.raises(ZKErrorResponse, match="Unauth"),
        ):
            zk.connect()

    against(config(comm_key=2), work)


def test_users_with_chinese_names() -> None:
    """Names in GB18030, with the encoding said; card, privilege and slot as held."""
    users = [
        TerminalUser(1, "0001", "甲二", 0, 0),
        TerminalUser(60000, "A-7", "欧阳 一", 14, 6547886),
        TerminalUser(3, "123456789012345678901234", "", 0, 0xFFFFFFFF),
    ]

    def work(port: int) -> list[TerminalUser]:
        with pyzk(port) as zk:
            zk.connect()
            got = zk.get_users()
            zk.disconnect()
            return [
                TerminalUser(u.uid, u.user_id, u.name, u.privilege, u.card) for u in got
            ]

    # pyzk gives people without a name one of its own making.
    users[2] = replace(users[2], name="NN-123456789012345678901234")
    held = [*users[:2], replace(users[2], name="")]
    assert against(config(users=held), work) == users


def test_the_name_plate() -> None:
    """Serial, firmware, platform, name, clock, pin width and counts."""
    made = config(26, firmware="Ver 6.60 Apr  1 2020")

    def work(port: int) -> list[Any]:
        with pyzk(port) as zk:
            zk.connect()
            zk.read_sizes()
            got = [
                zk.get_serialnumber(),
                zk.get_firmware_version(),
                zk.get_platform(),
                zk.get_device_name(),
                zk.get_mac(),
                zk.get_time().isoformat(),
                zk.get_pin_width(),
                (zk.users, zk.records, zk.rec_cap, zk.rec_av),
                zk.set_sdk_build_1(),
                zk.disable_device(),
                zk.enable_device(),
            ]
            zk.disconnect()
            return got

    assert against(made, work) == [
        "VT00000001",
        "Ver 6.60 Apr  1 2020",
        "VIRTUAL_TFT",
        "Virtual terminal",
        "00:17:61:00:00:01",
        "2026-11-02T12:00:00",
        24,
        (30, 26, 100_000, 99_974),
        True,
        True,
        True,
    ]


def test_changes_do_not_happen() -> None:
    """What pyzk would change is refused, and the terminal remembers who tried."""

    def work(port: int) -> None:
        with pyzk(port) as zk:
            zk.connect()
            for change in (zk.clear_attendance, zk.poweroff, zk.restart):
                with pytest.raises(ZKErrorResponse):
                    change()
            zk.disconnect()

    def look(terminal: VirtualTerminal) -> None:
        assert terminal.refused == [
            Command.CLEAR_LOG,
            Command.POWER_OFF,
            Command.RESTART,
        ]
        assert len(terminal.records) == 3

    against(config(3), work, look=look)


def test_live_capture() -> None:
    """A punch made while pyzk captures comes out of its loop."""
    listening = threading.Event()

    def work(port: int) -> list[tuple[str, str, int, int]]:
        with pyzk(port) as zk:
            zk.connect()
            got = []
            for seen in zk.live_capture(new_timeout=0.2):
                listening.set()
                if seen is not None:
                    zk.end_live_capture = True
                    at = seen.timestamp.isoformat()
                    got.append((seen.user_id, at, seen.status, seen.punch))
            zk.disconnect()
            return got

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            capture = asyncio.create_task(asyncio.to_thread(work, terminal.port))
            assert await asyncio.to_thread(listening.wait, DEADLINE_SECONDS)
            at = terminal.punch("0007", verify=15, state=1)
            assert await capture == [("0007", at, 15, 1)]

    asyncio.run(run())
