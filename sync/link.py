"""What a connection is told and what it tells: values, no library behind them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

WINDOW = 20
"""Messages in flight, at most."""

FAILED = 0x80
"""Reason codes from here on are refusals."""

NO_SUBSCRIBER = 0x10
"""Reason code of a message that nobody had subscribed to (MQTT 5 only)."""

_LOGIN = (0x86, 0x87)  # bad user name or password, not authorised

MAXIMUM_PACKET = 268_435_455
"""Bytes: the most MQTT can carry, and what a broker allows that says nothing."""


class Protocol(Enum):
    """The protocol versions we speak, best first."""

    V5 = "5.0"
    V311 = "3.1.1"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us, retained, when we vanish."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to prove who we are; empty texts mean «not used»."""

    host: str
    port: int
    client_id: str
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    username: str = ""
    password_file: str = ""
    will: Will | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker let us in; at most `receive_maximum` messages may be in flight."""

    attempt: int
    receive_maximum: int
    protocol: Protocol
    maximum_packet: int = MAXIMUM_PACKET


@dataclass(frozen=True, slots=True)
class Refused:
    """No connection came to be; the attempt is over."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker's answer to a subscription: topic → reason code."""

    attempt: int
    codes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Published:
    """The broker's answer to `publish(token=…)`."""

    attempt: int
    token: int
    code: int
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `retained` means the broker had kept it from before."""

    attempt: int
    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection that had been there is gone; the attempt is over."""

    attempt: int
    reason: str


def host_alone(value: str) -> str | None:
    """Check that a host is a name or an address; in a URL a password might stand."""
    if not value or set(value) & set("/@ "):
        return "must be a host name or an address, nothing else"
    return None


def refusal(code: int, name: str) -> str:
    """Say in words why the broker lets nobody in: its reason, and what to look at."""
    if code in _LOGIN:
        return (
            f"the broker refuses the login: {name}; check username and password_file"
            " under [mqtt]"
        )
    return name


LinkEvent = Connected | Refused | Subscribed | Published | Message | Disconnected
Sink = Callable[[LinkEvent], None]
