"""Figures for Prometheus: the text that node_exporter's textfile collector reads.

The file is replaced as a whole, so that nobody reads half of one. Ids and numbers only:
no badge, no person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.health import Line, Risk, fullness

_MODE = 0o644  # node_exporter is another user
_QUOTE = '"'
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Metric:
    """One gauge: its name behind `punchgate_`, what it says, and its samples."""

    name: str
    help: str
    samples: tuple[tuple[Labels, float], ...]

    def text(self) -> str:
        """Return its lines; none where there is nothing to say."""
        name = f"punchgate_{self.name}"
        lines = [f"# HELP {name} {_escaped(self.help)}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(given)} {value!r}" for given, value in self.samples]
        return "\n".join(lines) + "\n" if self.samples else ""


_OF_TERMINAL: tuple[tuple[str, str], ...] = (
    ("online", "1 while the terminal answers."),
    ("in_terminal", "Records the terminal says it holds."),
    ("stored", "Records of its present log that are stored here."),
    ("punches", "Punches among the stored records."),
    ("acknowledged", "Punches that are confirmed."),
    ("offset_seconds", "Clock of the terminal minus ours."),
    ("capacity_ratio", "How full its log is, 0 to 1."),
    ("last_read", "When its log was last read; what is not new is not read again."),
    ("complete_at", "Until when everything punched on it is stored here."),
    ("last_record", "When its last new record came."),
)
_NAMES = {
    "in_terminal": "records_in_terminal",
    "offset_seconds": "clock_offset_seconds",
    "capacity_ratio": "log_capacity_ratio",
    "last_read": "last_read_timestamp_seconds",
    "complete_at": "complete_timestamp_seconds",
    "last_record": "last_record_timestamp_seconds",
}


def render(
    status: Line, risks: Iterable[Risk], version: str, now: datetime, *, up: bool
) -> str:
    """Return the text of the file; of a gateway that is not up only that it is not."""
    ids = {"gateway": status["gateway"], "site": status["site"], "version": version}
    metrics = [
        _one("up", "1 while the daemon runs; look at written_timestamp too.", up),
        _Metric("info", "Which gateway this is.", ((ids, 1.0),)),
        _one("written_timestamp_seconds", "When this was written.", now.timestamp()),
    ]
    if up:
        metrics.append(_certificates(status["certificates"]))
        metrics += [_terminal_metric(*what, status) for what in _OF_TERMINAL]
        metrics += _gateway_metrics(status)
    at_risk = tuple(
        ({"id": risk.id.value, "terminal": risk.terminal or ""}, 1.0) for risk in risks
    )
    metrics.append(_Metric("risk", "1 for everything that is at risk.", at_risk))
    return "".join(metric.text() for metric in metrics)


def _one(name: str, help_: str, value: float) -> _Metric:
    return _Metric(name, help_, (({}, float(value)),))


def _certificates(lines: Iterable[Line]) -> _Metric:
    known = [line for line in lines if line["days_left"] is not None]
    samples = tuple(({"key": line["key"]}, line["days_left"]) for line in known)
    words = "Days until a certificate expires; below 0 it has."
    return _Metric("cert_days_left", words, samples)


def _terminal_metric(key: str, help_: str, status: Line) -> _Metric:
    found = [
        ({"terminal": line["id"]}, _number(_value(line, key)))
        for line in status["terminals"]
    ]
    samples = tuple((of, value) for of, value in found if value is not None)
    return _Metric(f"terminal_{_NAMES.get(key, key)}", help_, samples)


def _value(line: Line, key: str) -> Any:
    return fullness(line) if key == "capacity_ratio" else line[key]


def _number(value: Any) -> float | None:
    """Return a figure of the status as a number; times as seconds since 1970."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return None if value is None else float(value)


def _gateway_metrics(status: Line) -> list[_Metric]:
    outbox, uplink = status["outbox"], status["uplink"]
    return [
        _one(
            "outbox_unacknowledged", "Entries not confirmed.", outbox["unacknowledged"]
        ),
        _one(
            "outbox_oldest_age_seconds",
            "How long the oldest of them has waited; 0 when none waits.",
            outbox["oldest_age_seconds"] or 0.0,
        ),
        _one(
            "broker_connected", "1 while a broker has let us in.", uplink["connected"]
        ),
        _one("broker_refusals", "Messages the broker refused.", uplink["refusals"]),
    ]


def _labels(given: Labels) -> str:
    pairs = [f'{name}="{_escaped(value, _QUOTE)}"' for name, value in given.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str, quote: str = "") -> str:
    """Escape as the exposition format does: backslash, line feed, quotes of labels."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace(quote, f"\\{quote}") if quote else text


def write(path: Path, text: str) -> None:
    """Replace the file; what cannot be done leaves the former one.

    Raises:
        OSError: the folder is absent, full or not ours.
    """
    # Of another ending, so that node_exporter never takes it for one of its own.
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(_MODE)
    fresh.replace(path)
