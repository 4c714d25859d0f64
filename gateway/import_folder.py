"""The watched folder: exports on a stick or a share are taken in by themselves.

A file is read when it has stood unchanged between two looks, and read again when it
changed while it was read. What was read is set aside into `done/` beside it, what
cannot be used into `failed/` with a text that says why; on a stick that cannot be
written it is remembered by its content. Nothing is ever deleted or replaced.
"""

import asyncio
import hashlib
import logging
import os
import stat
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.attlog_file import FileError, read_file
from gateway.clock import Now, text
from gateway.file_origin import other_origin
from gateway.filing import Filed, Imported, Piece, file_piece, take_in
from gateway.intake import Intake
from gateway.settings import Loaded
from gateway.store import schema

log = logging.getLogger("punchgate.import")

_LOOK_SECONDS = 3.0
_SUFFIX = "_attlog.dat"
_DONE, _FAILED = "done", "failed"
_MOST_BYTES = 512 * 1024 * 1024
_MOST_FILES = 1_000
_RESULTS, _REJECTS = 20, 200
_KEY = "import:"
_EMPTY = "there is no punch in it"
Stamp = tuple[int, int, int]
Names = tuple[dict[str, str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file; `error` None: it was taken in."""

    at: str
    file: str
    terminal: str | None
    read: int
    new: int
    duplicate: int
    rejected: int
    error: str | None
    set_aside: str | None


class UnusableError(Exception):
    """A file that cannot be taken in, in words."""


class ImportFolder:
    """Looks into `import_dir` and the folders right below it, every few seconds.

    Args:
        intake: the journal's jobs.
        now: the wall clock.
        loaded: returns settings and book in force.
    """

    def __init__(self, intake: Intake, now: Now, loaded: Callable[[], Loaded]) -> None:
        self._intake = intake
        self._now = now
        self._loaded = loaded
        self._seen: dict[Path, Stamp] = {}
        self._left: dict[Path, tuple[Stamp, Names]] = {}
        self._results: deque[Result] = deque(maxlen=_RESULTS)

    async def run(self) -> None:
        """Look for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Take in every file that stood still since the last look."""
        folder = self._loaded().settings.gateway.import_dir
        if not folder:
            return
        found = await asyncio.to_thread(lambda: dict(_candidates(Path(folder))))
        for path, stamp in found.items():
            if self._is_left(path, stamp):
                continue
            if self._seen.get(path) == stamp:
                await self._file(path, stamp)
        self._seen = found
        self._left = {path: one for path, one in self._left.items() if path in found}

    def results(self) -> list[dict[str, Any]]:
        """Return what became of the last files, newest first."""
        return [asdict(one) for one in reversed(self._results)]

    def _is_left(self, path: Path, stamp: Stamp) -> bool:
        """Say whether nothing more can be done about a file by this configuration."""
        left = self._left.get(path)
        return left == (stamp, self._names())

    def _names(self) -> Names:
        """Return the names of files that settings tell, and serials by terminal."""
        loaded = self._loaded()
        known = {one.id: one.serial for one in loaded.book.terminals}
        return loaded.settings.gateway.import_names, known | loaded.serials

    async def _file(self, path: Path, stamp: Stamp) -> None:
        """Take one file in and set it aside; of one that changes nothing is set aside.

        What was stored of it before is known when it is read again.
        """
        found = Imported()
        try:
            digest = await asyncio.to_thread(_digest, path, stamp)
            if await self._is_known(digest):
                await self._settle(path, stamp, None, found, None, known=True)
                return
            terminal, serial = self._terminal(path)
            await asyncio.to_thread(self._check_origin, path, terminal)
            await self._take(path, terminal, serial, found)
            error = None if found.new or found.duplicate else _EMPTY
        except (FileError, OSError, UnusableError) as problem:
            terminal, error, digest = "", str(problem), ""
        if await asyncio.to_thread(_stamp_of, path) != stamp:
            log.warning("import again", {"file": path.name})
            return
        if error is None:
            await self._remember(digest)
        await self._settle(path, stamp, terminal or None, found, error)

    async def _take(
        self, path: Path, terminal: str, serial: str, found: Imported
    ) -> None:
        def store(piece: Piece) -> Awaitable[Filed]:
            return file_piece(self._intake, terminal, serial, piece, self._now)

        await take_in(read_file(path), store, found)

    def _terminal(self, path: Path) -> tuple[str, str]:
        """Return the terminal a file is of, and its serial, by the file's name.

        Raises:
            UnusableError: nothing says which terminal it is; nobody guesses.
        """
        said, known = self._names()
        name = path.name[: -len(_SUFFIX)]
        terminal = said.get(name)
        if terminal is None:
            named = [id_ for id_, serial in known.items() if name in {id_, serial}]
            terminal = named[0] if len(named) == 1 else None
        if terminal is None or not known.get(terminal):
            raise UnusableError(
                f"which terminal {name!r} is nobody said: neither a serial nor an id"
                f' of the book; add import_names = {{ "{name}" = "…" }} to [gateway]'
            )
        return terminal, known[terminal]

    def _check_origin(self, path: Path, terminal: str) -> None:
        """Refuse a file that says itself that another terminal wrote it.

        Raises:
            UnusableError: it does.
            FileError: it cannot be read.
        """
        other = other_origin(path, terminal, self._loaded())
        if other is None:
            return
        do = f"name it {other.owner or 'ID'}_attlog.dat, after the terminal it is of"
        if other.where == "name":
            do = "correct import_names"
        raise UnusableError(
            f"{other}; {do}, or, if these are punches of {terminal} all the same:"
            f" punchgate import FILE --terminal {terminal} --serial-differs"
        )

    async def _is_known(self, digest: str) -> bool:
        known = await self._intake.ask(lambda db: schema.get(db, _KEY + digest))
        return known is not None

    async def _remember(self, digest: str) -> None:
        at = text(self._now())

        def job(db: Database) -> None:
            schema.put(db, _KEY + digest, at)

        await self._intake.ask(job)

    async def _settle(  # noqa: PLR0913 - what there is to say about a file
        self,
        path: Path,
        stamp: Stamp,
        terminal: str | None,
        found: Imported,
        error: str | None,
        *,
        known: bool = False,
    ) -> None:
        """Set a file aside, and say what became of it."""
        where = _FAILED if error else _DONE
        words = _words(error, found)
        aside = await asyncio.to_thread(_set_aside, path, where, words)
        if aside is None:
            self._left[path] = stamp, self._names()
        if known and aside is None:
            return  # a stick that cannot be written, there again
        result = Result(
            at=text(self._now()),
            file=path.name,
            terminal=terminal,
            read=found.read,
            new=found.new,
            duplicate=found.duplicate,
            rejected=found.rejected,
            error=error or ("was taken in before" if known else None),
            set_aside=aside,
        )
        self._results.append(result)
        values = {"file": result.file, "terminal": terminal}
        if error:
            log.error("import failed", {**values, "reason": error, "aside": aside})
            return
        counts = {"read": found.read, "new": found.new, "duplicate": found.duplicate}
        log.info(
            "import done",
            {**values, **counts, "rejected": found.rejected, "aside": aside},
        )


def _candidates(folder: Path) -> Iterator[tuple[Path, Stamp]]:
    """Yield the exports in a folder and right below it; links and pipes are none."""
    for path in _entries(folder):
        if path.name in {_DONE, _FAILED}:
            continue
        is_folder = path.is_dir() and not path.is_symlink()
        for file in _entries(path) if is_folder else [path]:
            if file.name.lower().endswith(_SUFFIX) and (stamp := _stamp_of(file)):
                yield file, stamp


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing when it is not there, as a stick is not."""
    try:
        return sorted(folder.iterdir())[:_MOST_FILES]
    except OSError:
        return []


def _stamp_of(path: Path) -> Stamp | None:
    """Return what changes when a file is written or replaced; None for no file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(path: Path, stamp: Stamp) -> str:
    """Return what the content of a file is known by.

    Raises:
        UnusableError: no terminal writes such a file.
        OSError: it cannot be read.
    """
    if stamp[1] > _MOST_BYTES:
        raise UnusableError(f"it is longer than {_MOST_BYTES} bytes")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _words(error: str | None, found: Imported) -> str:
    """Return the text that is laid beside a file; empty where all is well."""
    lines = [error] if error else []
    lines += [f"line {one.line}: {one.reason}" for one in found.rejects[:_REJECTS]]
    if len(found.rejects) > _REJECTS:
        lines.append(f"and {len(found.rejects) - _REJECTS} more")
    return "".join(f"{line}\n" for line in lines)


def _set_aside(path: Path, where: str, words: str) -> str | None:
    """Move a file beside itself; return where to, None where nothing can be written."""
    folder = path.parent / where
    try:
        folder.mkdir(exist_ok=True)
        if folder.is_symlink():
            return None
        target = _free(folder, path.name)
        path.rename(target)
    except OSError:
        return None
    if words:
        _write_beside(target, words)
    return f"{where}/{target.name}"


def _free(folder: Path, name: str) -> Path:
    """Return a name that nothing has."""
    target, number = folder / name, 1
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
    return target


def _write_beside(target: Path, words: str) -> None:
    """Lay the reasons beside a file; a full stick loses no more than that."""
    try:
        with Path(f"{target}.txt").open("x", encoding="utf-8") as file:
            file.write(words)
            os.fsync(file.fileno())
    except OSError as error:
        values = {"file": target.name, "error": error.strerror or str(error)}
        log.warning("import words lost", values)
