"""A judged period as a clerk follows it: person by person, day by day, with reasons."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len

from gateway.cli.people_words import BRIEF_FLAGS, STATES
from gateway.core.moments import local
from gateway.core.policy.kinds import KIND_WORDS, Words
from gateway.core.verdicts import (
    Deduction,
    Finding,
    Judged,
    Mark,
    SessionVerdict,
)
from gateway.offline import Task
from gateway.punch_file import Spooled

_JOINED = {"zh": "；", "en": ", "}
_HEAD = Words(
    f"  日期       {'班次':<8} 节 应在岗       签到     签退      结果",
    "  date       shift      # due          in       out       verdict",
)
_FEN = 100


def pages(
    task: Task, judged: Iterable[Judged], punches: Spooled, lang: str
) -> Iterator[str]:
    """Yield the lines of a judged period."""
    rule = task.forced or next(iter(task.policies.values()), None)
    if rule is not None:
        yield getattr(rule.file.title, lang)
        yield f"{rule.id} {rule.version} · {task.first} … {task.last}"
    count = total = 0
    for one in judged:
        yield from _person(task, one, lang)
        count += len(one.findings)
        total += sum(line.amount_fen for line in one.deductions)
    for warned in punches.warnings:
        yield f"! {getattr(warned, lang)}"
    words = Words(
        f"共 {count} 项认定，扣款 {_yuan(total)} 元",
        f"{count} findings, {_yuan(total)} yuan",
    )
    yield getattr(words, lang)


def _person(task: Task, one: Judged, lang: str) -> Iterator[str]:
    if not (one.sessions or one.findings or one.warnings):
        return
    name = (
        (one.sessions or one.findings)[0].person
        if one.sessions or one.findings
        else one.warnings[0].person
    )
    found = task.book.person(name)
    yield ""
    yield f"{name} {found.name if found else ''}"
    if one.sessions:
        yield getattr(_HEAD, lang)
    findings = {finding.id: finding for finding in one.findings}
    money = {line.finding: line for line in one.deductions}
    told: set[str] = set()
    for session in one.sessions:
        yield _session(session, lang)
        for key in session.findings:
            told.add(key)
            yield _finding(findings[key], money.get(key), lang)
    for finding in one.findings:
        if finding.id not in told:
            yield f"  {finding.date}"
            yield _finding(finding, money.get(finding.id), lang)
    for warned in one.warnings:
        yield f"  ! {warned.date or ''} {getattr(warned, lang)}"


def _session(one: SessionVerdict, lang: str) -> str:
    signs = f"{_at(one.arrival)} {_at(one.departure)}"
    due = f"{local(one.start):%H:%M}-{local(one.end):%H:%M}"
    state = getattr(STATES[one.state], lang)
    waits = f"\n      {getattr(one.waits, lang)}" if one.waits else ""
    words = [words for flag, words in BRIEF_FLAGS.items() if flag in one.flags]
    noted = [getattr(one_, lang) for one_ in words]
    flags = f" [{_JOINED[lang].join(noted)}]" if noted else ""
    head = f"  {one.date} {_wide(one.shift, 10)} {one.session} {due}  {signs}  "
    return f"{head}{state}{flags}{waits}"


def _finding(one: Finding, line: Deduction | None, lang: str) -> str:
    """Say what was found and what it costs; below, how it came to that."""
    parts = [f"      {getattr(KIND_WORDS[one.kind], lang)}", one.clause]
    if line is not None:
        yuan = Words(f"{_yuan(line.amount_fen)} 元", f"{_yuan(line.amount_fen)} yuan")
        parts.append(getattr(yuan, lang))
    elif one.absorbed_by:
        words = Words(f"由 {one.absorbed_by} 计", f"charged by {one.absorbed_by}")
        parts.append(getattr(words, lang))
    elif one.ruled_by:
        words = Words(f"裁定 {one.ruled_by} 免除", f"waived by ruling {one.ruled_by}")
        parts.append(getattr(words, lang))
    elif not one.final:
        parts.append(getattr(Words("暂定", "not final"), lang))
    return "  ".join(parts) + f"\n        {getattr(one, lang)}\n        {one.id}"


def _at(mark: Mark | None) -> str:
    return f"{local(mark.at):%H:%M:%S}" if mark else "--:--:--"


def _yuan(fen: int) -> str:
    return f"{fen // _FEN:,}.{fen % _FEN:02d}"


def _wide(text: str, width: int) -> str:
    return text + " " * max(0, width - cell_len(text))
