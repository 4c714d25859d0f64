"""gateway.toml into typed settings, every problem of it and its book at once."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway import book_files, central_book, desk_settings, subnets
from gateway.central_book import CentralBook
from gateway.core.book import ENTRIES, Book
from gateway.core.book.fields import identifier
from gateway.core.normalise import VERIFY_CODES
from gateway.core.toml import Document, TomlError, parse
from gateway.core.values import VerifyMode
from gateway.core.walker import Problem, Walker, between, column, filled, key, show
from gateway.desk_settings import ReaderSettings
from gateway.errors import ConfigError
from gateway.texts import read_text
from sync import credentials, tls
from sync.link import Broker, host_alone

Port = between(1, 65535)
BOOK_OF_CENTRE = "central"
UNIT = "punchgate.service"
topic_level = identifier  # an id of ours becomes one level of a topic
_KEY_DIGITS = 10


class Confirm(StrEnum):
    """Whose word makes a punch delivered."""

    CENTRAL = "central"
    BROKER = "broker"


class DriverName(StrEnum):
    """The drivers a terminal may be read with."""

    ZK = "zk"
    PYZK = "pyzk"


class Transport(StrEnum):
    """How a terminal is spoken to."""

    TCP = "tcp"
    UDP = "udp"


def _encoding(value: str) -> str | None:
    try:
        "".encode(value)
    except (LookupError, ValueError):  # ValueError: NUL in it, or `undefined`
        return f"unknown encoding {value!r}; gb18030 and utf-8 are usual"
    return None


def _key_file(value: str) -> str | None:
    if credentials.is_foreign(value) or (reason := credentials.absent(value)):
        return None if credentials.is_foreign(value) else reason
    try:
        comm_key(value)
    except ValueError as error:
        return str(error)
    return None


def _textfile(value: str) -> str | None:
    path = Path(value)
    if value and not (path.is_absolute() and path.suffix == ".prom"):
        return "must be a whole path that ends in .prom"
    return None


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Who this gateway is and where it keeps its data.

    `keep_days`: for how long entries stay in the outbox, if they are confirmed.
    `import_names`: what stands before `_attlog.dat` → the terminal it is of.
    """

    id: str = key(check=topic_level)
    site: str = key(check=topic_level)
    data_dir: str = key(check=filled)
    book: str = key(check=filled)
    keep_days: int = key(90, check=between(1, 3_660))
    import_dir: str = key("", check=desk_settings.folder)
    import_names: dict[str, str] = field(default_factory=dict)
    scan_subnets: tuple[str, ...] = key((), check=subnets.problem)


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker; secrets by file only."""

    host: str = key(check=host_alone)
    port: int = key(1883, check=Port)
    prefix: str = key("att/v1", check=filled)
    confirm: Confirm = Confirm.CENTRAL
    tls_ca: str = key("", check=credentials.missing)
    tls_cert: str = key("", check=credentials.missing)
    tls_key: str = key("", check=credentials.absent)
    username: str = ""
    password_file: str = key("", check=credentials.absent)
    reconnect_max_seconds: float = key(60.0, check=between(0.1, 3600))


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """One terminal and how it is read; None in `silent_hours`: as the alarms say."""

    id: str = key(check=topic_level)
    host: str = key(check=filled)
    driver: DriverName = DriverName.ZK
    port: int = key(4370, check=Port)
    transport: Transport = Transport.TCP
    comm_key_file: str = key("", check=_key_file)
    serial: str | None = None
    poll_seconds: float = key(30.0, check=between(0.1, 86400))
    live: bool = True
    encoding: str = key("gb18030", check=_encoding)
    timeout_seconds: float = key(10.0, check=between(0.1, 600))
    verify_codes: dict[int, VerifyMode] | None = None
    silent_hours: float | None = key(None, check=between(0, 8784))

    def codes(self) -> dict[int, VerifyMode]:
        """Return what this terminal's verify codes mean."""
        found = self.verify_codes
        return dict(VERIFY_CODES) if found is None else found


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """From when on `health` and every other alarm outlet speak up.

    `silent_hours`: weekends and three free days pass unnoticed, from Friday evening to
    Tuesday morning; 0: a terminal may be silent for ever. `textfile` empty: none.
    """

    silent_hours: float = key(96.0, check=between(0, 8784))
    log_warn_percent: float = key(80.0, check=between(1, 100))
    clock_warn_seconds: float = key(60.0, check=between(1, 86400))
    backlog_warn_minutes: float = key(10.0, check=between(0.1, 10080))
    textfile: str = key("", check=_textfile)


