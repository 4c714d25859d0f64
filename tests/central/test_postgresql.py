"""The same store on PostgreSQL, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, text

from central.store.store import CentralStore
from tests.brokers import free_port
from tests.central.batches import AT, message, messages
from tests.sync.memory_outbox import MemoryOutbox, punch

LATER = "2026-11-03T08:00:00+08:00"


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _as_nobody(folder: Path) -> list[str]:
    """Return how to run a program that refuses to be root; give it the folder."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("PostgreSQL will not run as root, and setpriv is absent")
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [setpriv, *ids, "--"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a server of our own on loopback."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("PostgreSQL is absent: apt-get install postgresql")
    folder = tmp_path_factory.mktemp("postgresql")
    as_nobody = _as_nobody(folder)
    top = Path(tempfile.gettempdir())
    for parent in folder.parents if as_nobody else ():
        if parent != top and parent.is_relative_to(top):
            parent.chmod(0o755)
    data, port = folder / "data", free_port()
    options = ["-A", "trust", "-U", "punchgate", "-E", "UTF8", "--no-sync"]
    subprocess.run(
        [*as_nobody, initdb, "-D", str(data), *options],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [postgres, "-D", str(data), "-p", str(port), "-k", str(folder)]
    with subprocess.Popen(
        [*as_nobody, *command, "-h", "127.0.0.1", "-c", "fsync=off"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "ready to accept connections" in line:
                break
        yield f"postgresql+psycopg://punchgate@127.0.0.1:{port}/postgres"
        child.terminate()
        child.stderr.read()


@pytest.fixture
def store(server: str) -> Iterator[CentralStore]:
    """Return an empty store."""
    engine = create_engine(server)
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    with CentralStore.open(server, AT) as opened:
        yield opened


def test_everything_is_stored_once_and_booked(store: CentralStore) -> None:
    """Punches, records, ledger and quarantine, twice the same."""
    outbox = MemoryOutbox()
    outbox.add_punches(range(1000))
    for _ in range(2):
        stored = store.commit(messages(outbox), AT)
        (standing,) = stored.standings
        assert (standing.upto, standing.missing) == (1004, ())
        assert standing.chain == outbox.rows[-1].hash
    assert store.count() == 1000
    found = store._conn.execute(text("SELECT id FROM punches")).scalars()
    assert set(found) == outbox.punch_ids()
    store._conn.rollback()
    records = store._conn.execute(text("SELECT count(*) FROM records"))
    assert records.scalar_one() == 4


def test_the_highest_rev_wins(store: CentralStore) -> None:
    """A person found later is known, in any order."""
    outbox = MemoryOutbox()
    for rev, person in ((3, "p03"), (1, None), (2, "p02")):
        entry = msgspec.structs.replace(punch(0, 7), rev=rev, person=person)
        outbox.add("punch", entry)
    store.commit(messages(outbox), AT)
    (row,) = store._conn.execute(text("SELECT person, seq FROM punches"))
    assert tuple(row) == ("p03", 1)


def test_holes_and_generation_survive_a_restart(server: str) -> None:
    """The ledger is read back; the generation rises."""
    outbox = MemoryOutbox("holes")
    outbox.add_punches(range(60))
    with CentralStore.open(server, AT) as store:
        first = store.generation
        store.commit([message(outbox, outbox.rows[40:])], AT)
    with CentralStore.open(server, LATER) as store:
        assert store.generation > first
        (gap,) = store.gaps()
        assert gap.missing == ((1, 40),)
        (standing,) = store.commit([message(outbox, outbox.rows[:40])], AT).standings
        assert standing.upto == 60


def test_hostile_text_is_stored_or_put_aside(store: CentralStore) -> None:
    """A NUL goes to quarantine, everything else is stored as it is."""
    outbox = MemoryOutbox()
    for badge in ("'; DROP TABLE meta; --", "%s %(x)s", "a\x00b", "工号", ""):
        number = len(outbox.rows)
        entry = msgspec.structs.replace(punch(0, number), badge=badge)
        outbox.add("punch", entry)
    stored = store.commit(messages(outbox), AT)
    assert len(stored.poisons) == 1
    badges = store._conn.execute(text("SELECT badge FROM punches")).scalars()
    assert set(badges) == {"'; DROP TABLE meta; --", "%s %(x)s", "工号", ""}
    store._conn.rollback()
    assert store.quarantined() == 1
