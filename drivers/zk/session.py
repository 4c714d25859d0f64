"""A client's conversation without a socket: requests numbered, replies told apart.

Follows zk-protocol 1.3, 1.4 and 6. The terminal repeats the number of the request it
answers; events carry number 0 and may come between a request and its reply.
"""

from collections import deque

from drivers.base import Announcement, ProtocolError
from drivers.zk.commands import Command, EventCode, Reply, code_name
from drivers.zk.events import parse_events
from drivers.zk.packets import Frame

_NUMBERS = 0x10000


class Session:
    """Numbers and sorts the frames of one connection.

    `strays` counts answers to something else: late, doubled, or wrongly numbered ones.
    """

    def __init__(self, encoding: str) -> None:
        self.id = 0
        self.announced: deque[Announcement] = deque()
        self.strays = 0
        self._encoding = encoding
        self._number = -1
        self._command = 0

    def request(self, command: int, data: bytes = b"") -> Frame:
        """Return the next request; from now on only its replies count."""
        self._number = (self._number + 1) % _NUMBERS
        self._command = command
        return Frame(command, self.id, self._number, data)

    def is_reply(self, frame: Frame) -> bool:
        """Return whether this answers the last request; events are put aside."""
        if frame.command == Command.REGISTER_EVENT:
            self._note(frame)
            return False
        if frame.reply_id == self._number and self._is_ours(frame):
            return True
        self.strays += 1
        return False

    def _is_ours(self, frame: Frame) -> bool:
        """Compare the session where a reply names it.

        Data frames carry their number there, and CONNECT is answered with the id.
        """
        unnamed = frame.command < Reply.OK or self._command == Command.CONNECT
        return unnamed or frame.session == self.id

    def acknowledgement(self) -> Frame:
        """Return what every event must be answered with."""
        return Frame(Reply.OK, self.id, 0)

    def silence(self, command: int, seconds: float) -> str:
        """Say that no reply came, and what came instead."""
        said = f"no answer to {code_name(command)} within {seconds:g} s"
        if self.strays:
            said += f"; {self.strays} answers to something else came"
        return said

    def _note(self, frame: Frame) -> None:
        """Keep a punch that was announced; other events mean nothing to us."""
        if frame.session != EventCode.PUNCH:
            return
        try:
            events = parse_events(frame.data, self._encoding)
        except ProtocolError:
            # An unknown form still says that somebody punched: the log will tell.
            self.announced.append(Announcement(None, ""))
            return
        self.announced += (
            Announcement(one.badge, one.at, one.slot or None) for one in events
        )
