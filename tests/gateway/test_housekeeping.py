"""What a daemon does by itself: nothing on the word of a clock that jumped."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.clock import text
from gateway.housekeeping import Housekeeping
from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.settings import load
from gateway.store import epochs
from gateway.store.epochs import Appender
from gateway.store.schema import table
from tests.builders import BOOK, NOW, book, entry
from tests.gateway.store.journals import opened
from tests.gateway.test_commands import TOML

OLD = NOW - timedelta(days=100)


@pytest.mark.parametrize(
    "ahead, centre, left",
    [
        pytest.param(timedelta(), NOW, 1, id="both-agree"),
        pytest.param(timedelta(days=3650), NOW, 2, id="ours-jumped"),
        pytest.param(timedelta(), None, 2, id="centre-unheard"),
    ],
)
def test_entries_go_only_when_two_clocks_say_so(
    tmp_path: Path, ahead: timedelta, centre: datetime | None, left: int
) -> None:
    """Confirmed entries of a hundred days and of today, ninety are kept."""
    (tmp_path / "gateway.toml").write_text(TOML)
    (tmp_path / "book.toml").write_text(BOOK)
    loaded = load(tmp_path / "gateway.toml")

    async def run() -> int:
        with opened(tmp_path / "journal") as journal:
            intake = Intake(journal, lambda: NOW + ahead, lambda: None, book())
            for at in (OLD, NOW):
                appended = text(at)

                def append(db: object, at: str = appended) -> None:
                    appender = Appender(db, at)  # type: ignore[arg-type]
                    appender.add("event", entry({}), None)
                    appender.flush()

                await intake.ask(append)
            await intake.ask(lambda db: epochs.confirm(db, 2, None, "s", 1))
            house = Housekeeping(
                intake,
                lambda: NOW + ahead,
                lambda: loaded,
                Reconciler(intake, lambda: NOW, str, lambda: None),
                lambda: centre,
            )
            running = asyncio.create_task(house.run())
            # Its first look is over when a job behind it has been done.
            for _ in range(20):
                await intake.ask(lambda _: None)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            return await intake.ask(lambda db: table(db, "outbox").count)

    (tmp_path / "journal").mkdir()
    assert asyncio.run(run()) == left
