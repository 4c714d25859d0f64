"""Questions to the store and to its quarantine, from the command line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from sqlalchemy import text
from typer.testing import CliRunner

import gateway.cli.every  # noqa: F401 - registers the commands
from central.incoming import read
from central.store.gateways import keep_states
from central.store.store import CentralStore
from central.values import Batch, Poison, Reason
from gateway.cli.app import app
from sync.commands import RangeFate
from sync.messages import State, encode
from tests.central.batches import AT, TOPICS, message, messages, payload
from tests.central.hand_gateways import day_counts
from tests.sync.memory_outbox import MemoryOutbox, Row, punch

LATER = "2026-11-03T08:00:00+08:00"
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def config(tmp_path: Path, url: str) -> Path:
    """Return a central file over an empty store."""
    path = tmp_path / "central.toml"
    path.write_text(
        f'[central]\nid = "c1"\nstore = "{url}"\n[mqtt]\nhost = "127.0.0.1"\n', "utf-8"
    )
    return path


@pytest.fixture
def store(url: str, config: Path) -> Iterator[CentralStore]:
    """Return the collector's own opening of it: questions come beside it."""
    with CentralStore.open(url, AT) as opened:
        yield opened


@pytest.fixture
def ask(config: Path) -> Ask:
    """Return how to run a command; exit code and output."""

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, "-c", str(config)])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done.exit_code, done.stdout + done.stderr

    return run


def answer(ask: Ask, *words: str, code: int = 0) -> Any:
    """Return what a command says as JSON, alone on standard output."""
    found, said = ask(*words, "--json")
    assert found == code, said
    return json.loads(said)


def punched(*numbers: int, epoch: str = "e1", **changes: Any) -> MemoryOutbox:
    """Return an outbox with punches."""
    made = MemoryOutbox(epoch)
    for number in numbers:
        made.add("punch", msgspec.structs.replace(punch(0, number), **changes))
    return made


def test_counting(store: CentralStore, ask: Ask) -> None:
    """All, or by site, gateway and day; a table and JSON say the same."""
    store.commit(messages(punched(*range(5))), AT)
    other = punched(*range(3, 9), epoch="e2", at="2026-11-02T08:00:00")
    store.commit(messages(other, "g2"), AT)
    assert answer(ask, "central", "count") == {"punches": 9, "quarantined": 0}
    found = answer(ask, "central", "count", "--by", "gateway", "--by", "day")
    assert found["by"] == [
        {"gateway": "g1", "day": "2026-11-01", "punches": 5},
        {"gateway": "g2", "day": "2026-11-02", "punches": 4},
    ]
    code, said = ask("central", "count", "--by", "site")
    assert (code, said.split()) == (
        0,
        [
            "site",
            "punches",
            "s1",
            "9",
            "9",
            "punches,",
            "0",
            "messages",
            "put",
            "aside",
        ],
    )


def test_a_person_and_who_saw_the_punches(store: CentralStore, ask: Ask) -> None:
    """Every stream that brought a punch, in order; corrected ones by their revision."""
    store.commit(messages(punched(7, person="p01", rev=1)), AT)
    again = punched(7, epoch="e2", person="p01", rev=2, source="push", terminal="二楼")
    store.commit(messages(again, "g2"), LATER)
    store.commit(messages(punched(8, epoch="e3", person="p02"), "g3"), AT)
    found = answer(ask, "central", "person", "p01")
    (one,) = found["punches"]
    assert (one["id"], one["rev"], one["terminal"]) == (punch(1, 7).id, 2, "二楼")
    assert [(s["gateway"], s["epoch"], s["stored_at"]) for s in one["seen"]] == [
        ("g1", "e1", AT),
        ("g2", "e2", LATER),
    ]
    assert one["seen"][1]["source"] == "push"
    for words, count in (
        (("--from", "2026-11-01"), 1),
        (("--from", "2026-11-02"), 0),
        (("--to", "2026-11-01"), 1),
        (("--to", "2026-10-31"), 0),
    ):
        days = answer(ask, "central", "person", "p01", *words)
        assert len(days["punches"]) == count, words
    assert ask("central", "person", "p01", "--from", "soon")[0] == 2


