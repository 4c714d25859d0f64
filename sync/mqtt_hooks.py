"""What the MQTT library calls on the side, and how to get free of it."""

import logging
import socket
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import LogLevel

log = logging.getLogger("punchgate.sync")


def unbind(client: Client) -> None:
    """Break the circle of client and callbacks, so that its sockets close at once."""
    client.on_connect = None
    client.on_disconnect = None
    client.on_subscribe = None
    client.on_publish = None
    client.on_message = None


def shut(sock: Any) -> None:
    """End a connection from any thread; the loop that reads it notices."""
    if sock is None:
        return
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was down already


def leave_it_to_the_loop(_client: Client, _userdata: Any, _sock: Any) -> None:
    """Take the library's writing to its loop: the one thread that reads."""


def library_says(_client: Client, _userdata: Any, level: int, text: str) -> None:
    """Log what a callback of ours raised; lost connections are told as events."""
    if level == LogLevel.MQTT_LOG_ERR and text.startswith("Caught exception"):
        log.error("mqtt library", {"says": text})
