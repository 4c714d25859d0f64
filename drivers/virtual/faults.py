"""The closed list of faults, and the reading of `NAME` and `NAME=ARG`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from drivers.virtual.errors import VirtualError


@dataclass(frozen=True, slots=True)
class Faults:
    """What this terminal does wrong; the defaults are nothing.

    `docs/virtual-terminal.md` says when each one strikes.
    """

    count_lies: int = 0
    split_data: int = 1
    split_bytes: int = 0
    coalesce: bool = False
    interleave_events: bool = False
    slow_ms: int = 0
    past_end: bool = True
    no_buffer: bool = False
    secure: bool = False
    reboot_after: int = 0
    clock_jump_seconds: int = 0
    clear_log: bool = False
    edit_log: bool = False
    junk_prefix: bool = False
    bad_date: bool = False
    drop_udp: int = 0
    bad_checksum: int = 0
    wrong_reply_id: int = 0
    single_client: bool = False
    serial_change: str = ""


# Fault name → field of Faults, and what its argument must look like (None: has none).
_COUNT = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_SIGNED = re.compile(r"-?[1-9]\d{0,8}", re.ASCII)
_PERCENT = re.compile(r"[1-9]\d?|100", re.ASCII)
_SERIAL = re.compile(r"[!-<>-~]{1,24}", re.ASCII)
_KNOWN: dict[str, tuple[str, re.Pattern[str] | None]] = {
    "count-lies": ("count_lies", _SIGNED),
    "split-data": ("split_data", _COUNT),
    "split-bytes": ("split_bytes", _COUNT),
    "coalesce": ("coalesce", None),
    "interleave-events": ("interleave_events", None),
    "slow": ("slow_ms", _COUNT),
    "past-end-2001": ("past_end", None),
    "no-buffer-4989": ("no_buffer", None),
    "secure-6001": ("secure", None),
    "reboot-after": ("reboot_after", _COUNT),
    "clock-jump": ("clock_jump_seconds", _SIGNED),
    "clear-log": ("clear_log", None),
    "edit-log": ("edit_log", None),
    "junk-prefix": ("junk_prefix", None),
    "bad-date": ("bad_date", None),
    "drop-udp": ("drop_udp", _PERCENT),
    "bad-checksum": ("bad_checksum", _COUNT),
    "wrong-reply-id": ("wrong_reply_id", _COUNT),
    "single-client": ("single_client", None),
    "serial-change": ("serial_change", _SERIAL),
}
FAULT_LIST = (
    "count-lies=N split-data=N split-bytes=N coalesce interleave-events slow=MS "
    "past-end-2001 no-buffer-4989 secure-6001 reboot-after=N clock-jump=S clear-log "
    "edit-log junk-prefix bad-date drop-udp=P bad-checksum=N wrong-reply-id=N "
    "single-client serial-change=S"
)


def parse_faults(texts: Iterable[str]) -> Faults:
    """Faults of `NAME` or `NAME=ARG` texts, the later of two alike.

    Raises:
        VirtualError: a name or argument that is not on the list; the list is in it.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, argument = text.partition("=")
        if name not in _KNOWN:
            raise VirtualError(f"no fault {name!r}; there are: {FAULT_LIST}")
        field, pattern = _KNOWN[name]
        if pattern is None and equals:
            raise VirtualError(f"fault {name} takes no argument; see: {FAULT_LIST}")
        if pattern is not None and pattern.fullmatch(argument) is None:
            raise VirtualError(f"fault {name}: not {argument!r}; see: {FAULT_LIST}")
        if pattern is None:
            values[field] = True
        else:
            values[field] = argument if pattern is _SERIAL else int(argument)
    return Faults(**values)
