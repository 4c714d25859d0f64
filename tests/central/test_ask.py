"""Questions to the central store, from the command line."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from sqlalchemy import text
from typer.testing import CliRunner

from central.store.gateways import keep_states
from central.store.store import CentralStore
from gateway.cli.app import app
from sync.commands import RangeFate
from sync.messages import State
from tests.central.batches import AT, message, messages
from tests.central.hand_gateways import day_counts
from tests.central.questions import LATER, Ask, answer, punched
from tests.sync.memory_outbox import MemoryOutbox, punch


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
