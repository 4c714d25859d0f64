"""The checker finds what it must find: it is tried on sites that were tampered with."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.end_to_end.processes import until
from tests.faults.asking import ask
from tests.faults.checker import Recorded, Verdict, holes, identify
from tests.faults.ground import Ground, Kind
from tests.faults.kinds import Place, Said, Written, differences


def test_an_id_is_computed_from_the_definition() -> None:
    """The vector of the design, and a badge outside ASCII."""
    found = identify("VT00000001", "0042", "2026-11-02T08:00:00")
    assert found == "p1_seg7ptumbnbeuubdxjffpoofnr"
    assert identify("VT00000001", "工号", "2026-11-02T08:00:00") != found


def test_a_file_is_read_on_and_half_a_line_waits(tmp_path: Path) -> None:
    """Only whole lines with a date that exists are recorded punches."""
    file = tmp_path / "lobby.dat"
    file.write_text("    0042\t2026-11-02 08:00:00\t1\t0\t1\t0\n     1001\t2026-11")
    recorded = Recorded("VT00000001", file)
    assert recorded.look() == {"p1_seg7ptumbnbeuubdxjffpoofnr"}
    with file.open("a") as log:
        log.write("-02 08:00:01\t1\t0\t1\t0\n     1001\t2026-02-31 08:00:00\t1\t0\n")
    assert len(recorded.look()) == 2


def test_holes_are_what_no_span_covers() -> None:
    """At the beginning, between, at the end; spans may overlap, in any order."""
    assert holes([(5, 7), (2, 3), (6, 9)], 12) == [(1, 1), (4, 4), (10, 12)]
    assert holes([(1, 4)], 4) == []
    assert holes([], 2) == [(1, 2)]


def change(path: Path, *statements: str) -> None:
    """Tamper with a database."""
    with closing(sqlite3.connect(path)) as conn:
        for sql in statements:
            conn.execute(sql)
        conn.commit()


@pytest.fixture
def copy(ground: Ground) -> Ground:
    """Give the shared site stopped in mind: its files copied, to be tampered with."""
    ground.punch(5)
    other = Ground(ground.folder / f"copy-{random.randrange(1 << 30)}", ground.kind)
    other.site.journal.parent.mkdir()
    other.store = other.folder / "store.db"

    def copied() -> bool:
        """Copy; what is written or on its way just now asks for another copy."""
        ground.settle()
        before = ground.journal.stream()
        backup(ground.site.journal, other.site.journal)
        backup(ground.store, other.store)
        other.site.attlog.write_bytes(ground.site.attlog.read_bytes())
        other.checker = other.against([other.journal])
        still = before == other.journal.stream() == ground.journal.stream()
        return still and other.checker.near()

    until(copied, "a copy of a site in order")
    return other


def backup(source: Path, target: Path) -> None:
    """Copy a database that others write to."""
    with (
        closing(sqlite3.connect(source)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)


PLANTED = {
    "lost": "DELETE FROM {punches} WHERE {key} = '{id}'",
    "misnamed": "UPDATE {punches} SET {name} WHERE {key} = '{id}'",
}


def tampered(copy: Ground, what: str) -> Verdict:
    """Plant one fault at the centre; return the verdict."""
    collector = copy.kind is Kind.COLLECTOR
    words = {
        "punches": "punch_rows" if collector else "entries",
        "key": "id" if collector else "json_extract(body, '$.id')",
        "name": "id = 'p1_x'" if collector else "body = json_set(body, '$.id', 'p1_x')",
        "id": copy.newest(),
    }
    change(copy.store, PLANTED[what].format(**words))
    return copy.checker.verdict()


def test_a_site_in_order_is_right(copy: Ground) -> None:
    """Nothing is found where nothing is wrong."""
    assert copy.checker.near()
    assert copy.checker.verdict().right


def test_a_planted_loss_is_found(copy: Ground) -> None:
    """The id of the missing punch is named."""
    assert tampered(copy, "lost").lost == [copy.newest()]


def test_a_planted_double_is_found(copy: Ground) -> None:
    """The same facts under a second id are one punch counted twice."""
    twin = copy.newest()
    if copy.kind is Kind.COLLECTOR:
        names = "serial, badge, at, rev, terminal, person, reason, zone, verify, state"
        names += ", work, received_at, offset_seconds, source, raw, verify_code, site"
        names += ", gateway, epoch, seq, stored_at"
        sql = f"INSERT INTO punch_rows (id, {names}) SELECT 'p1_twin', {names}"
        change(copy.store, f"{sql} FROM punch_rows WHERE id = '{twin}'")
    else:
        change(
            copy.store,
            "CREATE TABLE twin AS SELECT * FROM entries"
            f" WHERE json_extract(body, '$.id') = '{twin}'",
            "UPDATE twin SET epoch = 'x', body = json_set(body, '$.id', 'p1_twin')",
            "INSERT INTO entries SELECT * FROM twin",
        )
    verdict = copy.checker.verdict()
    assert verdict.doubled == [twin]
    assert verdict.misnamed == ["p1_twin"]
    assert not verdict.right


def test_a_punch_under_another_id_is_found(copy: Ground) -> None:
    """An id that its facts do not give is named."""
    assert tampered(copy, "misnamed").misnamed == ["p1_x"]


def test_a_punch_nobody_made_is_found(copy: Ground) -> None:
    """What no terminal recorded is foreign; what only the terminal has is lost."""
    gone = copy.newest()
    text = copy.site.attlog.read_text().splitlines(keepends=True)
    copy.site.attlog.write_text("".join(text[:-1]))
    copy.checker = copy.against([copy.journal])
    assert copy.checker.verdict().foreign == [gone]
    added = "     1001\t2030-01-01 00:00:00\t1\t0\t1\t0\n"
    copy.site.attlog.write_text("".join([*text, added]))
    copy.checker = copy.against([copy.journal])
    new = identify("VT00000001", "1001", "2030-01-01T00:00:00")
    verdict = copy.checker.verdict()
    assert (verdict.lost, verdict.unread, verdict.foreign) == ([new], [new], [])


def test_holes_confirmations_and_chains_are_held_against_the_journal(
    copy: Ground,
) -> None:
    """A seq not booked, one confirmed too early, an entry changed on disk."""
    head = copy.journal.stream().head
    if copy.kind is Kind.COLLECTOR:
        change(copy.store, f"UPDATE ledger SET last = {head - 1} WHERE last = {head}")
    else:
        change(copy.store, f"DELETE FROM entries WHERE seq = {head}")
    change(copy.site.journal, "UPDATE epochs SET acked_seq = acked_seq - 1")
    last = copy.journal.stream().epoch
    change(
        copy.site.journal,
        """UPDATE outbox SET entry ="""
        """ cast(replace(entry, '"id":"', '"id":"~') AS BLOB)"""
        f" WHERE seq = {head}",
    )
    (entry,) = json_of(copy, head)
    assert entry
    words = copy.checker.verdict().streams
    assert f"gw-1 {head}-{head} not booked" in words
    assert f"gw-1 confirmed {head - 1} of {head}" in words
    broken = f"gw-1 chain broken at {last}:{head}"
    assert b'"id":"~' in entry
    assert broken in words


def json_of(copy: Ground, seq: int) -> list[bytes]:
    """Return the bytes of an entry."""
    with closing(sqlite3.connect(copy.site.journal)) as conn:
        rows = conn.execute("SELECT entry FROM outbox WHERE seq = ?", (seq,)).fetchall()
    assert json.loads(rows[-1][0])["seq"] == seq
    return [bytes(rows[-1][0])]


FIRST = Said("event", '{"seq":1,"id":"e1","kind":"a"}')
SECOND = Said("event", '{"seq":2,"id":"e2","kind":"b"}')
VERDICT = Said("attendance", '{"seq":3,"id":"a1","rev":1}')
FORK = Said(
    "event", '{"seq":1,"id":"f","kind":"epoch_fork","detail":{"before":"A","common":1}}'
)
WRITTEN = Written(("A",), {("A", 1): FIRST, ("A", 2): SECOND, ("A", 3): VERDICT})
FORKED = Written(
    ("A", "B"), {("A", 1): FIRST, ("A", 2): SECOND, ("B", 1): FORK, ("B", 2): SECOND}
)


@pytest.mark.parametrize(
    "ours, held",
    [
        (WRITTEN, WRITTEN.entries),
        (Written((), {}), {}),
        (FORKED, {("A", 1): FIRST, ("B", 1): FORK, ("B", 2): SECOND}),
        (FORKED, {**FORKED.entries, ("A", 2): VERDICT}),
        (FORKED, {("B", 1): FORK, ("B", 2): SECOND, ("A", 9): FIRST}),
    ],
    ids=["all", "nothing", "forked", "another story behind the fork", "told again"],
)
def test_other_entries_in_order_are_right(
    ours: Written, held: dict[Place, Said]
) -> None:
    """What a fork left behind in the old stream is no fault."""
    assert differences("gw-1", ours, held) == []


@pytest.mark.parametrize(
    "held, word",
    [
        ({("A", 2): SECOND, ("A", 3): VERDICT}, "gw-1 event A:1 lost"),
        ({("A", 1): FIRST, ("A", 2): SECOND}, "gw-1 attendance A:3 lost"),
        (
            {**WRITTEN.entries, ("A", 2): Said("event", '{"seq":2,"id":"e2"}')},
            "gw-1 event A:2 is another at the centre",
        ),
        (
            {**WRITTEN.entries, ("A", 4): Said("event", '{"seq":4,"id":"e9"}')},
            "gw-1 event A:4 was never written",
        ),
        (
            {**WRITTEN.entries, ("A", 3): Said("entry", VERDICT.text)},
            "gw-1 attendance A:3 is another at the centre",
        ),
    ],
)
def test_a_fault_of_other_entries_is_named(held: dict[Place, Said], word: str) -> None:
    """Lost, changed, invented, on another topic: each with its place."""
    assert differences("gw-1", WRITTEN, held) == [word]


def test_an_entry_told_twice_in_a_stream_is_doubled() -> None:
    """The same content under two numbers, written once."""
    again = {**WRITTEN.entries, ("A", 9): FIRST}
    words = differences("gw-1", WRITTEN, again)
    assert words[0] == "gw-1 event A:9 was never written"
    assert words[1].startswith("gw-1 2 times at the centre: ")


def test_a_planted_loss_of_an_event_is_found(copy: Ground) -> None:
    """One record gone from the centre, named by its place."""
    table = "records" if copy.kind is Kind.COLLECTOR else "entries"
    epoch = copy.journal.stream().epoch
    ((seq,),) = ask(copy.store, f"SELECT min(seq) FROM {table} WHERE kind = 'event'")
    change(copy.store, f"DELETE FROM {table} WHERE seq = {seq} AND kind = 'event'")
    assert copy.checker.verdict().records == [f"gw-1 event {epoch}:{seq} lost"]
