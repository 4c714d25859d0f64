"""The watched folder: a file arrives once, whatever happens to it and to the stick."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.import_folder import ImportFolder
from gateway.settings import load
from tests.gateway.desks import Site, site, write

SERIAL = "VT00000001"


def attlog(*seconds: int, badge: str = "0000000001") -> str:
    """Return an export with one punch at each of these seconds."""
    rows = [f"{badge}\t2026-11-02 08:00:{s:02d}\t1\t0\t1\t0\r\n" for s in seconds]
    return "".join(rows)


def settings(folder: Path, more: str = "") -> str:
    """Return the watched folder's settings; it is `folder`/usb."""
    (folder / "usb").mkdir(exist_ok=True)
    return f'import_dir = "{folder}/usb"\n{more}'


class Watched:
    """A watched folder that is looked into when a test says so."""

    def __init__(self, at: Site) -> None:
        self.at = at
        self.folder = at.folder / "usb"
        self.imports = ImportFolder(
            at.intake, lambda: at.time[0], lambda: load(at.folder / "gateway.toml")
        )

    async def settle(self) -> list[dict[str, Any]]:
        """Look twice: a file is taken in when it stood still in between."""
        await self.imports.look()
        await self.imports.look()
        return self.imports.results()

    def names(self) -> list[str]:
        """Return every file in the folder, with its place in it."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in found)

    async def punches(self) -> int:
        """Return how many punches went up."""
        return len(await self.at.entries("punch"))


def test_a_file_arrives_once_and_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file by serial is taken in and moved; the same content again adds nothing."""
    caplog.set_level(logging.INFO)

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            file = there.folder / f"{SERIAL}_attlog.dat"
            file.write_text(attlog(1, 2, 3))
            (result,) = await there.settle()
            assert result["terminal"] == "lobby"
            assert (result["read"], result["new"], result["error"]) == (3, 3, None)
            assert result["set_aside"] == f"done/{SERIAL}_attlog.dat"
            assert there.names() == [f"done/{SERIAL}_attlog.dat"]
            file.write_text(attlog(1, 2, 3))
            again, _ = await there.settle()
            assert (again["read"], again["error"]) == (0, "was taken in before")
            file.write_text(attlog(1, 2, 3, 4))
            grown, *_ = await there.settle()
            assert (grown["new"], grown["duplicate"]) == (1, 3)
            assert len(there.names()) == 3, "nothing is replaced"
            assert await there.punches() == 4

    asyncio.run(run())
    assert [r.msg for r in caplog.records if r.name == "punchgate.import"] == [
        "import done"
    ] * 3


def test_a_stick_below_the_folder_and_a_mapped_name(tmp_path: Path) -> None:
    """A stick mounted below is looked into; `1_attlog.dat` is told by the settings."""
    more = 'import_names = { "1" = "lobby" }\n'

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path, more), run=False) as at:
            there = Watched(at)
            stick = there.folder / "STICK"
            stick.mkdir()
            (stick / "1_attlog.dat").write_text(attlog(1))
            (stick / "lobby_ATTLOG.DAT").write_text(attlog(2))
            (stick / "readme.txt").write_text("not ours")
            results = await there.settle()
            assert [one["terminal"] for one in results] == ["lobby", "lobby"]
            assert there.names() == [
                "STICK/done/1_attlog.dat",
                "STICK/done/lobby_ATTLOG.DAT",
                "STICK/readme.txt",
            ]

    asyncio.run(run())


