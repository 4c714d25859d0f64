"""Which layout a log has: decided by what its records say, never by its length alone.

40, 16 and 8 divide each other and terminals miscount, so every layout that fits the
length reads the same bytes, and the one that explains them best wins: dates in a sane
window that follow each other, printable badges or known slots that come again, known
codes (zk-protocol 5.1). A log that two layouts explain about equally well, or none
does, is refused with its bytes.
"""

from collections.abc import Mapping

from drivers.base import ProtocolError
from drivers.zk.evidence import OPERATIONS, evidence
from drivers.zk.records import LAYOUTS, Layout, without_junk

# So much of the beginning of a log is enough to tell.
SAMPLE_BYTES = 8192

# A multiple of 8, 36 and 49, and nearly one of 16 and 40.
_READ_BYTES = 3528
_SANE_UNTIL = "2046-01-01T00:00:00"
# Bits against bytes without meaning, of which one in a thousand could pass, and against
# the next best layout. What the terminal counts is worth less than either.
_PROOF_BITS, _MARGIN_BITS = 10.0, 11.0
_COUNT_BITS = 4.0
# At least so many records must be believed.
_BELIEVED = 0.3


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
    saved: dict[str, float] = {}
    believed: dict[str, float] = {}
    for layout in (*LAYOUTS.values(), OPERATIONS):
        records = _cut(sample, total, layout)
        if size not in {None, layout.size} or not records:
            continue
        bits, share = evidence(layout, records, (encoding, slots), newest)
        if count > 0 and layout is not OPERATIONS:
            counted = layout.size * count == total
            bits += _COUNT_BITS if counted else -_COUNT_BITS
        saved[layout.name] = bits
        believed[layout.name] = share
    ranked = sorted(saved, key=lambda name: -saved[name])
    if ranked:
        best = ranked[0]
        second = saved[ranked[1]] if len(ranked) > 1 else 0.0
        proved = saved[best] >= _PROOF_BITS and saved[best] >= second + _MARGIN_BITS
        if proved and believed[best] >= _BELIEVED and best in LAYOUTS:
            return LAYOUTS[best]
    said = ", ".join(f"{name}: {saved[name]:+.0f} bits" for name in ranked)
    raise UnknownLayoutError(
        f"unsupported log layout: {total} bytes for {count} records fit none of the"
        f" known records for certain ({said or 'no size divides it'}); its bytes are"
        " kept, nothing of it is used",
        sample,
    )


def _cut(sample: bytes, total: int, layout: Layout) -> bytes:
    """Return whole records of a sample; none if the log cannot have this layout."""
    if len(sample) == total:
        try:
            sample = without_junk(sample, layout)
        except ProtocolError:
            return b""
    elif total % layout.size:
        return b""  # junk somewhere: only the whole log can tell how much
    length = min(len(sample), _READ_BYTES)
    return sample[: length - length % layout.size]
