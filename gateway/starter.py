"""The first files of a site, written from what answered: gateway.toml and book.toml.

Texts only. What a terminal says of itself becomes TOML strings, whatever is in it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.base import TerminalUser

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_SERIAL_END = 4
_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A terminal for both files; `key_file` is empty where it wants no key."""

    id: str
    serial: str
    host: str
    port: int
    transport: str
    encoding: str
    key_file: str
    model: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person invented for a badge, with a guess of the name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge of a person on one terminal, or on all (`*`)."""

    person: str
    badge: str
    terminal: str


def slug(text: str) -> str:
    """Return an id made of a name: small letters, digits, single hyphens."""
    return _NOT_IN_IDS.sub("-", text.lower()).strip("-")[:_LONGEST_ID].strip("-")


def ids(names: Sequence[tuple[str, str]]) -> list[str]:
    """Return an id for each (model, serial), none twice and all fit for topics."""
    found: list[str] = []
    for model, serial in names:
        base = slug(model) or "terminal"
        one = base
        if one in found:
            one = f"{base}-{slug(serial)[-_SERIAL_END:].strip('-') or 'next'}"
        number = 2
        while one in found:
            one = f"{base}-{number}"
            number += 1
        found.append(one)
    return found


def people(
    users: Iterable[tuple[str, Sequence[TerminalUser]]],
) -> tuple[list[Person], list[Badge]]:
    """Invent people for the users of terminals, given as (terminal id, users).

    One badge with one name everywhere is one person with one row for all terminals;
    where names differ, each name is a person with rows of its own. Of a badge that one
    terminal has twice the first name counts.
    """
    names: dict[str, dict[str, list[str]]] = {}
    for terminal, known in users:
        own: dict[str, str] = {}
        for user in known:
            badge = _plain(user.badge)
            own.setdefault(badge, _plain(user.name) or badge)
        for badge, name in own.items():
            if badge:
                names.setdefault(badge, {}).setdefault(name, []).append(terminal)
    rows = [(badge, name) for badge, by_name in names.items() for name in by_name]
    width = max(2, len(str(len(rows))))
    persons: list[Person] = []
    badges: list[Badge] = []
    for number, (badge, name) in enumerate(rows, 1):
        person = Person(f"p{number:0{width}}", name)
        persons.append(person)
        shared = len(names[badge]) > 1
        places = names[badge][name] if shared else ["*"]
        badges += [Badge(person.id, badge, place) for place in places]
    return persons, badges


def rows_to_paste(persons: Sequence[Person], badges: Sequence[Badge]) -> str:
    """Return [[people]] and [[enrolments]] for the book."""
    text = [
        f"[[people]]\nid = {quoted(one.id)}\nname = {quoted(one.name)}\n"
        for one in persons
    ]
    text += [
        f"[[enrolments]]\nperson = {quoted(one.person)}\n"
        f"terminal = {quoted(one.terminal)}\nbadge = {quoted(one.badge)}\n"
        for one in badges
    ]
    return "\n".join(text)


def gateway_file(  # noqa: PLR0913 - the keys of the file
    *,
    gateway: str,
    site: str,
    data_dir: str,
    book: str,
    broker: tuple[str, int],
    terminals: Sequence[Entry],
) -> str:
    """Return the text of gateway.toml."""
    head = _GATEWAY.format(
        gateway=quoted(gateway),
        site=quoted(site),
        data_dir=quoted(data_dir),
        book=quoted(book),
        host=quoted(broker[0]),
        port=broker[1],
    )
    return head + "".join(_terminal(one) for one in terminals)


def book_file(
    *, site: str, zone: str, zone_fits: bool, version: str, terminals: Sequence[Entry]
) -> str:
    """Return the text of a book that has terminals and nobody yet."""
    head = _BOOK.format(
        site=quoted(site),
        zone=quoted(zone),
        guess="" if zone_fits else "  # a guess: no terminal's clock fits it",
        version=quoted(version),
    )
    rows = (
        f"\n[[terminals]]\nid = {quoted(one.id)}\nserial = {quoted(one.serial)}\n"
        'place = ""                      # where it hangs\n'
        for one in terminals
    )
    return head + "".join(rows)


def _terminal(one: Entry) -> str:
    lines = [
        "",
        f"[[terminals]]{' ' * 19}# {_plain(one.model)}".rstrip(" #"),
        f"id = {quoted(one.id)}",
        f"host = {quoted(one.host)}",
        f"port = {one.port}",
        f"serial = {quoted(one.serial)}",
    ]
    if one.transport != "tcp":
        lines.append(f"transport = {quoted(one.transport)}")
    if one.key_file:
        lines.append(f"comm_key_file = {quoted(one.key_file)}")
    if one.encoding != "gb18030":
        lines.append(f"encoding = {quoted(one.encoding)}")
    return "\n".join([*lines, "poll_seconds = 30", "live = true", ""])


def quoted(text: str) -> str:
    """Return a TOML string; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return text of a terminal without what cannot be printed."""
    return "".join(c for c in text if c.isprintable()).strip()


_GATEWAY = """\
# Written by `punchgate init` from what answered. Every other key, with its meaning, is
# in gateway.example.toml. After a change: punchgate check-config.
[gateway]
id = {gateway}
site = {site}
data_dir = {data_dir}
book = {book}                # relative to this file

[mqtt]
host = {host}              # where the broker is
port = {port}
confirm = "central"             # "broker" where no centre of ours acknowledges

[alarms]                        # from when on `punchgate health` and the log speak up
silent_hours = 96               # a terminal answers and brings nothing new for so long:
                                # weekends and three free days pass; 0 = never
log_warn_percent = 80           # of the records that a terminal can hold
clock_warn_seconds = 60         # a terminal's clock is off by more
backlog_warn_minutes = 10       # the oldest entry waits for the centre longer
textfile = ""                   # for Prometheus, a whole path that ends in .prom
"""

_BOOK = """\
# The book of one site, begun by `punchgate init`. Every other table, with its meaning,
# is in book.example.toml. Put [[people]] and [[enrolments]] below.
version = {version}

[site]
id = {site}
name = ""                       # as people call it
timezone = {zone}{guess}
calendar = "CN"
"""
