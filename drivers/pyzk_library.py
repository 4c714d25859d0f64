"""The library pyzk, with the parts replaced that lose or bend records.

Whatever pyzk would cut wrongly, drop or take for complete is refused in one sentence
before it does (zk-protocol 8.1 lists its defects).
"""

from collections.abc import Iterator
from typing import Any

from zk import ZK
from zk.const import CMD_ATTLOG_RRQ
from zk.exception import ZKErrorResponse

from drivers.base import Address, ProtocolError, UnsupportedError
from drivers.pyzk_socket import FrameSocket
from drivers.zk.commands import Command, Reply, code_name
from drivers.zk.payloads import records_of
from drivers.zk.recognise import UnknownLayoutError, recognise
from drivers.zk.text import decode_badge, encode_field
from drivers.zk.times import decode_time

_STEPS = (40, 16, 8)
_CUT_RIGHTLY = ("40", "16", "8a")
_USER_STEPS = (28, 72)
_BADGE = slice(2, 26)
_ADVICE = 'read this terminal with driver = "zk"'
_LET_NOBODY_IN = frozenset({Reply.UNAUTHORISED, Reply.AUTH_LOCKED})


class _Reached:
    """Stands in for pyzk's ping and trial connection: ours is open already."""

    def test_tcp(self) -> int:
        """Say that the port answers."""
        return 0


