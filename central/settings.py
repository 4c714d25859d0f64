"""central.toml into typed settings, with every problem of it and its books at once."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.core.book import ENTRIES, read_book
from gateway.core.toml import TomlError, parse
from gateway.core.walker import Problem, Walker, between, key
from sync import credentials, tls
from sync.link import Broker, host_alone
from sync.topics import TopicError, level
from sync.topics import prefix as topic_prefix

UNIT = "punchgate-central.service"


def _level(value: str) -> str | None:
    try:
        level(value)
    except TopicError as error:
        return str(error)
    return None


def _prefix(value: str) -> str | None:
    try:
        topic_prefix(value)
    except TopicError as error:
        return str(error)
    return None


def _store(value: str) -> str | None:
    """Check the URL without quoting it: a password may stand in it.

    What is taken for a host or a port is quoted by those who look for it; a password
    with a sign that ends it early must not become one.
    """
    if value.startswith("sqlite:///"):
        return None
    if not value.startswith("postgresql+psycopg://"):
        return "must be sqlite:////path/to/central.db or postgresql+psycopg://…"
    if _is_whole(value):
        return None
    return (
        "cannot be read as postgresql+psycopg://user:password@host:port/database;"
        " write @ / : # ? % of a password as %40 %2F %3A %23 %3F %25"
    )


def _is_whole(url: str) -> bool:
    """Say whether a URL can be read in one way only."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    rest = (parts.path, parts.query, parts.fragment)
    return parts.netloc.count("@") <= 1 and not any("@" in part for part in rest)


@dataclass(frozen=True, slots=True)
class CentralTable:
    """Which centre this is, where it stores, and the books of its sites."""

    id: str = key(check=_level)
    store: str = key(check=_store)
    books: tuple[str, ...] = key(())


@dataclass(frozen=True, slots=True)
class MqttTable:
    """The broker; secrets by file only."""

    host: str = key(check=host_alone)
    port: int = key(1883, check=between(1, 65535))
    prefix: str = key("att/v1", check=_prefix)
    tls_ca: str = key("", check=credentials.missing)
    tls_cert: str = key("", check=credentials.missing)
    tls_key: str = key("", check=credentials.absent)
    username: str = ""
    password_file: str = key("", check=credentials.absent)
    reconnect_max_seconds: float = key(60.0, check=between(0.1, 3600))


@dataclass(frozen=True, slots=True)
class CentralFile:
    """central.toml as a whole."""

    central: CentralTable
    mqtt: MqttTable


@dataclass(frozen=True, slots=True)
class CentralSettings:
    """What the collector needs.

    `sites` are the ids of the sites whose gateways are told that the centre is there.
    `books` are the paths of the books they came from. `concerns` hold nothing up.
    """

    id: str
    store: str
    mqtt: Broker
    prefix: str = "att/v1"
    sites: tuple[str, ...] = ()
    books: tuple[Path, ...] = ()
    reconnect_max_seconds: float = 60.0
    concerns: tuple[Problem, ...] = ()


def load(path: Path) -> tuple[CentralSettings | None, list[Problem]]:
    """Read a central file and the site ids of its books.

    Returns the settings, or None with every problem found. Paths of books are relative
    to the file.
    """
    text, problem = _read(path)
    if text is None:
        return None, [problem] if problem else []
    try:
        document = parse(text)
    except TomlError as error:
        reason = f"not TOML: {error.reason}"
        return None, [Problem(str(path), error.line, "", reason)]
    walker = Walker(str(path), document)
    mqtt = document.data.get("mqtt")
    if isinstance(mqtt, dict):
        names = credentials.MQTT_FILES
        for name in credentials.settle(mqtt, names, path.parent, UNIT):
            walker.problem(("mqtt", name), credentials.A_FILE)
    found = walker.table(CentralFile, document.data, ())
    books = _books(walker, document.data, path.parent)
    problems = sorted(walker.problems, key=lambda item: item.line)
    if found is None or problems or books.problems:
        return None, [*problems, *books.problems]
    settings = _settings(found, books)
    concerns = tuple(
        Problem(str(path), document.line(("mqtt", name)), f"mqtt.{name}", words)
        for name, words in tls.concerns(settings.mqtt)
    )
    return replace(settings, concerns=concerns), []


@dataclass(slots=True)
class _Books:
    """The books named in a file: their paths, site ids and problems."""

    paths: list[Path]
    sites: list[str]
    problems: list[Problem]


def _books(walker: Walker, data: dict[str, Any], folder: Path) -> _Books:
    table = data.get("central")
    names = table.get("books", []) if isinstance(table, dict) else []
    books = _Books([], [], [])
    for index, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str):
            _book(walker, ("central", "books", index), folder / name, books)
    return books


def _book(
    walker: Walker, where: tuple[str | int, ...], path: Path, books: _Books
) -> None:
    text, problem = _read(path)
    if text is None:
        walker.problem(where, f"the book {path} {problem.reason if problem else ''}")
        return
    entries = path.with_name(ENTRIES)
    lines, problem = _read(entries) if entries.exists() else ("", None)
    if lines is None:
        books.problems += [problem] if problem else []
        return
    book, problems = read_book(text, str(path), lines, str(entries))
    books.problems += problems
    if book is None:
        return
    if book.site.id in books.sites:
        walker.problem(where, f"another book is of site {book.site.id!r} already")
    books.paths.append(path)
    books.sites.append(book.site.id)


def _read(path: Path) -> tuple[str | None, Problem | None]:
    try:
        return path.read_text(encoding="utf-8-sig"), None
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
    return None, Problem(str(path), 1, "", reason)


def _settings(found: CentralFile, books: _Books) -> CentralSettings:
    mqtt = found.mqtt
    broker = Broker(
        host=mqtt.host,
        port=mqtt.port,
        client_id=f"punchgate-central-{found.central.id}",
        tls_ca=mqtt.tls_ca,
        tls_cert=mqtt.tls_cert,
        tls_key=mqtt.tls_key,
        username=mqtt.username,
        password_file=mqtt.password_file,
    )
    return CentralSettings(
        id=found.central.id,
        store=found.central.store,
        mqtt=broker,
        prefix=mqtt.prefix,
        sites=tuple(books.sites),
        books=tuple(books.paths),
        reconnect_max_seconds=mqtt.reconnect_max_seconds,
    )