def test_columns_stand_straight_in_double_width(store: CentralStore, ask: Ask) -> None:
    """Chinese ids take two cells each; control characters are shown, not obeyed."""
    for number, terminal in enumerate(["二楼大厅", "lobby", "a\x1b[2Jb", "[red]x"]):
        made = punched(number, epoch=f"e{number}", person="p01", terminal=terminal)
        store.commit(messages(made), AT)
    code, said = ask("central", "person", "p01")
    lines = said.splitlines()[1:5]
    assert code == 0
    assert "\x1b" not in said
    assert "[red]x" in said
    starts = {cell_len(line[: line.index("finger")]) for line in lines}
    assert len(starts) == 1


def test_no_gaps(store: CentralStore, ask: Ask) -> None:
    """Nothing missing, closed or different: exit 0."""
    store.commit(messages(punched(*range(5))), AT)
    assert ask("central", "gaps") == (0, "no gaps\n")
    assert answer(ask, "central", "gaps") == {"holes": [], "closed": [], "differ": []}


def test_gaps(store: CentralStore, ask: Ask) -> None:
    """Holes with their age, given up ranges, days that differ: each alone is exit 1."""
    made = punched(*range(30))
    parts = [message(made, made.rows[n : n + 10]) for n in (0, 10, 20)]
    store.commit([parts[0], parts[2]], LATER)
    found = answer(ask, "central", "gaps", code=1)
    (hole,) = found["holes"]
    assert (hole["missing"], hole["since"], hole["upto"]) == ([[11, 20]], LATER, 10)
    fate = RangeFate(first=11, last=20, fate="pruned")
    store.close_ranges(parts[0].stream, [fate], LATER)
    found = answer(ask, "central", "gaps", code=1)
    assert (found["holes"], found["closed"][0]["fate"]) == ([], "pruned")
    found = answer(ask, "central", "gaps", "--accept")
    assert found["closed"][0]["accepted_at"]
    assert answer(ask, "central", "gaps") == found
    other = messages(punched(*range(30), epoch="e2"), size=10)
    store.commit(other[1:2], LATER)
    store.close_ranges(
        other[0].stream, [RangeFate(first=1, last=10, fate="pruned")], LATER
    )
    found = answer(ask, "central", "gaps", code=1)
    assert [bool(row["accepted_at"]) for row in found["closed"]] == [True, False]
    with store.writing() as conn:
        conn.execute(
            store.statements.reconciled,
            [
                {
                    "site": "s1",
                    "gateway": "g1",
                    "serial": "V",
                    "terminal": "t",
                    "day": day,
                    "there_count": 3,
                    "there_digest": "",
                    "round": 1,
                    "here_count": 2,
                    "here_digest": "",
                    "event": "e",
                    "at": AT,
                    "verdict": verdict,
                }
                for day, verdict in (("2026-11-01", "alike"), ("2026-11-02", "fewer"))
            ],
        )
    found = answer(ask, "central", "gaps", code=1)
    assert [row["day"] for row in found["differ"]] == ["2026-11-02"]
    code, said = ask("central", "gaps")
    assert code == 1
    assert "pruned" in said
    assert "fewer" in said


def test_lag(store: CentralStore, ask: Ask) -> None:
    """Last stored, its seq and age, backlog, and since when a gateway is gone."""
    store.commit(messages(punched(*range(5))), AT)
    for at, online in ((AT, True), (LATER, False)):
        state = State(
            site="s1",
            gateway="g2",
            session=1,
            epoch="e",
            oldest_age_seconds=1.5,
            version="0",
            confirm="central",
            online=online,
            backlog=12,
            at=AT,
        )
        keep_states(store, [state], at)
    one, two = answer(ask, "central", "lag")
    assert (one["gateway"], one["stored_at"], one["seq"]) == ("g1", AT, 5)
    assert one["age_seconds"] > 0
    assert (one["backlog"], one["offline_since"]) == (None, None)
    assert (two["gateway"], two["stored_at"], two["seq"]) == ("g2", None, 0)
    assert (two["backlog"], two["offline_since"]) == (12, LATER)
    code, said = ask("central", "lag")
    assert (code, LATER in said) == (0, True)


def test_questions_change_nothing(store: CentralStore, ask: Ask, url: str) -> None:
    """Who looks cannot write, and begins no generation."""
    with CentralStore.look(url) as looking:
        assert looking.generation == store.generation
        with (
            pytest.raises(Exception, match=r"readonly|read-only"),
            looking.writing() as c,
        ):
            c.execute(text("DELETE FROM meta"))
    assert ask("central", "count")[0] == 0
    with CentralStore.look(url) as looking:
        assert looking.generation == store.generation