class Library(ZK):  # type: ignore[misc]  # pyzk has no types
    """One pyzk session on a socket that is already connected."""

    _ZK__sock: Any

    def __init__(self, address: Address, link: FrameSocket) -> None:
        super().__init__(
            address.host,
            port=address.port,
            timeout=address.timeout_seconds,
            password=address.comm_key,
            ommit_ping=True,
            encoding=address.encoding,
        )
        self._ZK__sock.close()  # pyzk opens a UDP socket nobody uses
        self._ZK__sock = link
        self._link = link
        self.helper = _Reached()
        self.step = 0
        self.slots: frozenset[int] = frozenset()

    def _ZK__create_socket(self) -> None:  # noqa: N802 - pyzk's own (mangled) name
        self._ZK__sock = self._link

    def _ZK__decode_time(self, packed: bytes) -> str:  # noqa: N802 - the same
        """Text instead of a datetime, which one impossible date would refuse."""
        return decode_time(int.from_bytes(packed, "little"))

    def read_sizes(self) -> Any:
        """Read counts; -1 for what the terminal does not state."""
        self.users = self.records = self.rec_cap = -1
        return super().read_sizes()

    def get_users(self) -> list[Any]:
        """Return pyzk's users, and remember which slots are taken."""
        users: list[Any] = super().get_users()
        self.slots = frozenset(user.uid for user in users)
        return users

    def read_with_buffer(
        self, command: int, fct: int = 0, ext: int = 0
    ) -> tuple[bytes, int]:
        """Download a data set and refuse it unless pyzk can cut it rightly.

        Raises:
            ProtocolError: cut, of another size than counted, or with text in it that
                pyzk would drop.
            UnsupportedError: the terminal does not give it in the one way pyzk knows.
        """
        try:
            data, size = super().read_with_buffer(command, fct, ext)
        except ZKErrorResponse:
            self._check_refusal()
            raise
        records = records_of(data)
        if command == CMD_ATTLOG_RRQ:
            return data[: len(data) - len(records)] + self._readable_log(records), size
        self._check_users(records)
        return data, size

    def read_log(self) -> list[Any]:
        """Return every record, as many as the terminal counts; else nothing.

        Raises:
            ProtocolError: see `read_with_buffer`; or another number of records.
            UnsupportedError: see `read_with_buffer`; a count of 0 excuses nobody.
        """
        attendances = self.get_attendance()
        if not self.records:
            # pyzk does not look into a log the terminal counts as empty.
            try:
                self.read_with_buffer(CMD_ATTLOG_RRQ)
            except UnsupportedError:
                if not self._has_none_to_give():
                    raise
            if self.records:
                attendances = self.get_attendance()
        if len(attendances) != self.records:
            raise ProtocolError(
                f"pyzk made {len(attendances)} records out of {self.records}; {_ADVICE}"
            )
        return list(attendances)

    def _check_refusal(self) -> None:
        """Tell a data set that is not given from any other trouble."""
        link = self._link
        prepares = link.last_asked == Command.PREPARE_BUFFER
        if prepares and link.last_reply not in _LET_NOBODY_IN:
            raise UnsupportedError(
                "unsupported: the terminal does not give its data in the one way pyzk"
                f" knows; it answered {code_name(link.last_reply)}; {_ADVICE}"
            )

    def _has_none_to_give(self) -> bool:
        """Say whether a refused log is an empty one.

        Some terminals have no empty log to give: a plain error, however one asks. Any
        other answer says more than that, and bytes that come now are for nobody.
        """
        if self._link.last_reply != Reply.ERROR:
            return False
        answer: dict[str, Any] = self._ZK__send_command(CMD_ATTLOG_RRQ)
        return bool(answer["code"] == Reply.ERROR)

    def _check_users(self, records: bytes) -> None:
        if len(records) not in {self.users * step for step in _USER_STEPS}:
            raise ProtocolError(
                f"the user list has {len(records)} bytes, which is not {self.users} "
                f"users of 28 or 72 bytes; {_ADVICE}"
            )

    def _readable_log(self, records: bytes) -> bytes:
        """Check a log; return it with badges as pyzk can read them."""
        self.step = self._agreed_step(len(records))
        if not records:
            return records
        try:
            layout = recognise(
                records, len(records), self.records, encoding=self.encoding
            )
        except UnknownLayoutError as error:
            raise ProtocolError(f"{error.reason}; {_ADVICE}", records) from None
        if layout.name not in _CUT_RIGHTLY or layout.size != self.step:
            raise ProtocolError(
                f"the terminal counts {self.records} records, but its log looks like"
                f" records of layout {layout.name}, which pyzk would cut wrongly;"
                f" {_ADVICE}"
            )
        if layout.name != "40":
            return records
        size = layout.size
        pieces = [records[at : at + size] for at in range(0, len(records), size)]
        return b"".join(self._with_readable_badges(pieces))

    def _agreed_step(self, total: int) -> int:
        """Bytes of a record: the log must hold as many records as are counted.

        A punch between counting and reading makes the log longer, so a log that does
        not fit is compared with a second count.
        """
        before = self.records
        if total not in {before * step for step in _STEPS}:
            self.read_sizes()
        for step in _STEPS:
            count, rest = divmod(total, step)
            if rest == 0 and 0 <= before <= count <= self.records:
                self.records = count
                return step
        raise ProtocolError(
            f"the log has {total} bytes, which is not {before} records of 8, 16 or 40 "
            f"bytes (the terminal counts {before}, then {self.records}); {_ADVICE}"
        )

    def _with_readable_badges(self, pieces: list[bytes]) -> Iterator[bytes]:
        """Write badges in UTF-8: pyzk drops every byte that is none.

        The longer form must fit the field, else the record cannot be read by pyzk.
        """
        known: dict[bytes, bytes] = {}
        for position, piece in enumerate(pieces):
            field = piece[_BADGE]
            if field not in known:
                known[field] = self._readable_badge(piece, position)
            yield piece[: _BADGE.start] + known[field] + piece[_BADGE.stop :]

    def _readable_badge(self, piece: bytes, position: int) -> bytes:
        field = piece[_BADGE]
        badge = decode_badge(field, self.encoding)
        if self._reads_badge(field):
            return field
        try:
            return encode_field(badge, len(field), "utf-8")
        except ValueError as error:
            raise ProtocolError(
                f"record {position}: pyzk would drop bytes of the badge {badge!r}"
                f" ({error}); {_ADVICE}",
                piece,
            ) from None

    def _reads_badge(self, field: bytes) -> bool:
        """Return whether pyzk's reading of a badge field is the right one."""
        theirs = field.split(b"\0")[0].decode(errors="ignore").strip(" ")
        return theirs == decode_badge(field, self.encoding)
