"""Readers of the desk: gone, noisy, exchanged by a reload, flooded with cards."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.health import RiskId, risks
from gateway.settings import AlarmSettings
from tests.drivers.serial_devices import device
from tests.gateway.desks import AT_EIGHT, ROLL, opened, press, reader, site


def test_status_health_and_reload(tmp_path: Path) -> None:
    """A reader is offline in status and health until it comes; reload replaces it."""

    async def run() -> None:
        async with site(tmp_path, readers=reader(tmp_path)) as at:
            await at.until(lambda: at.reader()["error"])
            status: dict[str, Any] = dict.fromkeys(
                ("terminals", "certificates", "reconcile"), ()
            )
            status |= {"daemon": True, "uplink": None}
            status |= {"outbox": {"oldest_age_seconds": None}}
            found = risks(status | at.desk.summary(), AlarmSettings(), AT_EIGHT)
            assert [risk.key for risk in found] == ["reader_offline:desk"]
            assert found[0].id is RiskId.READER_OFFLINE
            assert "is not there" in found[0].words
            assert await at.reload() == []
            at.write(readers=reader(tmp_path, ROLL))
            with device(tmp_path):
                assert await at.reload() == ["desk"]
                await opened(at)
                assert at.reader()["use"] == "roll"
                assert not risks(status | at.desk.summary(), AlarmSettings(), AT_EIGHT)
                at.write()
                assert await at.reload() == ["desk"]
                assert at.desk.summary()["readers"] == []

    asyncio.run(run())


def test_noise_is_logged_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Binary noise is named in log and status, and the next card is read."""
    caplog.set_level(logging.INFO)

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                there.send(b"\xff\x00\x80" * 50)
                press(there, 1, 2)
                await at.until_sent("entry", 1)
                assert at.reader()["flaws"] == {"noise": 1}

    asyncio.run(run())
    events = [record.msg for record in caplog.records]
    assert {"reader up", "reader noise", "desk card", "desk entry"} <= set(events)


def test_cards_read_before_a_reload_are_attended_to(tmp_path: Path) -> None:
    """Taking a reader out of the settings loses no card that it has read."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                running = at.desk._running["desk"]
                async with at.desk._turn:  # the desk is busy while the cards come
                    press(there, 1, 2)
                    await at.until(lambda: running.reader.tally.presented == 2)
                    stopping = asyncio.create_task(at.desk._stop("desk"))
                    await asyncio.sleep(0)
                await stopping
                assert len(await at.until_sent("entry", 1)) == 1

    asyncio.run(run())


def test_thousands_of_unknown_cards_at_once(tmp_path: Path) -> None:
    """A thousand different cards in one burst are a thousand events, in order."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with site(tmp_path, readers=reader(tmp_path)) as at:
                await opened(at)
                for start in range(1000, 2000, 100):
                    press(there, *range(start, start + 100))
                    await at.until_sent("event", start - 900)
                badges = [one["detail"]["badge"] for one in await at.entries("event")]
                assert badges == [f"{n:010d}" for n in range(1000, 2000)]

    asyncio.run(run())
