"""Prints every punch once: python subscriber.py HOST PORT."""

import json
import sys

from paho.mqtt import client, subscribe

newest: dict[str, int] = {}  # id → rev; in a database it would survive a restart


def show(_client: client.Client, _: object, message: client.MQTTMessage) -> None:
    """Print what is new: the same punch may come again, or again with more known."""
    for punch in json.loads(message.payload)["entries"]:
        if punch["rev"] > newest.get(punch["id"], -1):
            newest[punch["id"]] = punch["rev"]
            print(punch["at"], punch["terminal"], punch["badge"], punch["person"])


host, port = sys.argv[1], int(sys.argv[2])
subscribe.callback(show, "att/v1/+/+/punch", qos=1, hostname=host, port=port)  # type: ignore[no-untyped-call]
