"""Badges and layouts through pyzk: as the terminal holds them, or refused by name."""

import asyncio
from dataclasses import replace

import pytest

from drivers.attlog import AttlogLine
from drivers.base import ProtocolError, RawPunch
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.drivers.pyzk_talks import refused, talk
from tests.drivers.terminals import config, everything, opened, without_bytes


def badge_config(*badges: str) -> VirtualConfig:
    """Make a terminal whose log holds these badges, one a second."""
    return config(
        log=[
            AttlogLine(badge, f"2026-11-02T08:00:{second:02}")
            for second, badge in enumerate(badges)
        ]
    )


@pytest.mark.parametrize(
    "badge",
    ["123456789012345678901234", "007", "a b", "\x01\x1b[31m\n\t", "Ж" * 5, "'--"],
)
def test_badges_as_they_are(badge: str) -> None:
    """24 characters, leading zeros, control characters: as the terminal holds them."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        got = await everything(driver)
        assert got == without_bytes(terminal.records)
        assert got[1].badge == badge

    talk(
        replace(badge_config("1", badge, "2"), encoding="utf-8"), work, encoding="utf-8"
    )


@pytest.mark.parametrize("badge", ["甲二", "一", "A甲", "甲乙丙丁戊己庚辛"])
def test_badges_pyzk_would_bend(badge: str) -> None:
    """A badge in GBK loses bytes in pyzk, or becomes another: not through us."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert await everything(driver) == without_bytes(terminal.records)
        assert terminal.records[2].badge == badge

    talk(badge_config("1", "2", badge, "3"), work)


def test_a_badge_too_long_for_pyzk() -> None:
    """A badge that does not fit its field as UTF-8 is refused by position."""
    badge = "甲乙丙丁戊己庚辛壬癸甲乙"
    error = refused(badge_config("1", "2", badge, "3"))
    assert isinstance(error, ProtocolError)
    assert f"record 2: pyzk would drop bytes of the badge '{badge}'" in str(error)
    assert len(error.data) == 40


def test_chinese_badges_in_utf8() -> None:
    """UTF-8 is what pyzk can read."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert [punch.badge for punch in await everything(driver)] == ["甲二", "一二"]
        assert terminal.records[0].badge == "甲二"

    talk(replace(badge_config("甲二", "一二"), encoding="utf-8"), work)


def test_a_layout_pyzk_takes_for_another() -> None:
    """Records whose 40-byte slices hold no badges are refused, not sliced."""

    async def run() -> None:
        async with VirtualTerminal(config(4)) as terminal:
            log = terminal._device.memory._log
            log[:] = bytes(range(1, 161))
            async with opened(terminal) as driver:
                for at in (4, 44, 84):
                    log[at : at + 8] = b"\0\1\0\1\0\1\0\1"
                with pytest.raises(ProtocolError, match="unsupported log layout"):
                    await everything(driver)

    asyncio.run(run())


def test_slots_without_a_user_are_no_badges() -> None:
    """In the 8-byte layout a slot nobody has gives an empty badge."""
    packed = (0x33825720).to_bytes(4, "little")
    known, unknown = b"\7\0\1", b"\x63\0\1"

    async def run() -> None:
        # 16 bytes are no record of 40, so the lie makes two records of 8 of them.
        async with VirtualTerminal(config(0, "count-lies=2")) as terminal:
            log = terminal._device.memory._log
            log[:] = known + packed + b"\0" + unknown + packed + b"\1"
            async with opened(terminal) as driver:
                at = "2026-11-21T02:00:00"
                assert await everything(driver) == [
                    RawPunch("VT00000001", "0007", at, 1, 0, None, 0, None),
                    RawPunch("VT00000001", "", at, 1, 1, None, 1, None),
                ]

    asyncio.run(run())
