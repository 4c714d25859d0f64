"""Command and reply codes, and the scrambled comm key.

Codes nobody has named stay plain numbers; `code_name` writes both for people.
"""

import struct
from enum import IntEnum


class Command(IntEnum):
    """What a client may ask, and the three packets of a bulk answer."""

    READ_TEMPLATES = 7
    WRITE_USER = 8
    READ_USERS = 9
    WRITE_TEMPLATE = 10
    READ_OPTION = 11
    WRITE_OPTION = 12
    READ_LOG = 13
    CLEAR_DATA = 14
    CLEAR_LOG = 15
    DELETE_USER = 18
    DELETE_TEMPLATE = 19
    CLEAR_ADMIN = 20
    UNLOCK = 31
    CLEAR_ACCESS = 32
    CLEAR_OPERATION_LOG = 33
    READ_OPERATION_LOG = 34
    FREE_SIZES = 50
    START_VERIFY = 60
    START_ENROL = 61
    CANCEL_CAPTURE = 62
    STATE = 64
    PIN_WIDTH = 69
    WRITE_TEMPLATE_SHORT = 87
    READ_TEMPLATE = 88
    SAVE_USER_TEMPLATES = 110
    DELETE_FINGER = 134
    GET_TIME = 201
    SET_TIME = 202
    REGISTER_EVENT = 500
    CONNECT = 1000
    EXIT = 1001
    ENABLE = 1002
    DISABLE = 1003
    RESTART = 1004
    POWER_OFF = 1005
    CAPTURE_FINGER = 1009
    CAPTURE_IMAGE = 1012
    REFRESH_DATA = 1013
    VERSION = 1100
    AUTH = 1102
    PREPARE_DATA = 1500
    DATA = 1501
    FREE_DATA = 1502
    PREPARE_BUFFER = 1503
    READ_BUFFER = 1504
    USER_PHOTO = 10010


class Reply(IntEnum):
    """What a terminal answers."""

    OK = 2000
    ERROR = 2001
    DATA = 2002
    RETRY = 2003
    REPEAT = 2004
    UNAUTHORISED = 2005
    AUTH_LOCKED = 2032
    NO_BUFFER = 4989
    SECURE = 6001
    ERROR_DATA = 65531
    ERROR_INIT = 65532
    ERROR_COMMAND = 65533
    UNKNOWN = 65535


class EventCode(IntEnum):
    """Kinds of live event; the code stands in the session field of the frame."""

    PUNCH = 1
    FINGER = 2


class DataType(IntEnum):
    """First argument of a buffer request."""

    LOG = 0
    USERS = 5


_WORDS = struct.Struct("<I")
_MASK = b"ZKSO"
_U32 = 0xFFFFFFFF


def code_name(code: int) -> str:
    """Return `2001 (ERROR)` for a code with a name, `4242` for one without."""
    for codes in (Reply, Command):
        if code in codes.__members__.values():
            return f"{code} ({codes(code).name})"
    return str(code)


def scramble(key: int, session: int, ticks: int) -> bytes:
    """Comm key as AUTH carries it: 4 bytes, for any key of 0 to 2^32 - 1.

    `session` is the id the terminal gave, `ticks` any byte; it travels in clear in
    byte 2. The sum is kept to 32 bits: pyzk forgets that and fails for some keys.
    """
    reversed_key = int(f"{key & _U32:032b}"[::-1], 2)
    mixed = _WORDS.pack((reversed_key + session) & _U32)
    _, b1, b2, b3 = (byte ^ mask for byte, mask in zip(mixed, _MASK, strict=True))
    return bytes((b2 ^ ticks, b3 ^ ticks, ticks, b1 ^ ticks))


def key_matches(key: int, session: int, payload: bytes) -> bool:
    """Return whether an AUTH payload is this key's: what a terminal checks.

    The byte the client chose is taken from the payload, so three bytes are proof.
    """
    return len(payload) == _WORDS.size and payload == scramble(key, session, payload[2])
