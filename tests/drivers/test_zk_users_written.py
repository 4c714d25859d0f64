"""Users written to and deleted from a terminal; the library pyzk is the witness."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import Address, TerminalError, TerminalUser
from drivers.virtual import VirtualTerminal
from drivers.zk.terminal import ZkTerminal
from drivers.zk.users import USER_LAYOUTS, UserRecord, cut_name
from tests.drivers.terminals import config, user
from tests.drivers.test_foreign_pyzk import pyzk

CHINESE = "王小明李大中张文山林子安王小明李大中张文山林子安"  # 24 characters
FIELDS = ("uid", "user_id", "name", "privilege", "password", "card")


def seen_by_pyzk(port: int) -> list[tuple[Any, ...]]:
    """Return every field of every user as pyzk reads it."""
    with pyzk(port) as zk:
        zk.connect()
        found = [tuple(getattr(u, name) for name in FIELDS) for u in zk.get_users()]
        zk.disconnect()
    return found


@pytest.mark.parametrize("layout", ["40", "16"])
def test_only_the_name_is_changed(layout: str) -> None:
    """Read, change, write: pyzk finds every other field of every user as it was."""

    async def run() -> None:
        made = [
            TerminalUser(1, "11", "甲一", 14, 6547886),
            TerminalUser(7, "12", "甲二", 2, 0),
        ]
        async with VirtualTerminal(config(layout=layout, users=made)) as terminal:
            driver = ZkTerminal(Address("127.0.0.1", terminal.port))
            await driver.open()
            users = await driver.user_list()
            assert users.layout is not None
            # A password, another group and zones, as the menu gives them.
            odd = replace(
                users.records[0],
                password=b"123\0x".ljust(len(users.records[0].password), b"\0"),
                group=3,
                zones=b"\7" * len(users.records[0].zones),
            )
            await driver.write_user(users.layout, odd)
            before = await asyncio.to_thread(seen_by_pyzk, terminal.port)
            name = cut_name("王小", users.layout, "gb18030")
            await driver.write_user(users.layout, replace(odd, name=name))
            await driver.refresh()
            again = (await driver.user_list()).records
            await driver.close()
            assert again[0] == replace(odd, name=name)
            after = await asyncio.to_thread(seen_by_pyzk, terminal.port)
            assert before[0][2] == "甲一"
            assert after[0] == (*before[0][:2], "王小", *before[0][3:])
            assert after[1] == before[1]
            assert terminal.template_requests == terminal.refused == []

    asyncio.run(run())


@pytest.mark.parametrize("name", ["28", "72"])
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8"])
def test_names_are_cut_between_characters(name: str, encoding: str) -> None:
    """24 Chinese characters: as many whole ones as fit, and no half one behind them."""
    layout = USER_LAYOUTS[name]
    field = cut_name(CHINESE, layout, encoding)
    text = field.rstrip(b"\0").decode(encoding)
    assert CHINESE.startswith(text)
    size = len(CHINESE[0].encode(encoding))
    assert len(text) == layout.room // size
    empty = UserRecord.from_bytes(layout, bytes(layout.size))
    assert len(field) == len(empty.name)
    with pytest.raises(ValueError, match="NUL"):
        cut_name("a\0b", layout, encoding)
    assert cut_name("   ", layout, encoding) == empty.name


def test_a_character_the_terminal_does_not_have() -> None:
    """It is refused instead of becoming a question mark."""
    with pytest.raises(UnicodeEncodeError):
        cut_name("甲\U00020000", USER_LAYOUTS["72"], "gbk")


def test_a_deleted_user_takes_its_fingers_along() -> None:
    """Delete: the user and its templates are gone, those of others stay."""

    async def run() -> None:
        made = config(users=[user(1), user(2)], fingers={1: 2, 2: 1})
        async with VirtualTerminal(made) as terminal:
            driver = ZkTerminal(Address("127.0.0.1", terminal.port))
            await driver.open()
            assert (await driver.sizes()).fingers == 3
            await driver.delete_user(1)
            assert [one.slot for one in await driver.users()] == [2]
            assert ((await driver.sizes()).fingers, terminal.fingers) == (1, 1)
            with pytest.raises(TerminalError, match="delete a user"):
                await driver.delete_user(1)
            await driver.delete_user(2)
            assert (await driver.user_list()).layout is None
            await driver.close()

    asyncio.run(run())


def test_one_user_too_many() -> None:
    """A full terminal refuses a new slot and still takes a changed one."""

    async def run() -> None:
        made = config(users=[user(n) for n in range(1, 4)], user_capacity=3)
        async with VirtualTerminal(made) as terminal:
            driver = ZkTerminal(Address("127.0.0.1", terminal.port))
            await driver.open()
            users = await driver.user_list()
            assert users.layout is not None
            await driver.write_user(users.layout, replace(users.records[0], card=5))
            for slot in (4, 0):
                with pytest.raises(TerminalError, match="write a user"):
                    await driver.write_user(
                        users.layout, replace(users.records[0], slot=slot)
                    )
            await driver.close()
            assert [one.card for one in terminal.users] == [5, 0, 0]

    asyncio.run(run())
