"""What was put aside: listed, shown, exported, and stored once it can be read."""

from pathlib import Path

from sqlalchemy import text

from central.incoming import read
from central.store.store import CentralStore
from central.values import Batch, Poison, Reason
from sync.messages import encode
from tests.central.batches import AT, TOPICS, message, messages, payload
from tests.central.questions import LATER, Ask, answer, punched
from tests.sync.memory_outbox import MemoryOutbox, Row, punch

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
