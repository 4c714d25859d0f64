"""Opening the journal, and the one thread that writes it.

One process holds `data_dir/lock`; inside it one thread holds the only writing
connection. Jobs wait in a queue; the thread takes all that wait, runs them in one
`BEGIN IMMEDIATE` transaction and answers them after the commit, so load makes the
groups and nobody waits for a timer. A failing commit is the end of the process: a punch
that cannot be stored must not be acknowledged.
"""

import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlite_utils import Database

from gateway.errors import StoreError
from gateway.store import drain, schema

T = TypeVar("T")
Job = Callable[[Database], T]

FILE = "journal.db"
LOCK = "lock"
_GROUP = 256
_ADVICE = (
    "nothing further is stored or acknowledged; free space or mend the disk and start"
    " again, the terminals still hold what is missing"
)


@dataclass(frozen=True, slots=True)
class Start:
    """How the journal was found: the session number, and whether to trust cursors."""

    session: int
    unclean: bool


class Lock:
    """`flock` on `data_dir/lock`: exactly one process writes a journal."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / LOCK
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            StoreError: when another process has it, or the folder is not writable.
        """
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise StoreError(
                f"{self._path.parent} cannot be written: {error.strerror}; {_ADVICE}"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise StoreError(
                f"another punchgate (process {holder or 'unknown'}) works on"
                f" {self._path.parent}; stop it first"
            ) from None
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            self.release()
            raise StoreError(
                f"{self._path} cannot be written: {error.strerror}; {_ADVICE}"
            ) from None

    def release(self) -> None:
        """Give the lock back; the file stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Journal:
    """The journal of one gateway, opened for writing."""

    def __init__(self, data_dir: Path, version: str) -> None:
        self.path = data_dir / FILE
        self._version = version
        self._lock = Lock(data_dir)
        self._queue: queue.SimpleQueue[_Waiting[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._gate = threading.Lock()
        self._failure: StoreError | None = None

    def open(self) -> Start:
        """Lock, check and migrate the journal, then start the writing thread.

        Raises:
            StoreError: in words; `NewerJournalError` for a journal from the future.
        """
        self._lock.take()
        try:
            db = drain.connect(self.path)
            try:
                started = self._begin(db)
            except (sqlite3.Error, StoreError):
                db.conn.close()
                raise
        except sqlite3.Error as error:
            self._lock.release()
            raise StoreError(f"{self.path}: {error}; {_ADVICE}") from error
        except StoreError:
            self._lock.release()
            raise
        self._thread = threading.Thread(
            target=self._write, args=(db,), name="journal", daemon=True
        )
        self._thread.start()
        return started

    def _begin(self, db: Database) -> Start:
        unclean = schema.get(db, "clean") == "no"
        if unclean and (damage := drain.damage(db)):
            raise StoreError(f"{self.path} is damaged ({damage}); {_ADVICE}")
        schema.migrate(db, self._version)
        session = int(schema.get(db, "session") or 0) + 1
        with db.atomic():
            schema.put(db, "session", str(session))
            schema.put(db, "clean", "no")
        return Start(session, unclean)

    @property
    def failure(self) -> StoreError | None:
        """Why the journal writes no more, if so."""
        return self._failure

    def submit(self, job: Job[T]) -> "Future[T]":
        """Queue a job; its future is done after the commit that holds its writes.

        A `sqlite3` error anywhere in the group ends the journal and reaches every
        future as `StoreError`; any other exception undoes and reaches its job alone.
        """
        waiting = _Waiting(job)
        with self._gate:
            if self._thread is not None:
                self._queue.put(waiting)
                return waiting.future
        waiting.answer(StoreError(f"{self.path} is not open"))
        return waiting.future

    def close(self, *, clean: bool = True) -> None:
        """Finish what waits, mark the stop as clean, give the lock back.

        A visitor who found the journal uncleanly stopped leaves it so: the daemon's
        next start must read every log in full.
        """
        if clean and self._failure is None:
            self.submit(lambda db: schema.put(db, "clean", "yes"))
        with self._gate:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()
        self._lock.release()

    def _write(self, db: Database) -> None:
        while (waiting := self._queue.get()) is not None:
            group = [waiting]
            stop = False
            while len(group) < _GROUP and not stop and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    stop = True
                else:
                    group.append(more)
            self._commit(db, group)
            if stop:
                break
        db.conn.close()

    def _commit(self, db: Database, group: "list[_Waiting[Any]]") -> None:
        # Whoever waits may have gone; from here on nobody can go any more.
        group = [one for one in group if one.future.set_running_or_notify_cancel()]
        if self._failure is None:
            try:
                drain.begin(db)
                for waiting in group:
                    waiting.run(db)
                db.commit()
            except sqlite3.Error as error:
                db.rollback()
                self._failure = StoreError(f"{self.path}: {error}; {_ADVICE}")
        for waiting in group:
            waiting.answer(self._failure)


class _Waiting(Generic[T]):
    """A job in the queue and, after the commit, its answer."""

    def __init__(self, job: Job[T]) -> None:
        self.future: Future[T] = Future()
        self._job = job
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self, db: Database) -> None:
        """Run inside a savepoint; a job's own mistake undoes only its own writes."""
        try:
            with db.atomic():
                self._result = self._job(db)
        except sqlite3.Error:
            raise
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked, as an executor does
            self._error = error

    def answer(self, failure: StoreError | None) -> None:
        """Tell the one who waits; not before the commit, never twice."""
        error = failure or self._error
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self._result)  # type: ignore[arg-type]
