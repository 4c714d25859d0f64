"""Which layout a log has: decided by what its records say, never by its length alone.

40, 16 and 8 divide each other and terminals miscount, so every layout that fits the
length reads a sample, and the reading that makes sense wins: dates in a sane window,
printable badges or known slots, known codes (zk-protocol 5.1). A log that two layouts
explain equally well, or none does, is refused with its bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drivers.base import ProtocolError
from drivers.zk.records import LAYOUTS, Ids, Layout, punches, without_junk

# So much of the beginning of a log is enough to tell.
SAMPLE_BYTES = 8192

_MOST_RECORDS = 200
_LEAST, _LEAST_COUNTED = 0.8, 0.5
_MARGIN = 0.1
_DATE, _WHOSE, _CODE = 0.5, 0.3, 0.1
# A terminal whose clock lost its battery counts from 2000; such dates are real, yet
# bytes that are no date at all look like this too.
_SANE_FROM, _RESET_FROM = "2005-01-01", "2000-01-01"
_SANE_UNTIL = "2046-01-01"
_VERIFY = frozenset({*range(16), *range(25, 30), *range(128, 143), 200})
_STATES = frozenset({0, 1, 2, 3, 4, 5, 15, 255})


class UnknownLayoutError(ProtocolError):
    """No layout known here, or more than one, explains this log."""


def recognise(  # noqa: PLR0913 - what is known beside the bytes
    sample: bytes,
    total: int,
    count: int,
    *,
    encoding: str,
    slots: Mapping[int, str] | None = None,
    size: int | None = None,
    newest: str = _SANE_UNTIL,
) -> Layout:
    """Return the layout of a log of `total` bytes and, it says, `count` records.

    `sample` begins at a record: the log itself, or its first `SAMPLE_BYTES` or more.
    With `size`, only layouts of that size are looked at: a sample from the middle of a
    log is cut for one size only. `slots` are the terminal's users where it has named
    them; dates from `newest` on are not sane.

    Raises:
        UnknownLayoutError: none, or more than one, makes sense; the sample is kept.
    """
    scores: dict[str, float] = {}
    for layout in LAYOUTS.values():
        if size not in (None, layout.size):
            continue
        try:
            records = _cut(sample, total, layout)
        except ProtocolError:
            continue
        scores[layout.name] = _score(layout, records, encoding, slots, newest)
    ranked = sorted(scores, key=lambda name: -scores[name])
    if ranked:
        best = LAYOUTS[ranked[0]]
        least = _LEAST_COUNTED if best.size * count == total else _LEAST
        second = scores[ranked[1]] if len(ranked) > 1 else 0.0
        if scores[best.name] >= least and scores[best.name] - second >= _MARGIN:
            return best
    said = ", ".join(f"{name} bytes {scores[name]:.2f}" for name in ranked)
    raise UnknownLayoutError(
        f"unsupported log layout: {total} bytes for {count} records fit none of the"
        f" known records for certain ({said or 'no size divides it'}); its bytes are"
        " kept, nothing of it is used",
        sample,
    )


def _cut(sample: bytes, total: int, layout: Layout) -> bytes:
    """Return whole records of a sample, if the whole log can have this layout.

    Raises:
        ProtocolError: it cannot.
    """
    if len(sample) == total:
        return without_junk(sample, layout)
    if total % layout.size:
        # Junk somewhere: only the whole log can tell how much.
        raise ProtocolError("not a whole number of records", sample)
    return sample[: len(sample) - len(sample) % layout.size]


def _score(
    layout: Layout,
    records: bytes,
    encoding: str,
    slots: Mapping[int, str] | None,
    newest: str,
) -> float:
    """How much sense the records make in this layout, 0 to 1, on average."""
    half = _MOST_RECORDS // 2 * layout.size
    if len(records) > 2 * half:
        records = records[:half] + records[-half:]
    read = punches(layout, "", records, encoding, 0, slots)
    unnamed = layout.ids is Ids.SLOT and slots is None
    return _mean(
        [
            _DATE * _date_sense(punch.at, newest)
            + _WHOSE * (0.5 if unnamed else _badge_sense(punch.badge))
            + _CODE * (punch.verify in _VERIFY)
            + _CODE * (punch.state in _STATES)
            for punch in read
        ]
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _date_sense(at: str, newest: str) -> float:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        return 0.0
    if _SANE_FROM <= at < newest:
        return 1.0
    return 0.5 if _RESET_FROM <= at < _SANE_FROM else 0.2


def _badge_sense(badge: str) -> float:
    return float(bool(badge) and badge.isprintable() and badge != "0")