def test_what_cannot_be_asked_is_said(tmp_path: Path, ask: Ask) -> None:
    """No configuration: 2; no store: 1 and a sentence."""
    run = CliRunner().invoke
    for words in (
        ["central", "lag"],
        ["central", "person", "p"],
        ["quarantine", "list"],
    ):
        done = run(app, [*words, "-c", str(tmp_path / "no.toml")])
        assert done.exit_code == 2, words
    code, said = ask("central", "gaps")
    assert code == 1
    assert "no collector wrote it yet" in said


# --- quarantine -----------------------------------------------------------------------

UNKNOWN = encode(punch(2, 2)).replace(b'"finger"', b'"nose"')


def aside(row: Row, epoch: str) -> Poison:
    """Return a message of one entry as it was put aside by a program of long ago."""
    topic = TOPICS.of("s1", "g1", row.kind)
    found = read(TOPICS, topic, payload([row], epoch))
    assert isinstance(found, Batch)
    (poison,) = found.poisons
    return poison


def unreadable(epoch: str = "epoch-1") -> Poison:
    """Return an entry that today's program cannot read."""
    made = MemoryOutbox(epoch)
    made.add("punch", punch(0, 1))
    made.add_bytes("punch", UNKNOWN)
    return aside(made.rows[1], epoch)


def readable(poison: Poison) -> Poison:
    """Return the same put aside with bytes that today's program can read."""
    fixed = poison.payload.replace(b'"nose"', b'"face"')
    return Poison(
        poison.topic, fixed, poison.reason, "too new", poison.digest, poison.epoch
    )


def test_quarantine_is_listed_shown_and_exported(
    store: CentralStore, ask: Ask, tmp_path: Path
) -> None:
    """Where, why, how often, and the very bytes; a file is never written over."""
    assert ask("quarantine", "list") == (0, "nothing is put aside\n")
    binary = read(TOPICS, TOPICS.of("s1", "g1", "punch"), b"\xff\x1b[2J")
    assert isinstance(binary, Poison)
    store.commit([unreadable(), binary, binary], AT)
    first, second = answer(ask, "quarantine", "list", code=1)
    assert (first["id"], first["reason"], first["epoch"]) == (1, "entry", "epoch-1")
    assert (second["times"], second["bytes"]) == (2, 5)
    code, said = ask("quarantine", "list")
    assert (code, "att/v1/s1/g1/punch" in said) == (1, True)
    assert answer(ask, "quarantine", "show", "1")["text"] == UNKNOWN.decode()
    assert answer(ask, "quarantine", "show", "2")["hex"] == "ff1b5b324a"
    code, said = ask("quarantine", "show", "2")
    assert (code, "\x1b" in said) == (0, False)
    target = tmp_path / "out.bin"
    assert ask("quarantine", "export", "1", str(target))[0] == 0
    assert target.read_bytes() == UNKNOWN
    assert ask("quarantine", "export", "2", str(target))[0] == 2
    assert target.read_bytes() == UNKNOWN
    for words in (["show", "9"], ["export", "9", f"{target}2"], ["retry", "9"]):
        assert ask("quarantine", *words)[0] == 2


def test_an_entry_is_stored_when_it_can_be_read(store: CentralStore, ask: Ask) -> None:
    """After an upgrade: the row is there as if it had come today; it is told once."""
    stuck = unreadable()
    store.commit([stuck], AT)
    found = answer(ask, "quarantine", "retry", "1", code=1)
    assert found["stored"] is False
    assert "nose" in found["reason"]
    code, said = ask("quarantine", "retry", "1")
    assert (code, "1 is not stored" in said) == (1, True)
    with store.writing() as conn:
        words = text("UPDATE quarantine SET payload = :new, epoch = :epoch")
        new = {"new": readable(stuck).payload, "epoch": "epoch-1"}
        conn.execute(words, new)
    found = answer(ask, "quarantine", "retry", "1")
    assert found == {"id": 1, "stored": True, "punches": 1, "records": 0}
    with store.reading() as conn:
        columns = "id, verify, site, gateway, epoch, seq"
        (row,) = conn.execute(text(f"SELECT {columns} FROM punch_rows"))
        assert tuple(row) == (punch(2, 2).id, "face", "s1", "g1", "epoch-1", 2)
    assert store.quarantined() == 0
    assert answer(ask, "quarantine", "list") == []
    assert len(answer(ask, "quarantine", "list", "--all")) == 1
    assert "was stored" in ask("quarantine", "retry", "1")[1]
    store.commit([stuck], LATER)
    assert store.quarantined() == 1


