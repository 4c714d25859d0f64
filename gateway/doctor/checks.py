"""What a check is, and the stages in their order."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stages: first those of a terminal, then those of the way to the centre."""

    NAME = "name"
    ROUTE = "route"
    TCP = "tcp"
    ZK = "zk"
    KEY = "key"
    SERIAL = "serial"
    COUNTER = "counter"
    CLOCK = "clock"
    LOG = "log"
    BADGE = "badge"
    CERTIFICATE = "certificate"
    BROKER = "broker"
    TOPIC = "topic"
    CENTRE = "centre"
    BOOK = "book"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Check:
    """One stage: passed or not, what was seen, and for a failure what to do."""

    stage: Stage
    passed: bool
    words: str
    do: str = ""


def passed(stage: Stage, words: str) -> Check:
    """Return a stage that is well."""
    return Check(stage, True, words)


def failed(stage: Stage, words: str, do: str) -> Check:
    """Return a stage that is not, with what to do."""
    return Check(stage, False, words, do)
