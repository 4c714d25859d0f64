"""Following the centre: bad books change nothing, good ones come through."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import central_book
from gateway.central_book import CentralBook
from gateway.following import Following
from gateway.settings import Loaded, load
from tests.builders import BOOK, NOW, STAMP
from tests.gateway.site_books import site_book
from tests.gateway.test_central_book import kept, load_following
from tests.gateway.test_settings import GATEWAY

SECONDS = 20
HALL = '\n[[terminals]]\nid = "hall"\nserial = "VT00000003"\n'


class Daemon:
    """Keeps what was adopted, and lets a test wait for it."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.adopted: list[str] = []
        self.came = asyncio.Event()

    async def adopt(self, received: CentralBook) -> None:
        """Note a book and put it in force."""
        self.loaded = Loaded(
            self.loaded.settings,
            received.book,
            self.loaded.book_path,
            self.loaded.path,
            received=received,
        )
        self.adopted.append(received.book.version)
        self.came.set()

    async def has(self, version: str) -> None:
        """Wait for a version."""
        async with asyncio.timeout(SECONDS):
            while version not in self.adopted:
                await self.came.wait()
                self.came.clear()


def follow(
    folder: Path, act: Callable[[Daemon, Following], Awaitable[None]], pin: str = ""
) -> Daemon:
    """Let something happen to a gateway that follows the centre."""
    daemon = Daemon(load_following(folder, pin=pin))

    async def main() -> None:
        following = Following(daemon, lambda: NOW)
        running = asyncio.create_task(following.run())
        await act(daemon, following)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    return daemon


def reasons(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return the values of the log lines of an event."""
    return [
        record.args
        for record in caplog.records
        if record.msg == event and isinstance(record.args, dict)
    ]


def test_a_book_file_is_not_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the book is a file nothing is said of the centre's."""
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")
    (tmp_path / "gateway.toml").write_text(GATEWAY, "utf-8")
    loaded = load(tmp_path / "gateway.toml")
    assert not loaded.follows_centre

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Following(Daemon(loaded), lambda: NOW).run()

    caplog.set_level("INFO")
    asyncio.run(main())
    assert caplog.records == []


def test_bad_books_change_nothing_and_good_ones_come_through(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each bad one is one line in the log; the last good one stays, also on disk."""
    bad = [
        b"",
        site_book(site="branch"),
        site_book(version="1"),
        site_book(digest="1" * 64),
        site_book(BOOK.replace("VT00000001", "VT00000009"), version="3"),
    ]

    async def act(daemon: Daemon, following: Following) -> None:
        following.take(site_book(version="2"))
        await daemon.has("2")
        for count, payload in enumerate(bad, 1):
            following.take(payload)
            async with asyncio.timeout(SECONDS):
                while len(reasons(caplog, "book refused")) < count:  # noqa: ASYNC110 - a log has no event
                    await asyncio.sleep(0.005)
        assert daemon.loaded.book.version == "2"
        following.take(site_book(version="2"))  # once more, as after every connect
        following.take(site_book(BOOK + HALL, version="2.1"))
        await daemon.has("2.1")

    caplog.set_level("INFO")
    daemon = follow(tmp_path, act, pin="VT00000001")
    assert daemon.adopted == ["2", "2.1"]
    assert [values["reason"] for values in reasons(caplog, "book refused")] == [
        "somebody cleared the topic",
        "it is of site branch",
        "version 2 is newer, and here already",
        "its digest is not that of its tables",
        "terminal lobby: the pinned 'VT00000001' is not 'VT00000009' of the book",
    ]
    assert load_following(tmp_path).book.version == "2.1"
    (begun,) = reasons(caplog, "book missing")
    assert begun == {"reason": "none came yet"}


def test_the_same_book_again_is_silent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The broker gives it again at every connect; nothing is written or said."""
    kept(tmp_path, site_book())
    path = tmp_path / central_book.FILE
    before = path.stat()

    async def act(daemon: Daemon, following: Following) -> None:
        following.take(site_book())
        await asyncio.sleep(0)
        following.take(site_book(version="2"))
        await daemon.has("2")

    caplog.set_level("INFO")
    assert follow(tmp_path, act).adopted == ["2"]
    assert path.stat().st_ino != before.st_ino
    assert not reasons(caplog, "book refused")
    (begun,) = reasons(caplog, "book kept")
    assert begun == {"version": "1", "received": STAMP}


def test_a_book_that_cannot_be_kept_is_in_force_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Said as a warning: at the next start it is gone, until the centre sends it."""
    (tmp_path / "book.new").mkdir()

    async def act(daemon: Daemon, following: Following) -> None:
        following.take(site_book())
        await daemon.has("1")

    assert follow(tmp_path, act).adopted == ["1"]
    (values,) = reasons(caplog, "book not kept")
    assert "book.new" in values["error"]


def test_a_damaged_file_is_said_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Why nobody is named stands in the log."""
    (tmp_path / central_book.FILE).write_text("{", "utf-8")

    async def act(daemon: Daemon, following: Following) -> None:
        following.take(site_book())
        await daemon.has("1")

    follow(tmp_path, act)
    (values,) = reasons(caplog, "book missing")
    assert "is damaged" in values["reason"]