def test_a_retried_message_is_stored_and_not_booked(
    store: CentralStore, ask: Ask
) -> None:
    """Rows only: the running collector's ledger is its own; the gateway sends again."""
    made = punched(1, 2)
    made.add_bytes("event", b'{"seq":3,"id":"e","kind":"k"}')
    for rows in (made.rows[:2], made.rows[2:]):
        batch = message(made, rows)
        poison = Poison(batch.topic, batch.payload, Reason.CHAIN, "?", rows[0].hash)
        store.commit([poison], AT)
    assert answer(ask, "quarantine", "retry", "1")["punches"] == 2
    assert answer(ask, "quarantine", "retry", "2")["records"] == 1
    assert (store.count(), store.streams()) == (2, [])
    (standing,) = store.commit(messages(made), AT).standings
    assert (standing.upto, store.count()) == (3, 2)


def test_what_still_contradicts_stays(store: CentralStore, ask: Ask) -> None:
    """Another story, an answer of a stranger, an entry of nobody knows which epoch."""
    made = punched(*range(5))
    store.commit(messages(made), AT)
    made.truncate(3)
    made.add("punch", punch(0, 77))
    made.add("punch", punch(0, 78))
    made.add("punch", punch(0, 79))
    (fork,) = store.commit([message(made, made.rows[5:])], AT).poisons
    assert fork.reason is Reason.FORK
    strange = Poison("att/v1/s1/g1/cmd/reply", b"{}", Reason.STRANGER, "?", "1")
    lost = readable(unreadable())
    lost = Poison(lost.topic, lost.payload, lost.reason, "?", "2")
    other = Poison("elsewhere", lost.payload, lost.reason, "?", "3")
    no_seq = Poison(lost.topic, b"{}", lost.reason, "?", "4")
    store.commit(messages(punched(1, epoch="e9")), AT)
    store.commit([strange, lost, other, no_seq], AT)
    reasons = [
        answer(ask, "quarantine", "retry", str(n), code=1)["reason"]
        for n in range(1, 6)
    ]
    assert "another entry 5 was stored" in reasons[0]
    assert "nobody asked" in reasons[1]
    assert "which epoch" in reasons[2]
    assert "elsewhere" in reasons[3]
    assert "seq" in reasons[4]
    assert store.quarantined() == 5


def test_an_entry_of_an_older_store_belongs_to_the_only_epoch(
    store: CentralStore, ask: Ask
) -> None:
    """Where it was not noted and there is one, it is that one."""
    store.commit(messages(punched(5, epoch="only")), AT)
    old = readable(unreadable())
    store.commit([Poison(old.topic, old.payload, old.reason, "?", "2")], AT)
    assert answer(ask, "quarantine", "retry", "1")["punches"] == 1
    with store.reading() as conn:
        epochs = conn.execute(text("SELECT DISTINCT epoch FROM punch_rows")).scalars()
        assert list(epochs) == ["only"]


def test_day_counts_are_found_by_their_keys(store: CentralStore) -> None:
    """Records carry what they can be found by; wrong types leave the body alone."""
    made = MemoryOutbox()
    day_counts(made, {})
    made.add_bytes(
        "attendance", b'{"seq":2,"id":7,"rev":true,"kind":["x"],"person":{}}'
    )
    made.add_bytes(
        "entry",
        b'{"seq":3,"rev":99999999999999999999,"person":"a\\u0000","date":"'
        + b"9" * 201
        + b'","at":"now","terminal":"t"}',
    )
    made.add_bytes("suspicion", b'{"seq":4}')
    store.commit(messages(made), AT)
    keys = "id, rev, entry_kind, person, date, terminal, serial, at"
    with store.reading() as conn:
        rows = conn.execute(text(f"SELECT {keys} FROM records ORDER BY seq")).all()
        bodies = conn.execute(text("SELECT body FROM records ORDER BY seq")).scalars()
        assert list(bodies) == [row.entry.decode() for row in made.rows]
    none = (None,) * 5
    counts = ("counts-1", None, "day_counts", None, None, "lobby", "VT00000001", AT)
    assert tuple(rows[0]) == counts
    assert tuple(rows[1]) == (*none, None, None, None)
    assert tuple(rows[2]) == (*none, "t", None, "now")
    assert tuple(rows[3]) == (*none, None, None, None)
