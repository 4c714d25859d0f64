"""What goes wrong with disks and stores: a clear word about it, and nothing lost.

Real processes all through; each test ends with equal id sets or says why not.
"""

import sqlite3
from collections.abc import Iterator

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.medium import Medium
from tests.end_to_end.processes import Process, Site, query_there, until

pytestmark = pytest.mark.slow


def test_a_full_disk_ends_the_daemon_and_loses_nothing(
    site: Site, broker: Mosquitto
) -> None:
    """The reason is a sentence, the exit code a failure; with space all arrives."""
    for number in range(3000):
        site.punch(str(1000 + number % 30))
    broker.start()
    for process in (site.virtual, site.collector):
        process.start()
    limited = ["bash", "-c", 'ulimit -f 400; exec "$@"', "limited"]
    full = Process([*limited, *site.daemon.arguments], site.folder / "full.log")
    full.start()
    try:
        assert full.ended(60) == 1
    finally:
        full.close()
    assert "free space or mend the disk" in full.text()
    assert set(site.centre_ids()) <= site.journal_ids() <= site.terminal_ids()
    site.daemon.start()
    until(site.equal, "equal id sets", 60)


def test_a_journal_of_a_newer_version_is_refused(site: Site, broker: Mosquitto) -> None:
    """Exit 2, both versions named, nothing touched."""
    broker.start()
    site.virtual.start()
    site.reads()
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 1, "the punch in the journal")
    assert site.daemon.end() == 0
    with sqlite3.connect(site.journal) as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('punchgate.journal', '0999_future', '')"
        )
        conn.execute("UPDATE meta SET value = '99.0' WHERE key = 'version'")
    conn.close()
    done = site.ask("run")
    assert done.returncode == 2
    assert "99.0" in done.stderr
    assert "0.1.0" in done.stderr


def test_two_daemons_on_one_folder_are_one_too_many(
    site: Site, broker: Mosquitto
) -> None:
    """The second says whom it found and ends; the first does not notice."""
    site.start(broker)
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    done = site.ask("run")
    assert done.returncode == 1
    assert f"process {site.daemon.pid}" in done.stderr
    site.punch("1001")
    until(site.equal, "equal id sets")


@pytest.fixture
def medium(site: Site) -> Iterator[Medium]:
    """Give a medium for the journal that only daemon and `status` see."""
    with Medium(site.folder / "data") as medium:
        use(site, medium)
        yield medium
        site.close()


@pytest.fixture
def failing_medium(site: Site) -> Iterator[Medium]:
    """Give the same on a file system that can fail under its writers."""
    with Medium(site.folder / "data", site.folder / "image") as medium:
        use(site, medium)
        yield medium
        site.close()


def use(site: Site, medium: Medium) -> None:
    """Let the daemon run where the medium is seen."""
    site.inside = medium.inside
    site.daemon.arguments[:0] = medium.inside


def waiting(site: Site) -> int:
    """Return how many entries the centre has not acknowledged."""
    return int(site.status()["outbox"]["unacknowledged"])


def last_sentence(process: Process) -> str:
    """Return what a process said for people at its end."""
    return process.text().splitlines()[-1]


def test_a_read_only_medium_is_named_before_anything_is_read(
    site: Site, broker: Mosquitto, medium: Medium
) -> None:
    """Exit 1; the sentence says where and what to do; then everything arrives."""
    medium.protect()
    site.start(broker)
    site.punch("1001")
    assert site.daemon.ended() == 1
    said = last_sentence(site.daemon)
    assert f"{site.folder}/data cannot be written: Read-only file system" in said
    assert "mend the disk and start again" in said
    medium.unprotect()
    site.daemon.start()
    until(site.equal, "equal id sets")


def test_a_journal_that_turned_read_only_is_named_and_still_readable(
    site: Site, broker: Mosquitto, medium: Medium
) -> None:
    """A protected journal stops the daemon; `status` still shows what it holds."""
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    assert site.daemon.end() == 0
    journal = site.folder / "data" / "journal.db"
    medium.protect(journal)
    site.punch("1002")
    site.daemon.start()
    assert site.daemon.ended() == 1
    said = last_sentence(site.daemon)
    assert f"{journal}: attempt to write a readonly database" in said
    assert "mend the disk and start again" in said
    assert site.status()["terminals"][0]["stored"] == 1
    medium.unprotect(journal)
    site.daemon.start()
    until(site.equal, "equal id sets")


def test_a_medium_that_fails_under_the_daemon_ends_it(
    site: Site, broker: Mosquitto, failing_medium: Medium
) -> None:
    """Loud, at once; the cursor stays; on a mended medium everything arrives once."""
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    sql = "SELECT position FROM cursors"
    # The cursor moves after the punch is on its way.
    until(lambda: query_there(site.inside, site.journal, sql) == [(1,)], "the cursor")
    failing_medium.fail()
    site.punch("1002")
    assert site.daemon.ended() == 1
    said = last_sentence(site.daemon)
    assert f"{site.folder}/data/journal.db: " in said
    assert "nothing further is stored or acknowledged" in said
    failing_medium.mend()
    assert query_there(site.inside, site.journal, sql) == [(1,)]
    site.punch("1003")
    site.daemon.start()
    until(site.equal, "equal id sets")
    sql = "SELECT seq FROM outbox ORDER BY seq"
    assert query_there(site.inside, site.journal, sql) == [(1,), (2,), (3,)]


def test_a_read_only_central_store_is_named_and_acknowledges_nothing(
    site: Site, broker: Mosquitto
) -> None:
    """Exit 1 with file and advice; what waited at the gateway arrives afterwards."""
    with Medium(site.folder / "centre") as medium:
        store = site.centre = site.folder / "centre" / "central.db"
        site.write()
        site.centre_inside = medium.inside
        site.collector.arguments[:0] = medium.inside
        site.start(broker)
        site.punch("1001")
        until(site.equal, "the first punch")
        until(lambda: waiting(site) == 0, "its acknowledgement")
        assert site.collector.end() == 0
        for protected in (store, None):
            medium.protect(protected)
            site.collector.start()
            assert site.collector.ended() == 1
            said = last_sentence(site.collector)
            assert f"the central store sqlite:///{store}: " in said
            assert "see that it can be reached and written and start again" in said
            assert "central store failed error=" in site.collector.text()
            medium.unprotect(protected)
        site.punch("1002")
        until(lambda: len(site.journal_ids()) == 2, "the punch in the journal")
        assert waiting(site) == 1
        site.collector.start()
        until(site.equal, "equal id sets")
        site.close()
