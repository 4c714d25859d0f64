"""Policy files: nothing has a default, nothing stands twice, nothing is left open."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.core.policy import (
    KIND_WORDS,
    FindingKind,
    Policy,
    open_ambiguities,
    page,
    read_policy,
)
from gateway.core.policy.clauses import AMOUNTS, LIMITS, PART, kind_of
from gateway.core.policy.limit_words import LIMITS as LIMIT_WORDS
from gateway.core.policy.page import FIRST, reading_of
from gateway.core.policy.reading import exists, value_of
from gateway.core.policy.words import SETTINGS

FOLDER = Path(__file__).parents[3] / "config/policies"
NAMES = ("client-contract", "single-session")
TEXTS = {name: (FOLDER / f"{name}.toml").read_text("utf-8") for name in NAMES}
CLIENT = TEXTS["client-contract"]
KEY = re.compile(r"^(\w+) = ", re.MULTILINE)


def policy(text: str = CLIENT) -> Policy:
    """Return a policy that has no problem."""
    found, wrong = read_policy(text, "p.toml")
    assert found is not None, [str(problem) for problem in wrong]
    return found


def problems(text: str) -> list[str]:
    """Return the problems of a policy as `path: reason`."""
    found, wrong = read_policy(text, "p.toml")
    assert (found is None) == bool(wrong)
    return [f"{one.path}: {one.reason}" for one in wrong]


def test_every_policy_file_is_here() -> None:
    """The tests below see every file that is shipped."""
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(NAMES)
    assert [policy(TEXTS[name]).id for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    "kind, yuan, clause",
    [
        ("late", 500, "6(1)"),
        ("early_leave", 500, "6(1)"),
        ("off_post", 1000, "6(1)"),
        ("absence", 2000, "6(1)"),
        ("proxy_punch", 3000, "6(2)"),
        ("falsification", 3000, "6(2)"),
        ("post_uncovered", 2000, "6(3)"),
        ("handover_missing", 2000, "6(3)"),
        ("handover_false", 2000, "6(3)"),
        ("unrelated_work", 1000, "6(4)"),
        ("complaint", 1000, "6(5)"),
        ("no_substitute", 2000, "8"),
    ],
)
def test_amounts_of_the_client_contract(kind: str, yuan: int, clause: str) -> None:
    """Each amount as the text has it, in fen, by its clause (1.2 DE1 to DE7)."""
    price = policy().price(FindingKind(kind))
    assert price is not None
    assert (price.amount_fen, price.clause) == (yuan * 100, f"S0-T19-{clause}")
    assert price.part_fen == (100_000 if kind == "no_substitute" else None)


def test_limits_of_the_client_contract() -> None:
    """Three hours, four hours, and no length of absence."""
    found = policy()
    limits = {name: found.limit(name) for name in LIMITS}
    seconds = {name: one and (one.seconds, one.clause) for name, one in limits.items()}
    assert seconds == {
        "off_post_above_minutes": (10800, "S0-T19-5"),
        "off_post_charged_above_minutes": (10800, "S0-T19-6(1)"),
        "absence_above_minutes": None,
        "leave_letter_above_minutes": (14400, "S0-T19-8"),
        "post_off_post_above_minutes": (10800, "S0-T19-6(3)"),
    }
    assert found.limit("nix") is None


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_priced_noticed_or_unused(name: str) -> None:
    """A rule says of every kind what it costs, why it costs nothing, or neither."""
    found = policy(TEXTS[name])
    for kind in FindingKind:
        price = found.price(kind)
        assert (price is None) == (kind in found.file.unused)
        if price is not None and price.amount_fen is None:
            assert price.zh
            assert price.en
            assert price.clause in found.file.clauses
    assert set(KIND_WORDS) == set(FindingKind)


def test_a_rule_without_sums_charges_nothing() -> None:
    """The one-session rule names no sums: everything is a notice."""
    found = policy(TEXTS["single-session"])
    assert {price.amount_fen for price in found.prices.values()} == {None}
    assert found.file.scope.charge == "none"
    assert found.file.reports.daily == "20:00"
    assert policy().file.reports.daily == ""


def keys() -> list[tuple[str, int, str]]:
    """Return file, line and key of every plain key of the policy files."""
    return [
        (name, number, match[1])
        for name, text in TEXTS.items()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := KEY.match(line))
    ]


@pytest.mark.parametrize("name, number, key", keys())
def test_every_key_is_needed_typed_and_known(name: str, number: int, key: str) -> None:
    """Each key: of a wrong type, misspelt and missing is a problem."""
    lines = TEXTS[name].split("\n")
    line = lines[number - 1]
    whole = number - 1
    if line.endswith("["):
        whole = next(n for n in range(number, len(lines)) if lines[n] == "]")
    rest = lines[whole + 1 :]
    before = lines[: number - 1]
    found, wrong = read_policy("\n".join([*before, f"{key} = [1.5]", *rest]), "p")
    assert found is None
    assert number in [one.line for one in wrong]
    found, wrong = read_policy("\n".join([*before, f"{key}x = 1", *rest]), "p")
    assert found is None
    assert [one for one in wrong if one.line == number and "unknown key" in one.reason]
    found, wrong = read_policy("\n".join([*before, *rest]), "p")
    optional = (
        key == "confirmed"
        or (key in {"daily"} | {"weekly_friday"})
        or (key == "quarterly_last_day")
    )
    assert (found is not None) == optional, wrong


def test_every_setting_has_words() -> None:
    """What can be set is said in two languages, each of its values too."""
    data = tomllib.loads(CLIENT) | {"reports": {}}
    groups = {
        "signs", "windows", "repeats", "verdicts", "leave", "outages",
        "corrections", "clock", "posts", "rulings", "scope",
    }  # fmt: skip
    settings = {f"{group}.{name}" for group in groups for name in data[group]}
    assert settings == {one.name for one in SETTINGS}
    assert set(LIMITS) == {one.name for one in LIMIT_WORDS}
    for one in SETTINGS:
        value = value_of(policy().file, one.name)
        plain = isinstance(value, int | str) and not one.values
        assert plain == ("{value}" in one.about.en) == ("{value}" in one.about.zh)
        if one.values and not isinstance(value, bool):
            assert set(one.values) == {str(item) for item in type(value)}


def test_each_ambiguity_is_a_commented_setting() -> None:
    """The ten letters of the rule are settings, commented in the file and open."""
    found = open_ambiguities(policy())
    letters = [letter for one in found for letter in re.findall(r"\((.)\)", one.cite)]
    assert letters == list("abcdefgghij")
    for one in found:
        key = one.setting.split(".")[-1]
        above = CLIENT.split(f"\n{key} = ")[0].rsplit("\n\n", 1)[-1]
        letter = re.findall(r"\(.\)", one.cite)[0]
        assert f"Ambiguity {letter}" in above, one.setting
        assert one.others
        assert (one.clause is not None) == (one.setting in LIMITS)
    assert [one.value for one in found if one.setting == "absence_above_minutes"] == [0]


def test_what_the_owner_confirmed_is_closed() -> None:
    """A confirmed reading is no longer listed; an unknown one is a problem."""
    every = [one.setting for one in open_ambiguities(policy())]
    listed = ", ".join(f'"{name}"' for name in every)
    closed = policy(CLIENT.replace("confirmed = []", f"confirmed = [{listed}]"))
    assert open_ambiguities(closed) == []
    assert page(closed, "zh")[-1] == "全部已确认"
    text = CLIENT.replace("confirmed = []", 'confirmed = ["verdicts.x", "x.y", "id."]')
    assert problems(text) == [
        "confirmed[1]: there is no setting 'verdicts.x'",
        "confirmed[2]: there is no setting 'x.y'",
        "confirmed[3]: there is no setting 'id.'",
    ]
    assert exists(policy().file, "verdicts.add_up")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_everything(name: str, lang: str) -> None:
    """Every clause, amount, setting and notice stands on the page of a rule."""
    found = policy(TEXTS[name])
    text = "\n".join(page(found, lang))
    for number, clause in found.file.clauses.items():
        assert f"  {number}  {getattr(clause, lang)}" in text
    for one in SETTINGS:
        assert f"[{one.name} = {value_of(found.file, one.name)}]" in text
    for price in found.prices.values():
        words = getattr(KIND_WORDS[price.kind], lang)
        fen = price.amount_fen
        said = (
            f"{words}: {fen // 100}.00" if fen else f"{words}: {getattr(price, lang)}"
        )
        assert said in text
    assert "{value}" not in text
    assert found.digest[:12] in text
    other = "首次结算前须确认" if lang == "zh" else "before the first settlement"
    assert next(line for line in text.split("\n") if other in line).endswith(
        f"[{FIRST}]"
    )
    assert (name == NAMES[0]) == ("1000.00" in text)


def test_a_limit_that_is_no_step_says_so() -> None:
    """Zero minutes are no «above 0 minutes»."""
    text = "\n".join(page(policy(TEXTS["single-session"]), "en"))
    assert "there is no off post" in text
    assert "above 0 min" not in text
    longer = CLIENT.replace("absence_above_minutes = 0", "absence_above_minutes = 240")
    (found,) = [
        one
        for one in open_ambiguities(policy(longer))
        if one.setting == "absence_above_minutes"
    ]
    assert found.reading.en == "off post above 240 min is absence"
    assert len(found.others) == 2


def test_the_digest_is_of_what_is_said() -> None:
    """Comments do not change it, an amount does."""
    same = policy(CLIENT.replace("# The core", "# the core"))
    assert same.digest == policy().digest
    other = policy(CLIENT.replace("late_fen = 50000", "late_fen = 50001", 1))
    assert other.digest != same.digest
    assert (other.version, len(other.digest)) == ("2026-01-01.1", 64)


LATE = "late_fen = 50000\n"


@pytest.mark.parametrize(
    "old, new, expected",
    [
        (
            LATE,
            "",
            (
                "clauses: nothing says what late costs: give late_fen in its clause, or"
                " [notices] with the reason why it costs nothing, or list it in unused"
            ),
        ),
        (
            "proxy_punch_fen",
            LATE + "proxy_punch_fen",
            "clauses.S0-T19-6(2).late_fen: stands already in clause S0-T19-6(1)",
        ),
        (
            "post_off_post_above_minutes",
            "off_post_above_minutes = 1\npost_off_post_above_minutes",
            (
                "clauses.S0-T19-6(3).off_post_above_minutes:"
                " stands already in clause S0-T19-5"
            ),
        ),
        (
            "absence_above_minutes = 0\n",
            "",
            (
                "clauses: no clause says absence_above_minutes;"
                " 0 where there is no such step"
            ),
        ),
        (
            "[notices.elsewhere]",
            "[notices.elswhere]",
            "notices.elswhere: no kind of finding is called 'elswhere'",
        ),
        (
            "[notices.elsewhere]",
            (
                '[notices.late]\nclause = "S0-T19-5"\nzh = "x"\nen = "x"\n'
                "[notices.elsewhere]"
            ),
            "notices.late: has an amount already in clause S0-T19-6(1)",
        ),
        (
            '[notices.elsewhere]\nclause = "S0-T19-4"',
            '[notices.elsewhere]\nclause = "S0-T19-3"',
            "notices.elsewhere.clause: there is no clause 'S0-T19-3' in this file",
        ),
        (
            "unused = [",
            'unused = ["late",',
            "unused[1]: late has an amount or a notice",
        ),
        (
            '[clauses."S0-T19-9"]',
            '[clauses."Art. 9"]',
            (
                'clauses.Art. 9: must be the number of a clause like "S0-T19-6(1)",'
                " not 'Art. 9'"
            ),
        ),
        (
            "no_substitute_part_fen = 100000",
            "",
            (
                "clauses.S0-T19-8.no_substitute_part_fen: is missing;"
                " both amounts stand in one clause"
            ),
        ),
        (
            "no_substitute_fen = 200000",
            "",
            (
                "clauses.S0-T19-8.no_substitute_fen: is missing;"
                " both amounts stand in one clause"
            ),
        ),
        (
            'return_unconfirmed = "notice"',
            'return_unconfirmed = "breach"',
            (
                "leave.return_unconfirmed: a breach costs something:"
                " give return_unconfirmed_fen in its clause"
            ),
        ),
        (
            '[clauses."S0-T19-9"]',
            '[clauses."S0-T19-9"]\nreturn_unconfirmed_fen = 1',
            (
                "leave.return_unconfirmed: clause S0-T19-9 has"
                " return_unconfirmed_fen: it is a breach"
            ),
        ),
        (LATE, "late_fen = -1\n", "clauses.S0-T19-6(1).late_fen: must be from 0 to"),
        (
            "off_post_above_minutes = 180",
            "off_post_above_minutes = 99999",
            "clauses.S0-T19-5.off_post_above_minutes: must be from 0 to 44640",
        ),
        ("[signs]", "[signs", ": not TOML: "),
        ("version = ", "version = " + "9" * 5000 + " #", ": not TOML: nested too deep"),
    ],
)
def test_problems_of_a_policy(old: str, new: str, expected: str) -> None:
    """An amount missing or twice, a limit, a notice: each is named with its place."""
    assert CLIENT.count(old) >= 1
    found = problems(CLIENT.replace(old, new, 1))
    assert any(one.startswith(expected) for one in found), found


def test_every_amount_prices_one_kind() -> None:
    """Keys of amounts are kinds of findings; one of them is a part."""
    kinds = [kind_of(amount) for amount in AMOUNTS]
    assert kinds.count(None) == 1
    assert kind_of(PART) is None
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("name", ["client-contract", "single-session"])
def test_every_setting_and_limit_tells_how_it_is_read(name: str) -> None:
    """With its value and the other readings, open or not; anything else is neither."""
    rule = policy(TEXTS[name])
    for one in (*SETTINGS, *LIMIT_WORDS):
        found = reading_of(rule, one.name)
        assert found is not None
        assert (found.setting, found.cite) == (one.name, one.cite)
        assert found.reading not in found.others
    limit = reading_of(rule, "off_post_above_minutes")
    assert limit is not None
    assert limit.value == {"client-contract": 180}.get(name, 0)
    assert reading_of(rule, "verdicts.mood") is None
