"""The terminal behind its sessions: clock, name plate, memory, and what it refused."""

import struct
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivers.virtual.config import VirtualConfig
from drivers.virtual.memory import Memory
from drivers.virtual.operations import OperationCode, OperationLog
from drivers.virtual.snapshot import Snapshot
from drivers.zk.events import PunchEvent
from drivers.zk.operations import Operation
from drivers.zk.payloads import SIZES_BYTES
from drivers.zk.times import decode_time, encode_time

if TYPE_CHECKING:
    from collections.abc import Callable

_FACES = struct.Struct("<3I")
_FACE_CAPACITY = 3000
# What four bytes can say; a clock that is further off stands still there.
_FIRST_TIME = datetime.fromisoformat(decode_time(0))
_LAST_TIME = datetime.fromisoformat(decode_time(0xFFFFFFFF))


class Device:
    """What all sessions of one terminal share."""

    def __init__(self, config: VirtualConfig) -> None:
        self.config = config
        self.faults = config.faults
        self.memory = Memory(config)
        self.operations = OperationLog()
        self.refused: list[int] = []
        self.obeyed: list[int] = []
        self.restart: Callable[[], None] = lambda: None
        self.clears = 0
        self._turned = timedelta()
        self.template_requests: list[int] = []
        self.asked: Counter[int] = Counter()
        self.asked_last = 0
        self.fetched: set[tuple[str, bytes]] = set()
        self._reported: Counter[int] = Counter()
        self.connects = 0
        self.reboots = 0
        self.log_reads = 0

    @property
    def serial(self) -> str:
        """Serial number now: another one once the fault `serial-change` struck.

        It strikes from the second CONNECT on, or with the first reboot.
        """
        other = self.faults.serial_change
        if other and (self.connects > 1 or self.reboots):
            return other
        return self.config.serial

    def time(self) -> datetime:
        """Local time as the device shows it, without a zone."""
        seconds = self.config.clock_offset_seconds
        if self.log_reads:
            seconds += self.faults.clock_jump_seconds
        try:
            time = self.config.clock().replace(tzinfo=None) + timedelta(seconds=seconds)
            time += self._turned
        except OverflowError:
            return _LAST_TIME if seconds > 0 else _FIRST_TIME
        return min(max(time, _FIRST_TIME), _LAST_TIME)

    def time_text(self) -> str:
        """Return the same as `YYYY-MM-DDTHH:MM:SS`."""
        return f"{self.time():%Y-%m-%dT%H:%M:%S}"

    def packed_time(self) -> int:
        """Return the same as the number that logs hold."""
        return encode_time(self.time_text())

    def set_time(self, packed: int) -> None:
        """Turn the clock to a packed time, as an administrator does.

        Raises:
            ValueError: a date that does not exist.
        """
        self._turned += datetime.fromisoformat(decode_time(packed)) - self.time()
        self.operate(OperationCode.SET_TIME)

    def power_on(self) -> None:
        """Write down that the terminal came up."""
        self.operate(OperationCode.POWER_ON)

    def operate(
        self,
        code: int,
        admin: int = 0,
        parameters: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Write down an operation, now."""
        made = Operation(admin, code, self.time_text(), parameters)
        self.operations.add([made])

    def clear(self) -> None:
        """Forget the log, as an administrator at the menu does."""
        self.memory.clear()
        self.clears += 1
        self.operate(OperationCode.DELETED_RECORDS)

    def read_log(self) -> Snapshot:
        """Return the log for a client; two faults strike the second time."""
        self.log_reads += 1
        if self.log_reads == 1:
            self.memory.mark_anchor()
            if self.faults.clock_jump_seconds:
                self.operate(OperationCode.SET_TIME)
        elif self.log_reads == 2:  # noqa: PLR2004 - the read these faults wait for
            if self.faults.clear_log:
                self.clear()
            elif self.faults.edit_log:
                self.memory.edit_anchor()
        return self.memory.log()

    def fetch(self, log: Snapshot, first: int, end: int) -> None:
        """Keep the records in these bytes of a log: a client has them now."""
        if self.config.remembers:
            found = self.memory.records_in(log, first, end)
            self.fetched |= {(self.serial, record) for record in found}

    def event(self, punch: PunchEvent) -> bytes:
        """Return a punch as this model announces it."""
        return punch.to_bytes(self.config.encoding, self.config.model.event_bytes)

    def sizes(self) -> bytes:
        """Return counts and capacities as this model states them: 80, 92, 112 bytes."""
        sizes = bytearray(self.memory.sizes().to_bytes())
        sizes[40:44] = len(self.operations).to_bytes(4, "little")
        length = self.sizes_bytes
        if length > SIZES_BYTES:
            sizes += _FACES.pack(0, 0, _FACE_CAPACITY)
        return bytes(sizes.ljust(length, b"\0"))

    @property
    def sizes_bytes(self) -> int:
        """Length of the counts."""
        return self.config.sizes_bytes or self.config.model.sizes_bytes

    def refuse(self, command: int) -> None:
        """Count a request that would have changed the terminal."""
        self.refused.append(command)
        self._report(command, "would change the terminal")

    def refuse_template(self, command: int) -> None:
        """Write down a request for fingers, faces or photos."""
        self.template_requests.append(command)
        self._report(command, "asks for templates or photos")

    def _report(self, command: int, what: str) -> None:
        """Report the 1st, 10th, 100th … request of a kind: a flood is no news."""
        self._reported[command] += 1
        count = self._reported[command]
        if str(count).rstrip("0") == "1":
            self.config.report(f"request {command} {what}: refused (number {count})")

    def option(self, name: str) -> str | None:
        """Value of an option; None where the terminal knows no such name."""
        return self._options().get(name)

    def _options(self) -> dict[str, str | None]:
        config = self.config
        texts = config.model.user_bytes > 28  # noqa: PLR2004 - the short user records
        return {
            "~SerialNumber": self.serial,
            "~DeviceName": config.name,
            "~Platform": config.platform,
            "~OS": "1",
            "~ZKFPVersion": "10",
            "~PIN2Width": "24" if texts else "9",
            "~IsABCPinEnable": "1" if texts else "0",
            "~ExtendFmt": "0",
            "~UserExtFmt": "1" if texts else "0",
            "~SSR": "1" if texts else "0",
            "FaceFunOn": "1" if self.sizes_bytes > SIZES_BYTES else "0",
            "ZKFaceVersion": "7" if self.sizes_bytes > SIZES_BYTES else "0",
            "~ProductTime": "2026-01-01 00:00:00",
            "CompatOldFirmware": "0",
            "WorkCode": "0",
            "DeviceID": "1",
            "TCPPort": str(config.port or 4370),
            "UDPPort": str(config.udp_port or config.port or 4370),
            "RS232BaudRate": "115200",
            "MAC": "00:17:61:00:00:01",
            "IPAddress": config.host,
            "NetMask": "255.255.255.0",
            "GATEIPAddress": config.host,
            **config.options,
        }
