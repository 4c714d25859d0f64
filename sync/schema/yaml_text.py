"""A value as YAML that people read; generating it asks for no package.

Only what a generated document holds: mappings, lists, texts, whole numbers, truth
values and nothing. Reading it back gives the same value (a test does so with PyYAML).
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

Value = Mapping[str, "Value"] | Sequence["Value"] | str | int | bool | None

_WIDTH = 88
_LONG = 60
_STEP = "  "
_PLAIN = re.compile(r"[^\W\d_][^:#]*", re.ASCII)
_KEY = re.compile(r"[$A-Za-z_][\w$.-]*", re.ASCII)
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def dump(value: Value) -> str:
    """Return a mapping or a list as a YAML document.

    Raises:
        TypeError: for a value of another type, fractions among them.
    """
    return "".join(f"{line}\n" for line in _block(value, ""))


def _block(value: Value, indent: str) -> Iterator[str]:
    """Yield the lines of a mapping or a list that is not empty."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _item(f"{indent}{_key(key)}:", item, indent)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _entry(item, indent)
    else:
        raise TypeError(f"{value!r} is no document")


def _item(head: str, value: Value, indent: str) -> Iterator[str]:
    """Yield a key or a dash with what belongs to it."""
    if isinstance(value, str):
        first, *rest = _text(value, indent + _STEP)
        yield f"{head} {first}"
        yield from rest
    elif isinstance(value, Mapping | Sequence):
        if value:
            yield head
            yield from _block(value, indent + _STEP)
        else:
            yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"
    else:
        yield f"{head} {_scalar(value)}"


def _entry(value: Value, indent: str) -> Iterator[str]:
    """Yield an item of a list; the first key of a mapping stands behind its dash."""
    if isinstance(value, Mapping) and value:
        first, *rest = _block(value, indent + _STEP)
        yield f"{indent}- {first.lstrip()}"
        yield from rest
    else:
        yield from _item(f"{indent}-", value, indent)


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{value!r} cannot be written")


def _key(text: str) -> str:
    plain = _KEY.fullmatch(text) and text.lower() not in _RESERVED
    return text if plain else _quoted(text)


def _text(text: str, indent: str) -> list[str]:
    """Return a text: its first line as it stands behind a key, then the others."""
    lines = text.split("\n")
    if len(lines) > 1 and _is_block(lines):
        return ["|-", *(indent + line if line else "" for line in lines)]
    if len(text) > _LONG and text.isprintable() and " ".join(text.split()) == text:
        width = max(_WIDTH - len(indent), _LONG // 2)
        wrapped = textwrap.wrap(
            text, width, break_long_words=False, break_on_hyphens=False
        )
        return [">-", *(indent + line for line in wrapped)]
    plain = _PLAIN.fullmatch(text) and text.isprintable() and text == text.strip()
    if plain and text.lower() not in _RESERVED:
        return [text]
    return [_quoted(text)]


def _is_block(lines: Sequence[str]) -> bool:
    """Say whether lines can stand as they are: ends that are seen, nothing hidden."""
    shown = all(line.isprintable() and (not line or line.strip()) for line in lines)
    return shown and bool(lines[0] and lines[-1]) and not lines[0].startswith(" ")


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"
