"""What this terminal does with a command it does not answer with data.

Three closed sets: harmless ones are accepted; those that would change a terminal, save
writing and deleting users, are refused and counted; those that ask for fingers, faces
or photos are refused and written down. Everything else is unknown to it
(zk-protocol 2.1).
"""

from enum import IntEnum

from drivers.zk.commands import Command


class Rare(IntEnum):
    """Commands that terminals know and a gateway has no use for."""

    WRITE_GROUP = 22
    WRITE_USER_ZONES = 24
    WRITE_GROUP_ZONES = 26
    WRITE_ZONES = 28
    WRITE_UNLOCK_GROUPS = 30
    ENABLE_CLOCK = 57
    WRITE_LCD = 66
    CLEAR_LCD = 67
    WRITE_MESSAGE = 70
    DELETE_MESSAGE = 72
    WRITE_USER_MESSAGE = 73
    DELETE_USER_MESSAGE = 74
    DOOR_STATE = 75
    WRITE_CARD = 76
    EMPTY_CARD = 78
    WRITE_VERIFY_MODE = 79
    CHECKSUM_BUFFER = 119
    SLEEP = 1006
    RESUME = 1007
    REFRESH_OPTION = 1014
    TEST_VOICE = 1017
    CHANGE_SPEED = 1101


HARMLESS = frozenset[int](
    {
        Command.START_VERIFY,
        Command.START_ENROL,
        Command.CANCEL_CAPTURE,
        Command.ENABLE,
        Command.DISABLE,
        Rare.ENABLE_CLOCK,
        Rare.WRITE_LCD,
        Rare.CLEAR_LCD,
        Rare.DOOR_STATE,
        Rare.SLEEP,
        Rare.RESUME,
        Command.REFRESH_DATA,
        Rare.REFRESH_OPTION,
        Rare.TEST_VOICE,
        Rare.CHANGE_SPEED,
    }
)
TEMPLATES = frozenset[int](
    {
        Command.READ_TEMPLATES,
        Command.READ_USERS,
        Command.READ_TEMPLATE,
        Command.CAPTURE_FINGER,
        Command.CAPTURE_IMAGE,
        Command.USER_PHOTO,
    }
)
CHANGES = frozenset[int](
    {
        Command.WRITE_TEMPLATE,
        Command.CLEAR_DATA,
        Command.CLEAR_LOG,
        Command.DELETE_TEMPLATE,
        Command.CLEAR_ADMIN,
        Rare.WRITE_GROUP,
        Rare.WRITE_USER_ZONES,
        Rare.WRITE_GROUP_ZONES,
        Rare.WRITE_ZONES,
        Rare.WRITE_UNLOCK_GROUPS,
        Command.UNLOCK,
        Command.CLEAR_ACCESS,
        Command.CLEAR_OPERATION_LOG,
        Rare.WRITE_MESSAGE,
        Rare.DELETE_MESSAGE,
        Rare.WRITE_USER_MESSAGE,
        Rare.DELETE_USER_MESSAGE,
        Rare.WRITE_CARD,
        Rare.EMPTY_CARD,
        Rare.WRITE_VERIFY_MODE,
        Command.WRITE_TEMPLATE_SHORT,
        Command.SAVE_USER_TEMPLATES,
        Command.DELETE_FINGER,
        Command.SET_TIME,
        Command.RESTART,
        Command.POWER_OFF,
        # From a client these two are the upload that writing begins with.
        Command.PREPARE_DATA,
        Command.DATA,
    }
)
