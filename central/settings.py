"""central.toml into typed settings, with every problem of it and its books at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.book import read_book
from gateway.core.toml import TomlError, parse
from gateway.core.walker import Problem, Walker, between, filled, key
from sync.link import Broker
from sync.topics import TopicError, level
from sync.topics import prefix as topic_prefix


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


def _file(value: str) -> str | None:
    return f"there is no file {value}" if value and not Path(value).is_file() else None


def _store(value: str) -> str | None:
    if value.startswith(("sqlite:///", "postgresql+psycopg://")):
        return None
    return "must be sqlite:////path/to/central.db or postgresql+psycopg://…"


@dataclass(frozen=True, slots=True)
class CentralTable:
    """Which centre this is, where it stores, and the books of its sites."""

    id: str = key(check=_level)
    store: str = key(check=_store)
    books: tuple[str, ...] = key(())


@dataclass(frozen=True, slots=True)
class MqttTable:
    """The broker; secrets by file only."""

    host: str = key(check=filled)
    port: int = key(1883, check=between(1, 65535))
    prefix: str = key("att/v1", check=_prefix)
    tls_ca: str = key("", check=_file)
    tls_cert: str = key("", check=_file)
    tls_key: str = key("", check=_file)
    username: str = ""
    password_file: str = key("", check=_file)
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
    `books` are the paths of the books they came from.
    """

    id: str
    store: str
    mqtt: Broker
    prefix: str = "att/v1"
    sites: tuple[str, ...] = ()
    books: tuple[Path, ...] = ()
    reconnect_max_seconds: float = 60.0


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
    found = walker.table(CentralFile, document.data, ())
    books = _books(walker, document.data, path.parent)
    problems = sorted(walker.problems, key=lambda item: item.line)
    if found is None or problems or books.problems:
        return None, [*problems, *books.problems]
    return _settings(found, books), []


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
    book, problems = read_book(text, str(path))
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
