"""A case before people: listed, shown, confirmed by two, dismissed, charged."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.end_to_end.processes import query
from tests.end_to_end.suspicious import Suspicious
from tests.gateway.suspects import command, month

pytestmark = pytest.mark.slow

TUESDAY = "2026-11-03"
STORY = f"{TUESDAY}T10:00:00+08:00@0@0"
CONFIRM = (
    *("--by", "clerk1", "--by", "leader1", "--reason", "监控录像"),
    *("--statement", "本人承认", "--heard-at", f"{TUESDAY}T09:00:00"),
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Suspicious]:
    """Give a house whose daemon has opened the case, at ten on Tuesday."""
    with Suspicious(tmp_path) as house:
        house.write_all()
        house.load(month(days=43))
        house.set("10:00:00", TUESDAY)
        house.start()
        house.until_looked("2026-11-02")
        yield house


def cases(house: Suspicious, *arguments: str, code: int = 0) -> str:
    """Run `punchgate cases` on the house; return everything it said."""
    config = ("-c", house.folder / "gateway.toml")
    done = command("cases", *arguments, *config, code=code, PUNCHGATE_STORY=STORY)
    return done.output


def listed(house: Suspicious, *arguments: str) -> dict[str, Any]:
    """Return the document of `cases list`."""
    found: dict[str, Any] = json.loads(cases(house, "list", "--json", *arguments))
    return found


def key_of(house: Suspicious) -> str:
    """Return the id of the only open case."""
    (case,) = listed(house)["cases"]
    return str(case["id"])


def test_a_confirmed_case_becomes_a_finding_with_its_deduction(
    house: Suspicious, caplog: pytest.LogCaptureFixture
) -> None:
    """Two people and a statement: a ruling in the book, 3,000 yuan by the judge."""
    caplog.set_level("INFO", "punchgate.suspecting")
    key = key_of(house)
    said = cases(house, "confirm", key, *CONFIRM)
    assert f"ruling R-{key}" in said
    line = json.loads((house.folder / "entries.jsonl").read_text("utf-8"))
    assert (line["table"], line["on"], line["persons"]) == ("rulings", key, ["p1"])
    assert line["by"] == ["clerk1", "leader1"]
    assert len(line["punches"]) == 4
    assert line["evidence"][0].startswith(f"punch {line['punches'][0]} 2026-10-15T")

    def charged() -> list[dict[str, Any]]:
        found = [v for v in house.verdicts() if v["person"] == "p1"]
        return [
            one
            for verdict in found
            for one in verdict["findings"]
            if one["kind"] == "proxy_punch"
        ]

    house.until(lambda: bool(charged()), "the finding")
    (finding,) = charged()
    assert (finding["date"], finding["clause"]) == (TUESDAY, "S0-T19-6(2)")
    (verdict,) = [v for v in house.verdicts() if finding in v["findings"]]
    assert verdict["state"] == "found"
    assert [one["amount_fen"] for one in verdict["deductions"]] == [300_000]
    house.until(
        lambda: house.verdict("p1", 1, "2026-10-15").get("state") == "ruled",
        "the session of a void punch",
    )
    (case,) = house.cases()
    assert case["status"] == "confirmed"
    assert case["review"][0]["ruling"] == f"R-{key}"
    assert [one["status"] for one in house.said()] == ["open", "confirmed"]
    sql = "SELECT entry FROM outbox WHERE kind = 'entry'"
    (entry,) = [json.loads(row[0]) for row in query(house.journal, sql)]
    assert (entry["table"], entry["id"]) == ("rulings", f"R-{key}")
    assert entry["row"]["persons"] == "p1"
    assert entry["row"]["punches"].split() == line["punches"]
    assert "clerk1" not in json.dumps(entry)
    assert "本人承认" not in json.dumps(entry, ensure_ascii=False)
    house.stop()
    events = [r.msg for r in caplog.records if r.name == "punchgate.suspecting"]
    assert events.count("case confirmed") == 1


def test_money_waits_for_the_end_of_the_month(tmp_path: Path) -> None:
    """A pair is confirmed once it is still open behind the end of a month."""
    with Suspicious(tmp_path) as house:
        house.write_all()
        house.load(month())
        house.set("10:00:00", TUESDAY)
        house.start()
        house.until_looked("2026-11-02")
        said = cases(house, "confirm", key_of(house), *CONFIRM, code=1)
        assert "behind 2026-10-31" in said
        assert (tmp_path / "entries.jsonl").read_text("utf-8") == ""


def test_asking_twice_rules_once(house: Suspicious) -> None:
    """The second time nothing is written: neither ruling, label nor message."""
    key = key_of(house)
    cases(house, "confirm", key, *CONFIRM)
    cases(house, "confirm", key, *CONFIRM)
    lines = (house.folder / "entries.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 1
    assert len(house.said()) == 2


@pytest.mark.parametrize(
    "left_out, words",
    [
        (("--by", "leader1"), "two different named people"),
        (("--statement", "本人承认"), "own statement is missing"),
        (("--heard-at", f"{TUESDAY}T09:00:00"), "must be heard before"),
        (("--reason", "监控录像"), "no reason is given"),
    ],
)
def test_a_confirmation_that_lacks_something_is_refused(
    house: Suspicious, left_out: tuple[str, str], words: str
) -> None:
    """Nothing is written, and what is missing is said."""
    key = key_of(house)
    pairs = list(zip(CONFIRM[::2], CONFIRM[1::2], strict=True))
    pairs.remove(left_out)
    given = [part for pair in pairs for part in pair]
    assert words in cases(house, "confirm", key, *given, code=1)
    assert (house.folder / "entries.jsonl").read_text("utf-8") == ""
    assert house.cases()[0]["status"] == "open"


def test_somebody_else_is_charged_only_with_evidence(house: Suspicious) -> None:
    """E114: a neighbour by statistics alone is never charged."""
    key = key_of(house)
    more = ("--also", "p2")
    refused = cases(house, "confirm", key, *CONFIRM, *more, code=1)
    assert "evidence beyond the neighbour" in refused
    strange = ("--also", "p9", "--evidence", "camera")
    assert "no person 'p9'" in cases(house, "confirm", key, *CONFIRM, *strange, code=1)
    cases(house, "confirm", key, *CONFIRM, *more, "--evidence", "camera 08:11")
    line = json.loads((house.folder / "entries.jsonl").read_text("utf-8"))
    assert line["persons"] == ["p1", "p2"]
    assert line["evidence"][-1] == "camera 08:11"


def test_a_dismissal_is_a_label_and_is_measured(house: Suspicious) -> None:
    """One named person dismisses; the list says how often the method was right."""
    key = key_of(house)
    assert "nobody is named" in cases(house, "dismiss", key, "--reason", "x", code=1)
    before = listed(house)["measured"]
    assert before == {
        "confirmed": 0,
        "dismissed": 0,
        "precision": None,
        "interval_95": None,
    }
    cases(house, "dismiss", key, "--by", "clerk1", "--reason", "手指受伤")
    assert (house.folder / "entries.jsonl").read_text("utf-8") == ""
    assert listed(house)["cases"] == []
    (case,) = listed(house, "--all")["cases"]
    assert case["status"] == "dismissed"
    assert case["review"][0]["reason"] == "手指受伤"
    measured = listed(house)["measured"]
    assert (measured["dismissed"], measured["precision"]) == (1, 0.0)
    assert measured["interval_95"][1] > 0.5
    english = cases(house, "list", "--lang", "en")
    assert "No open suspicions" in english
    assert "measured precision 0%" in english
    house.set("04:30:00", "2026-11-04")
    house.until_looked(TUESDAY)
    assert house.cases()[0]["status"] == "dismissed"
    assert [one["status"] for one in house.said()] == ["open", "dismissed"]


def test_a_decision_is_kept_without_a_daemon_too(house: Suspicious) -> None:
    """With no daemon the command writes the journal itself, and the daemon sends it."""
    key = key_of(house)
    house.stop()
    cases(house, "confirm", key, *CONFIRM)
    assert house.cases()[0]["status"] == "confirmed"
    assert [one["status"] for one in house.said()] == ["open", "confirmed"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_and_the_page_fit_their_readers(house: Suspicious, lang: str) -> None:
    """Straight columns, no names, and what wrong cases would cost below each."""
    key = key_of(house)
    table = cases(house, "list", "--lang", lang)
    page = cases(house, "show", key, "--lang", lang)
    for shown in (table, page):
        assert key in shown
        assert "甲p1" not in shown
        assert {"zh": "预计误立案", "en": "Expected false cases"}[lang] in shown
        assert {"zh": "不是有罪概率", "en": "never a probability"}[lang] in shown
    widths = {cell_len(line) for line in table.splitlines() if "│" in line}
    assert len(widths) <= 1


def test_programs_get_one_document_each(house: Suspicious) -> None:
    """`--json` alone on the output: the case, what errors cost, the decision."""
    key = key_of(house)
    shown = json.loads(cases(house, "show", key, "--json"))
    assert shown["cases"][0]["id"] == key
    assert shown["expected_false"]["yuan_per_case"] == 3000
    assert "never a probability" in shown["means"]["en"]
    wrong = [one if "T09" not in one else "soon" for one in CONFIRM]
    assert "--heard-at" in cases(house, "confirm", key, *wrong, code=2)
    said = json.loads(cases(house, "confirm", key, *CONFIRM, "--json"))
    assert (said["case"], said["ruling"]["persons"]) == (key, ["p1"])
    dismissal = ("dismiss", key, "--by", "a", "--reason", "x", "--json")
    assert f"R-{key} stands in the book" in cases(house, *dismissal, code=1)
    back = {
        "table": "rulings",
        "id": "R2",
        "supersedes": f"R-{key}",
        "on": key,
        "decision": "dismiss",
        "by": ["leader1"],
        "at": f"{TUESDAY}T09:59:00",
        "reason": "x",
    }
    with (house.folder / "entries.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(back) + "\n")
    gone = json.loads(cases(house, *dismissal))
    assert gone == {"case": key, "decision": "dismiss", "ruling": None}
    assert house.cases()[0]["status"] == "dismissed"


def test_with_a_book_of_the_centre_a_case_is_confirmed_there(
    house: Suspicious,
) -> None:
    """There is no file here that a ruling could stand in."""
    key = key_of(house)
    file = house.folder / "gateway.toml"
    text = file.read_text("utf-8").replace('book = "book.toml"', 'book = "central"')
    house.stop()
    file.write_text(text, "utf-8")
    assert "confirm it there" in cases(house, "confirm", key, *CONFIRM, code=2)


def test_cases_nobody_has_are_named(house: Suspicious) -> None:
    """A wrong id ends with 1, a journal that is not there with 2."""
    assert "there is no case 'c-none'" in cases(house, "show", "c-none", code=1)
    assert "no case" in cases(house, "dismiss", "c-x", "--by", "a", code=1)
    house.stop()
    house.journal.rename(house.journal.with_suffix(".away"))
    assert "start the daemon first" in cases(house, "list", code=2)
