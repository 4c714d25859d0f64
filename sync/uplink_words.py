"""What an uplink says beside the stream: states that are kept, answers said once.

Of a state only the newest word is worth sending, and every connection begins with all
of them. An answer is said once; whoever misses it asks again.
"""

from collections import deque
from dataclasses import dataclass

_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class Word:
    """One message; `retain` means that the broker keeps it."""

    topic: str
    payload: bytes
    retain: bool


class Words:
    """The words that wait for room on a connection."""

    def __init__(self) -> None:
        self._kept: dict[str, Word] = {}
        self._states: dict[str, Word] = {}
        self._answers: deque[Word] = deque(maxlen=_ANSWERS)

    def keep(self, topic: str, payload: bytes) -> None:
        """Remember a state for this and every later connection."""
        self._kept[topic] = Word(topic, payload, retain=True)

    def say(self, topic: str, payload: bytes) -> None:
        """Queue a state in place of an older word on the same topic."""
        self._states.pop(topic, None)
        self._states[topic] = Word(topic, payload, retain=True)

    def answer(self, topic: str, payload: bytes) -> None:
        """Queue a message that is said once."""
        self._answers.append(Word(topic, payload, retain=False))

    def connected(self, topic: str, birth: bytes) -> None:
        """Begin a connection: our birth first, then every state that is kept."""
        self._answers.clear()
        self._states = {topic: Word(topic, birth, retain=True)} | self._kept

    def next(self) -> Word | None:
        """Take the next word, None when none waits."""
        if self._states:
            return self._states.pop(next(iter(self._states)))
        return self._answers.popleft() if self._answers else None
