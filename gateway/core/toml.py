"""TOML text with the line of every key, so that a problem can be shown where it is.

`tomllib` reads the values; it does not say on which line they stood. `lines_of` finds
the lines with a small scanner that knows headers, keys, brackets and strings only. It
refuses nothing: what is not TOML is refused by `tomllib` before it is called.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.)?""")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_OPEN_QUOTES = ('"""', "'''", '"', "'")


class TomlError(ValueError):
    """The text is not TOML; `line` is where reading stopped (1-based)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a TOML text and the lines of their keys."""

    data: dict[str, Any]
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest key above it; 1 for none."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str) -> Document:
    """Read TOML.

    Raises:
        TomlError: with the line and the reason in words.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise TomlError(line, _AT_LINE.sub("", str(error)).strip()) from None
    return Document(data, lines_of(text))


def lines_of(text: str) -> dict[Path, int]:
    """Return key path → 1-based line for a text that `tomllib` accepted."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    value = _Value()
    for number, line in enumerate(text.split("\n"), 1):
        if value.open:
            value.feed(line)
            continue
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("["):
            array = stripped.startswith("[[")
            name, _ = _keys(stripped[2 if array else 1 :])
            table = _resolve(name, counts)
            if array:
                # The array itself stands where its first row does.
                lines.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines[table] = number
            continue
        name, rest = _keys(line)
        lines.setdefault((*table, *name), number)
        value.feed(rest)
    return lines


def _resolve(name: Path, counts: dict[Path, int]) -> Path:
    """Put the current index behind every array of tables that `name` passes through."""
    path: Path = ()
    for depth, key in enumerate(name):
        path = (*path, key)
        if path in counts and depth < len(name) - 1:
            path = (*path, counts[path])
    return path


def _keys(text: str) -> tuple[Path, str]:
    """Split a dotted key from the text behind it."""
    keys: list[str] = []
    position = 0
    while found := _KEY.match(text, position):
        basic, literal, bare = found.groups()[:3]
        keys.append(_unescaped(basic) if basic is not None else literal or bare or "")
        position = found.end()
        if not found[4]:
            break
    return tuple(keys), text[position:]


def _unescaped(basic: str) -> str:
    return str(tomllib.loads(f'key = "{basic}"')["key"]) if "\\" in basic else basic


class _Value:
    """Follows a value over several lines: open brackets and open long strings."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def open(self) -> bool:
        return self._depth > 0 or bool(self._quote)

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            position = self._step(text, position)

    def _step(self, text: str, position: int) -> int:
        if self._quote:
            if text[position] == "\\" and self._quote[0] == '"':
                return position + 2
            if text.startswith(self._quote, position):
                return self._closed(text, position)
            return position + 1
        for quote in _OPEN_QUOTES:
            if text.startswith(quote, position):
                self._quote = quote
                return position + len(quote)
        character = text[position]
        if character == "#":
            return len(text)
        self._depth += (character in "[{") - (character in "]}")
        return position + 1

    def _closed(self, text: str, position: int) -> int:
        """Return the place behind closing quotes.

        A long string may end with one or two quotes of its own before the three.
        """
        end = position + len(self._quote)
        if len(self._quote) > 1:
            own = text[end : end + 2]
            end += len(own) - len(own.lstrip(self._quote[0]))
        self._quote = ""
        return end