@dataclass(frozen=True, slots=True)
class Settings:
    """gateway.toml as a whole."""

    gateway: GatewaySettings
    mqtt: MqttSettings
    terminals: tuple[TerminalSettings, ...]
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    readers: tuple[ReaderSettings, ...] = ()

    @property
    def pins(self) -> list[tuple[str, str | None]]:
        """Return the terminals with the serials that the settings pin."""
        return [(one.id, one.serial) for one in self.terminals]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and book without problems, and the files they stand in.

    `concerns` hold nothing up and should be seen to all the same. `received` is the
    centre's book where that is followed and has come. `heard` are the serials of
    terminals that neither the book nor the settings have, as they said them.
    """

    settings: Settings
    book: Book
    book_path: Path
    path: Path
    concerns: tuple[Problem, ...] = ()
    received: CentralBook | None = None
    heard: dict[str, str] = field(default_factory=dict)

    @property
    def follows_centre(self) -> bool:
        """Say whether the book comes from the centre."""
        return self.settings.gateway.book == BOOK_OF_CENTRE

    @property
    def book_digest(self) -> str | None:
        """Return what tells this book from others; None while there is none."""
        if self.follows_centre:
            return self.received.digest if self.received else None
        files = book_files.open_files(self.book_path)
        return hashlib.sha256((files.text + files.entries).encode()).hexdigest()

    @property
    def book_stamp(self) -> tuple[tuple[int, int] | None, ...]:
        """Return what changes when somebody writes the book or its entries.

        Nobody writes the centre's book here but ourselves.
        """
        if self.follows_centre:
            return ()
        path = self.book_path
        return _stamp(path), _stamp(path.with_name(ENTRIES))

    def book_serial(self, terminal: str) -> str:
        """Return the serial the book has for a terminal of the settings.

        With a book of the centre that does not have the terminal it is the one that the
        settings pin, else the one it said, else empty.
        """
        found = self.book.terminal(terminal)
        if found or not self.follows_centre:
            return found.serial if found else ""
        pinned = dict(self.settings.pins).get(terminal)
        return pinned or self.heard.get(terminal, "")

    @property
    def serials(self) -> dict[str, str]:
        """Return terminal → serial, where it is known."""
        found = {one.id: self.book_serial(one.id) for one in self.settings.terminals}
        return {name: serial for name, serial in found.items() if serial}

    def claim(self, terminal: str, serial: str) -> str | None:
        """Note which serial a terminal said; return another one that has it already."""
        for other, known in self.serials.items():
            if other != terminal and known == serial:
                return other
        self.heard[terminal] = serial
        return None

    @property
    def data_dir(self) -> Path:
        """Return the folder of the journal, the lock and the control socket."""
        return Path(self.settings.gateway.data_dir)


def load(path: Path) -> Loaded:
    """Read a gateway file and its book.

    Raises:
        ConfigError: with every problem of both files.
    """
    try:
        document = parse(read_text(path))
    except TomlError as error:
        reason = f"not TOML: {error.reason}"
        raise ConfigError([Problem(str(path), error.line, "", reason)]) from None
    walker = Walker(str(path), document)
    _settle(walker, document.data, path.parent)
    settings = walker.table(Settings, document.data, ())
    _unique_terminals(walker, document.data)
    desk_settings.check(walker, document.data)
    book_path, book, book_problems = _book(walker, document.data, path.parent)
    problems = sorted(walker.problems, key=lambda problem: problem.line)
    if settings is None or problems or book_problems:
        raise ConfigError([*problems, *book_problems])
    concerns = tuple(_concerns(settings, document, path))
    if book is not None:
        return Loaded(settings, book, book_path, path, concerns)
    return _with_central(walker, settings, path, concerns)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return when a file was written and its length; None while it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _settle(walker: Walker, data: dict[str, Any], folder: Path) -> None:
    """Let the names of files mean files, before anything looks at them."""
    terminals = data.get("terminals")
    tables: list[tuple[tuple[str | int, ...], Any, tuple[str, ...]]] = [
        (("mqtt",), data.get("mqtt"), credentials.MQTT_FILES)
    ]
    for index, row in enumerate(terminals if isinstance(terminals, list) else []):
        tables.append((("terminals", index), row, ("comm_key_file",)))
    for where, row, names in tables:
        if isinstance(row, dict):
            for name in credentials.settle(row, names, folder, UNIT):
                walker.problem((*where, name), credentials.A_FILE)


def _concerns(settings: Settings, document: Document, path: Path) -> Iterator[Problem]:
    """Yield what others may read, and certificates that will not last."""
    mqtt = settings.mqtt
    broker = Broker(
        host=mqtt.host,
        port=mqtt.port,
        client_id="",
        tls_ca=mqtt.tls_ca,
        tls_cert=mqtt.tls_cert,
        tls_key=mqtt.tls_key,
        password_file=mqtt.password_file,
    )
    for name, words in tls.concerns(broker):
        yield Problem(str(path), document.line(("mqtt", name)), f"mqtt.{name}", words)
    for index, words in desk_settings.absent(settings.readers):
        where = ("readers", index, "port")
        yield Problem(str(path), document.line(where), show(where), words)
    for index, terminal in enumerate(settings.terminals):
        if words := credentials.exposure(terminal.comm_key_file):
            where = ("terminals", index, "comm_key_file")
            yield Problem(str(path), document.line(where), show(where), words)


def _unique_terminals(walker: Walker, data: dict[str, Any]) -> None:
    ids = column(data, "terminals", "id")
    for index, value in ids.items():
        if value in [other for row, other in ids.items() if row < index]:
            walker.problem(
                ("terminals", index, "id"), f"{value!r} stands already above"
            )


def _book(
    walker: Walker, data: dict[str, Any], folder: Path
) -> tuple[Path, Book | None, list[Problem]]:
    name = _text(data, "gateway", "book")
    path = folder / (name or "")
    if not name or name == BOOK_OF_CENTRE:
        return path, None, []
    try:
        files = book_files.open_files(path)
        with contextlib.suppress(TomlError):  # reading the book reports it
            _agree(walker, data, parse(files.text).data)
        return path, *files.read()
    except ConfigError as error:
        reason = error.problems[0].reason
        walker.problem(("gateway", "book"), f"the book {path} {reason}")
        return path, None, []


def _with_central(
    walker: Walker, settings: Settings, path: Path, concerns: tuple[Problem, ...]
) -> Loaded:
    """Complete settings with the last book of the centre, or with an empty one."""
    where = Path(settings.gateway.data_dir) / central_book.FILE
    last = central_book.last(where, settings.gateway.site)
    if last.unusable:
        concerns = (*concerns, Problem(str(path), 1, "gateway.book", last.unusable))
    for index, reason in central_book.contradicted(last.book, settings.pins):
        walker.problem(("terminals", index, "serial"), reason)
    if walker.problems:
        raise ConfigError(walker.problems)
    return Loaded(settings, last.book, where, path, concerns, last.received)


def _agree(walker: Walker, data: dict[str, Any], book: dict[str, Any]) -> None:
    """Note where gateway file and book, both as written, contradict each other."""
    desk_settings.agree(walker, data, book)
    site, site_of_book = _text(data, "gateway", "site"), _text(book, "site", "id")
    if site and site_of_book and site != site_of_book:
        walker.problem(("gateway", "site"), f"the book is of site {site_of_book!r}")
    rows = column(book, "terminals", "id")
    numbers = column(book, "terminals", "serial")
    known = {terminal: numbers.get(row) for row, terminal in rows.items()}
    serials = column(data, "terminals", "serial")
    for index, terminal in column(data, "terminals", "id").items():
        serial = known.get(terminal)
        if terminal not in known:
            walker.problem(
                ("terminals", index, "id"),
                f"the book has no terminal {terminal!r}; add it with its serial",
            )
        elif serial and serials.get(index, serial) != serial:
            walker.problem(
                ("terminals", index, "serial"),
                f"{serials[index]!r} is not {serial!r} of the book",
            )


def _text(data: dict[str, Any], table: str, name: str) -> str | None:
    """Return a text as written, also from a table with other problems."""
    rows = data.get(table)
    value = rows.get(name) if isinstance(rows, dict) else None
    return value if isinstance(value, str) else None


def comm_key(path: str) -> int:
    """Read a comm key from its file; 0 for no file.

    Raises:
        ValueError: in words, without the key.
    """
    if not path:
        return 0
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not text.isdecimal() or len(text) > _KEY_DIGITS or int(text) >= 2**32:
        raise ValueError(f"{path} must hold one number from 0 to {2**32 - 1}")
    return int(text)
