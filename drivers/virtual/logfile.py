"""The terminal's memory as a text file that other programs may lengthen.

Only whole lines count. A line that is no record is reported with its number and left
alone. A file that became shorter is read anew: somebody cleared or rewrote the log.
"""

from collections.abc import Callable
from pathlib import Path

from drivers.attlog import AttlogLine, format_line, parse_line


class LogFile:
    """One attlog file: `poll` takes what has been added, `append` adds a line.

    `report` gets one sentence for each line that cannot be a record.
    """

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        self._path = path
        self._report = report
        self._offset = 0
        self._lines = 0
        self._unfinished = False
        self._waiting: list[AttlogLine] = []

    def create(self) -> None:
        """Make an empty file where none is.

        Raises:
            OSError: the place is not to be written or read.
        """
        with self._path.open("ab"):
            pass

    def empty(self) -> None:
        """Forget what was read; lines that others added since stay.

        Raises:
            OSError: the file is not to be written.
        """
        with self._path.open("r+b") as file:
            file.seek(self._offset)
            rest = file.read()
            file.seek(0)
            file.write(rest)
            file.truncate()
        self._offset = self._lines = 0

    def shrunk(self) -> bool:
        """Return whether the file is shorter than what was read; if so start anew."""
        if self._size() >= self._offset:
            return False
        self._offset = self._lines = 0
        return True

    def poll(self, take: Callable[[AttlogLine], None]) -> None:
        """Give every new line to `take`; a ValueError of it is reported like others."""
        self._read(take)
        # A line half written by somebody else must not be glued to ours.
        if self._waiting and not self._unfinished:
            lines = "".join(format_line(line) + "\r\n" for line in self._waiting)
            self._waiting.clear()
            with self._path.open("ab") as file:
                file.write(lines.encode())
            self._read(take)

    def append(self, line: AttlogLine) -> None:
        """Queue a line of our own; the next `poll` writes it and reads it back."""
        self._waiting.append(line)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return self._offset

    def _read(self, take: Callable[[AttlogLine], None]) -> None:
        if self._size() <= self._offset and not self._unfinished:
            return
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._unfinished = len(whole) < len(data)
        self._offset += len(whole)
        for line in whole.splitlines():
            self._lines += 1
            try:
                take(parse_line(line.decode("utf-8")))
            except ValueError as error:
                self._report(f"{self._path} line {self._lines}: {error}; skipped")
