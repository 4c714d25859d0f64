"""Plans and writes the first files of a site: never over a file that somebody wrote."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway import starter
from gateway.probe import Answer
from gateway.settings import topic_level
from gateway.starter import Badge, Entry, Person
from gateway.survey import Options, Sight

BOOK = "book.toml"
_BROKER = ("127.0.0.1", 1883)
_SYSTEM = Path("/etc/punchgate")
_SYSTEM_DATA = "/var/lib/punchgate"
_USER = "punchgate"
_ZONE = "Asia/Shanghai"
_ZONE_SECONDS = 900
_SECRET, _READABLE = 0o600, 0o640


@dataclass(frozen=True, slots=True)
class Plan:
    """What the files are made of. `by_id` has the terminals that go into them.

    `zone_fits`: the clock of at least one of them is right in `zone`; else that is a
    guess.
    """

    path: Path
    zone: str
    zone_fits: bool
    by_id: Mapping[str, Sight]
    entries: tuple[Entry, ...]
    people: tuple[Person, ...]
    badges: tuple[Badge, ...]

    def id_of(self, sight: Sight) -> str | None:
        """Return the id a terminal got; None for what goes into no file."""
        return next((one for one, found in self.by_id.items() if found == sight), None)


def plan(
    sights: Sequence[Sight], path: Path, options: Options, key_file: Path | None
) -> Plan:
    """Choose what goes into gateway.toml at `path`: each serial once, with an id."""
    used: dict[str, Sight] = {}
    for sight in sights:
        if sight.info is not None and topic_level(sight.info.serial) is None:
            used.setdefault(sight.info.serial, sight)
    models = {serial: s.info.name for serial, s in used.items() if s.info is not None}
    names = starter.ids([(models[serial], serial) for serial in used])
    by_id = dict(zip(names, used.values(), strict=True))
    entries = [
        Entry(
            id=one,
            serial=serial,
            host=sight.place.host,
            port=sight.place.port,
            transport=sight.found.transport,
            encoding=options.encoding,
            key_file=_key_file(one, sight, path, options, key_file),
            model=models[serial],
        )
        for one, (serial, sight) in zip(names, used.items(), strict=True)
    ]
    people, badges = starter.people((one, s.users) for one, s in by_id.items())
    zone, fits = _zone(list(used.values()))
    return Plan(path, zone, fits, by_id, tuple(entries), tuple(people), tuple(badges))


def _key_file(
    name: str, sight: Sight, path: Path, options: Options, given: Path | None
) -> str:
    """Return which file holds the key of a terminal that wants one."""
    if sight.found.answer is not Answer.KEY or not options.comm_key:
        return ""
    return str((given or path.with_name(f"{name}.key")).absolute())


def _zone(used: Sequence[Sight]) -> tuple[str, bool]:
    """Return the zone most terminals' clocks are right in: this machine's, or China.

    And whether it is right for any of them.
    """

    def right(name: str) -> int:
        offsets = [sight.offset_seconds(ZoneInfo(name)) for sight in used]
        return sum(o is not None and abs(o) < _ZONE_SECONDS for o in offsets)

    best = max((_zone_of_machine(), _ZONE), key=right)
    return best, right(best) > 0


def _zone_of_machine() -> str:
    named = os.environ.get("TZ") or str(Path("/etc/localtime").resolve())
    name = named.rpartition("zoneinfo/")[2].removeprefix(":")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _ZONE
    return name


def texts(made: Plan, *, site: str, gateway: str, version: str) -> dict[Path, str]:
    """Return the files' texts by path; `version` is the book's."""
    path = made.path
    data = _SYSTEM_DATA if path.parent == _SYSTEM else str(path.parent / "data")
    return {
        path.with_name(BOOK): starter.book_file(
            site=site,
            zone=made.zone,
            zone_fits=made.zone_fits,
            version=version,
            terminals=made.entries,
        ),
        path: starter.gateway_file(
            gateway=gateway,
            site=site,
            data_dir=data,
            book=BOOK,
            broker=_BROKER,
            terminals=made.entries,
        ),
    }


def in_the_way(path: Path) -> Path | None:
    """Return a file that somebody wrote where one of ours would come."""
    files = (path, path.with_name(BOOK))
    return next((one for one in files if one.exists() and not _is_example(one)), None)


def _is_example(path: Path) -> bool:
    """Say whether a file is the example as it was installed, which nobody wrote."""
    kind = "book" if path.name == BOOK else "gateway"
    share = Path(sys.prefix) / "share" / "punchgate" / "config"
    try:
        return (share / f"{kind}.example.toml").read_bytes() == path.read_bytes()
    except OSError:
        return False


def write(made: Plan, files: Mapping[Path, str], comm_key: int) -> list[Path]:
    """Write the files, and the keys that are in no file yet; return what was written.

    Raises:
        OSError: a file came meanwhile, or the folder cannot be written.
    """
    keys = {Path(one.key_file) for one in made.entries if one.key_file}
    fresh = sorted(key for key in keys if not key.exists())
    for key in fresh:
        _create(key, f"{comm_key}\n", _SECRET)
    for path, text in files.items():
        if _is_example(path):
            path.unlink()
        _create(path, text, _READABLE)
    return [*fresh, *files]


def _create(path: Path, text: str, mode: int) -> None:
    """Create a file; a secret is readable to nobody else at no moment."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
    if os.geteuid() == 0 and path.parent == _SYSTEM:
        _give(path, secret=mode == _SECRET)


def _give(path: Path, *, secret: bool) -> None:
    """Let the service read a file; a secret becomes its own."""
    try:
        if secret:
            shutil.chown(path, _USER, _USER)
        else:
            shutil.chown(path, group=_USER)
    except LookupError:
        return  # the service is not installed here