@pytest.mark.parametrize(
    "name,content,words",
    [
        ("7_attlog.dat", attlog(1), "which terminal '7' is nobody said"),
        (f"{SERIAL}_attlog.dat", "", "there is no punch in it"),
        (f"{SERIAL}_attlog.dat", "\x00\xff" * 900, "there is no punch in it"),
    ],
)
def test_what_cannot_be_used_is_set_aside_with_the_reason(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    """A file that is nothing lands in `failed` beside a text that says why."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            (there.folder / name).write_text(content)
            (result,) = await there.settle()
            assert words in result["error"]
            assert there.names() == [f"failed/{name}", f"failed/{name}.txt"]
            said = (there.folder / f"failed/{name}.txt").read_text("utf-8")
            assert words in said
            assert await there.punches() == 0

    asyncio.run(run())


def test_bad_lines_are_named_beside_a_good_file(tmp_path: Path) -> None:
    """Lines that are no punch are listed with their numbers; the others arrive."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            text = attlog(1) + "rubbish without a date\r\n" + attlog(2)
            (there.folder / f"{SERIAL}_attlog.dat").write_text(text)
            (result,) = await there.settle()
            assert (result["new"], result["rejected"]) == (2, 1)
            said = (there.folder / f"done/{SERIAL}_attlog.dat.txt").read_text("utf-8")
            assert said.startswith("line 2: ")

    asyncio.run(run())


def test_a_file_that_grows_waits_until_it_stands_still(tmp_path: Path) -> None:
    """Nothing is read of a file that is still being copied."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            file = there.folder / f"{SERIAL}_attlog.dat"
            for last in range(1, 5):
                file.write_text(attlog(*range(last)))
                await there.imports.look()
                assert there.imports.results() == []
            (result,) = await there.settle()
            assert result["new"] == 4

    asyncio.run(run())


def test_a_file_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change in the middle is noticed, nothing is set aside, and all arrives."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            file = there.folder / f"{SERIAL}_attlog.dat"
            file.write_text(attlog(1, 2))
            fresh = there.folder / "fresh"
            fresh.write_text(attlog(1, 2, 3))
            ask = at.intake.ask

            async def replacing(job: Any) -> Any:
                if fresh.exists():
                    fresh.rename(file)  # while the first pieces are stored
                return await ask(job)

            at.intake.ask = replacing  # type: ignore[method-assign]
            assert await there.settle() == []
            assert there.names() == [f"{SERIAL}_attlog.dat"]
            assert "import again" in [record.msg for record in caplog.records]
            (result,) = await there.settle()
            assert (result["read"], result["error"]) == (3, None)
            assert await there.punches() == 3

    asyncio.run(run())


def test_a_stick_that_cannot_be_written(tmp_path: Path) -> None:
    """A read-only stick is taken in once, also after it was out and in again."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            file = there.folder / f"{SERIAL}_attlog.dat"
            file.write_text(attlog(1, 2))
            # A file where the folder should be refuses even root, as a read-only
            # file system does.
            for name in ("done", "failed"):
                (there.folder / name).write_text("")
            bad = there.folder / "9_attlog.dat"
            bad.write_text(attlog(1))
            results = await there.settle()
            assert [one["set_aside"] for one in results] == [None, None]
            assert sorted(one["new"] for one in results) == [0, 2]
            assert len(await there.settle()) == 2, "said once"
            await at.desk.stop()
            again = Watched(at)  # another process, or the stick was out
            results = await again.settle()
            assert [one["file"] for one in results] == ["9_attlog.dat"]
            assert file.read_text() == attlog(1, 2).replace("\r\n", "\n")
            assert await there.punches() == 2

    asyncio.run(run())


def test_a_name_that_is_said_later(tmp_path: Path) -> None:
    """A file left for want of a terminal is taken in when the settings name it."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            for name in ("done", "failed"):
                (there.folder / name).write_text("")
            (there.folder / "1_attlog.dat").write_text(attlog(1))
            (failed,) = await there.settle()
            assert failed["error"]
            more = 'import_names = { "1" = "lobby" }\n'
            write(tmp_path, readers="", book="", gateway=settings(tmp_path, more))
            good, _ = await there.settle()
            assert (good["terminal"], good["new"]) == ("lobby", 1)

    asyncio.run(run())


def test_links_pipes_and_folders_are_no_exports(tmp_path: Path) -> None:
    """A stick cannot make us follow a link, hang on a pipe or read a folder."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            secret = tmp_path / "secret"
            secret.write_text(attlog(1))
            (there.folder / f"{SERIAL}_attlog.dat").symlink_to(secret)
            os.mkfifo(there.folder / "lobby_attlog.dat")
            (there.folder / "x_attlog.dat").mkdir()
            beyond = tmp_path / "beyond"
            beyond.mkdir()
            (beyond / "lobby_attlog.dat").write_text(attlog(1))
            (there.folder / "elsewhere").symlink_to(beyond)
            assert await there.settle() == []
            assert secret.exists()
            assert [path.name for path in beyond.iterdir()] == ["lobby_attlog.dat"]

    asyncio.run(run())


def test_a_stick_cannot_send_files_elsewhere(tmp_path: Path) -> None:
    """A link in place of `done` is not followed: the file stays where it is."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            beyond = tmp_path / "beyond"
            beyond.mkdir()
            (there.folder / "done").symlink_to(beyond)
            file = there.folder / "lobby_attlog.dat"
            file.write_text(attlog(1))
            (result,) = await there.settle()
            assert (result["new"], result["set_aside"]) == (1, None)
            assert file.exists()
            assert list(beyond.iterdir()) == []

    asyncio.run(run())


def test_a_file_too_long_for_any_terminal(tmp_path: Path) -> None:
    """A huge file is refused before it is read; reasons are listed up to a bound."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            huge = there.folder / "lobby_attlog.dat"
            with huge.open("wb") as file:
                file.truncate(513 * 1024 * 1024)
            (result,) = await there.settle()
            assert result["error"] == "it is longer than 536870912 bytes"
            many = "rubbish without a date\r\n" * 300
            (there.folder / "lobby_attlog.dat").write_text(attlog(1) + many)
            await there.settle()
            said = (there.folder / "done/lobby_attlog.dat.txt").read_text("utf-8")
            assert said.endswith("and 100 more\n")

    asyncio.run(run())


def test_reasons_that_cannot_be_laid_beside_a_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A text that is in the way is not replaced; the file is set aside all the same."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path), run=False) as at:
            there = Watched(at)
            (there.folder / "failed").mkdir()
            other = there.folder / "failed/9_attlog.dat.txt"
            other.write_text("somebody else's")
            (there.folder / "9_attlog.dat").write_text(attlog(1))
            (result,) = await there.settle()
            assert result["set_aside"] == "failed/9_attlog.dat"
            assert other.read_text() == "somebody else's"

    asyncio.run(run())
    assert "import words lost" in [record.msg for record in caplog.records]


def test_no_folder_and_no_setting(tmp_path: Path) -> None:
    """A stick that is not in, and a gateway that watches nothing, are both quiet."""

    async def run() -> None:
        more = f'import_dir = "{tmp_path}/nowhere"\n'
        async with site(tmp_path, gateway=more, run=False) as at:
            assert await Watched(at).settle() == []
        async with site(tmp_path, run=False) as at:
            assert await Watched(at).settle() == []

    asyncio.run(run())


def test_the_desk_watches_by_itself(tmp_path: Path) -> None:
    """A file dropped into a running desk's folder arrives, and stands in status."""

    async def run() -> None:
        async with site(tmp_path, gateway=settings(tmp_path)) as at:
            (tmp_path / "usb" / f"{SERIAL}_attlog.dat").write_text(attlog(1, 2))
            await at.until(lambda: at.desk.summary()["imports"])
            assert at.desk.summary()["imports"][0]["new"] == 2
            assert len(await at.until_sent("punch", 2)) == 2

    asyncio.run(run())
