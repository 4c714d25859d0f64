"""How long the certificates of a connection are valid, and who is told when.

Reads of a certificate nothing but its two dates: whether it is to be trusted is for
OpenSSL alone. A library for this would cost the daemon 12 MB.
"""

import base64
import logging
import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

log = logging.getLogger("punchgate.sync")

WARN_DAYS = 30
"""From here on certificates are warned of."""

_LOOK_SECONDS = 60.0
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", re.DOTALL)
_VERSION = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_LONG = 0x80
_SHORT_YEARS_FROM = 50  # two digits: 50 is 1950, 49 is 2049 (RFC 5280 4.1.2.5.1)


class CertificateError(ValueError):
    """A file that holds no certificate that can be read; why, in words."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid, both included, aware."""

    begins: datetime
    ends: datetime

    def days_left(self, now: datetime) -> float:
        """Return the days until it ends; negative when it has."""
        return (self.ends - now) / timedelta(days=1)


class State(StrEnum):
    """What there is to say of a certificate."""

    FINE = "fine"
    EXPIRES = "expires"
    EXPIRED = "expired"
    EARLY = "early"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a configured certificate at one moment.

    `key` is the key of the configuration that names the file; without `validity` there
    is a `problem`, in words.
    """

    key: str
    file: str
    validity: Validity | None
    at: datetime
    problem: str = ""

    @property
    def state(self) -> State:
        """Return the one thing there is to say."""
        if self.validity is None:
            return State.UNREADABLE
        if self.at < self.validity.begins:
            return State.EARLY
        days = self.validity.days_left(self.at)
        if days < 0:
            return State.EXPIRED
        return State.EXPIRES if days <= WARN_DAYS else State.FINE

    @property
    def days(self) -> int | None:
        """Return the whole days left."""
        if self.validity is None:
            return None
        return math.floor(self.validity.days_left(self.at))

    @property
    def until(self) -> str | None:
        """Return the date of its end."""
        return None if self.validity is None else f"{self.validity.ends:%Y-%m-%d}"

    @property
    def words(self) -> str:
        """Say what a person should know; empty when all is well."""
        state, named = self.state, f"the certificate {self.file} ({self.key})"
        if self.validity is None:
            return f"{named} {self.problem}"
        if state is State.EARLY:
            return (
                f"the clock of this machine says {self.at:%Y-%m-%d %H:%M} UTC: {named}"
                f" is not valid before {self.validity.begins:%Y-%m-%d %H:%M}; set the"
                " clock"
            )
        if state is State.EXPIRED:
            return f"{named} expired on {self.until}; renew it"
        if state is State.EXPIRES:
            return f"{named} expires on {self.until}, in {self.days} days; renew it"
        return ""

    def as_json(self) -> dict[str, Any]:
        """Return its line of `status --json`."""
        left = None if self.validity is None else self.validity.days_left(self.at)
        return {
            "key": self.key,
            "file": self.file,
            "state": self.state.value,
            "until": self.until,
            "days_left": None if left is None else round(left, 2),
            "words": self.words or None,
        }


def real_now() -> datetime:
    """Return the present: OpenSSL asks the machine, so no story clock counts here."""
    return datetime.now(UTC)


def standings(tls_ca: str, tls_cert: str, now: datetime) -> list[Standing]:
    """Return what is known of the files a connection uses; empty names are left out.

    Of our own certificate the first of the file counts, of the authorities the one
    that lasts longest: a former one may stay beside its successor.
    """
    found = []
    if tls_cert:
        found.append(_standing("tls_cert", tls_cert, now, longest=False))
    if tls_ca:
        found.append(_standing("tls_ca", tls_ca, now, longest=True))
    return found


def _standing(key: str, file: str, now: datetime, *, longest: bool) -> Standing:
    try:
        validities = read(Path(file).read_bytes())
    except OSError as error:
        return Standing(key, file, None, now, f"cannot be read: {error.strerror}")
    except CertificateError as error:
        return Standing(key, file, None, now, str(error))
    chosen = max(validities, key=lambda v: v.ends) if longest else validities[0]
    return Standing(key, file, chosen, now)


def read(pem: bytes) -> list[Validity]:
    """Return the validities of the certificates in a PEM text, at least one.

    Raises:
        CertificateError: there is none, or one cannot be read.
    """
    blocks = _PEM.findall(pem)
    if not blocks:
        raise CertificateError("is none: no PEM certificate stands in it")
    return [_validity(block) for block in blocks]


def _validity(block: bytes) -> Validity:
    try:
        certificate = _parts(base64.b64decode(block))[0][1]
        fields = _parts(_parts(certificate)[0][1])
        # version (may be absent), serial, algorithm, issuer, validity (RFC 5280 4.1)
        begins, ends = _parts(fields[4 if fields[0][0] == _VERSION else 3][1])
        return Validity(_time(*begins), _time(*ends))
    except (IndexError, ValueError):
        raise CertificateError("is damaged") from None


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Split DER into its parts: tag and content (X.690 8.1, one-byte tags)."""
    parts, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size >= _LONG:
            width = size - _LONG
            size, at = int.from_bytes(der[at : at + width], "big"), at + width
        if at + size > len(der):
            raise ValueError("cut off")
        parts.append((tag, der[at : at + size]))
        at += size
    return parts


def _time(tag: int, content: bytes) -> datetime:
    """Read the two forms of time that certificates may have, both in UTC."""
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= _SHORT_YEARS_FROM else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


class Notices:
    """Says in the log what is to be done about certificates: at once, then daily."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[State, int | None]] = {}
        self._next = 0.0

    def look(self, tls_ca: str, tls_cert: str) -> None:
        """Log what was not said today; may be called as often as one likes."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK_SECONDS
        self.say(standings(tls_ca, tls_cert, real_now()))

    def say(self, found: Iterable[Standing]) -> None:
        """Log what was not said of these, or was otherwise: every day is news."""
        for one in found:
            said = (one.state, one.days)
            if self._said.get(one.key) != said:
                self._said[one.key] = said
                _log(one)


def _log(one: Standing) -> None:
    if one.state is State.EXPIRES:
        values = {"file": one.file, "days": one.days, "until": one.until}
        log.warning("certificate expires", values)
    elif one.state is State.EXPIRED:
        log.error("certificate expired", {"file": one.file, "until": one.until})
    elif one.state is not State.FINE:
        log.error("certificate unusable", {"file": one.file, "words": one.words})
