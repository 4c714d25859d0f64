"""The terminal behind its sessions: clock, name plate, memory, and what it refused."""

from collections import Counter
from datetime import datetime, timedelta

from drivers.virtual.config import VirtualConfig
from drivers.virtual.memory import Memory


class Device:
    """What all sessions of one terminal share."""

    def __init__(self, config: VirtualConfig) -> None:
        self.config = config
        self.faults = config.faults
        self.memory = Memory(config)
        self.refused: list[int] = []
        self.template_requests: list[int] = []
        self.asked: Counter[int] = Counter()
        self.connects = 0
        self.reboots = 0

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
        """Local time as the device shows it."""
        seconds = self.config.clock_offset_seconds
        if self.memory.log_reads:
            seconds += self.faults.clock_jump_seconds
        return self.config.clock() + timedelta(seconds=seconds)

    def time_text(self) -> str:
        """Return the same as `YYYY-MM-DDTHH:MM:SS`."""
        return f"{self.time():%Y-%m-%dT%H:%M:%S}"

    def option(self, name: str) -> str | None:
        """Value of an option; None where the terminal knows no such name."""
        return self._options().get(name)

    def _options(self) -> dict[str, str | None]:
        config = self.config
        return {
            "~SerialNumber": self.serial,
            "~DeviceName": config.name,
            "~Platform": config.platform,
            "~OS": "1",
            "~ZKFPVersion": "10",
            "~PIN2Width": "24",
            "~IsABCPinEnable": "1",
            "~ExtendFmt": "0",
            "~UserExtFmt": "1",
            "~SSR": "1",
            "FaceFunOn": "0",
            "CompatOldFirmware": "0",
            "WorkCode": "0",
            "DeviceID": "1",
            "MAC": "00:17:61:00:00:01",
            "IPAddress": config.host,
            "NetMask": "255.255.255.0",
            "GATEIPAddress": config.host,
            **config.options,
        }
