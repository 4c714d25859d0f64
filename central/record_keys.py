"""What a durable entry that is no punch can be found by, read without trusting it.

Kinds of today and tomorrow pass here. A key that is absent, of another type, too long
or not storable is None; the entry's text is kept whole beside it, so nothing is lost by
not understanding it.
"""

from typing import Any

from central.values import RecordRow

_TEXT_LENGTH = 200
_INT64 = 2**63 - 1


def record_row(seq: int, kind: str, body: str, value: Any) -> RecordRow:
    """Return an entry as it is stored.

    Args:
        seq: its number in the stream.
        kind: the topic it came on.
        body: its JSON text.
        value: that text decoded, of any type.
    """
    keys: dict[str, Any] = value if isinstance(value, dict) else {}
    return RecordRow(
        seq=seq,
        kind=kind,
        id=_text(keys.get("id")),
        body=body,
        rev=_whole(keys.get("rev")),
        entry_kind=_text(keys.get("kind")),
        person=_text(keys.get("person")),
        date=_text(keys.get("date")),
        terminal=_text(keys.get("terminal")),
        serial=_text(keys.get("serial")),
        at=_text(keys.get("at")),
    )


def _text(value: object) -> str | None:
    fits = isinstance(value, str) and "\x00" not in value and len(value) <= _TEXT_LENGTH
    return str(value) if fits else None


def _whole(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= _INT64 else None
