"""The AsyncAPI document: every topic that is sent, told from the gateway's view.

Topics and how they are sent stand in one table here; what a message holds is said by
the JSON Schemas beside the document, and only there.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sync.mqtt import KEEPALIVE_SECONDS
from sync.topics import CENTRE

PREFIX = "att/v1"
COMMAND_SECONDS = 60
"""A broker drops a command that it could not hand on for so long."""

_BINDING = "0.2.0"
_DESCRIPTION = """\
What gateways, a centre and everybody who reads along send each other over MQTT.

Operations are told from the GATEWAY's view: `send` is what a gateway publishes,
`receive` is what it subscribes to. A centre does the reverse. Whoever only reads
subscribes to what gateways send, and publishes nothing.

The prefix `att/v1` of all addresses is a setting. Messages are plain JSON of version 1
(`v`). Fields may be added, and whoever reads ignores those it does not know; no field
is removed, and none changes what it means or may hold. In words, docs/subscribing.md
says what readers must expect and what a centre must do."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic: its name (also of the message and the schema file) and how it is sent.

    `kind` is the address below `{prefix}/{site}/{gateway}`, or below `{prefix}/{site}`
    for the centre's own; `action` is the gateway's.
    """

    name: str
    kind: str
    action: Literal["send", "receive"]
    title: str
    text: str
    qos: int = 1
    retain: bool = False
    expiry_seconds: int | None = None
    reply: str | None = None
    correlated: bool = False
    unsaid: tuple[str, ...] = ()
    """Parameters that the message itself does not repeat."""

    @property
    def address(self) -> str:
        """Return the topic with its parameters in braces."""
        if self.kind.startswith(CENTRE):
            return f"{PREFIX}/{{site}}/{self.kind}"
        return f"{PREFIX}/{{site}}/{{gateway}}/{self.kind}"

    @property
    def parameters(self) -> list[str]:
        """Return the names that stand in braces in the address, in order."""
        levels = self.address.split("/")
        return [level[1:-1] for level in levels if level.startswith("{")]


CHANNELS = (
    Channel(
        "punch",
        "punch",
        "send",
        "Punches",
        "Durable, in batches, at least once. The same `id` may come again; the highest "
        "`rev` of it is the truth.",
    ),
    Channel(
        "attendance",
        "attendance",
        "send",
        "Verdicts",
        "Durable, in batches: one entry for each session of a duty, again whenever its "
        "verdict changes. The highest `rev` of an `id` is the verdict.",
    ),
    Channel(
        "suspicion",
        "suspicion",
        "send",
        "Suspicions of proxy punching",
        "Durable, in batches, for the reviewer role alone. The highest `rev` of an "
        "`id` is the case. Two named people decide; no number in it is a probability "
        "of guilt.",
    ),
    Channel(
        "event",
        "event",
        "send",
        "Events",
        "Durable, in batches: what happened to a gateway or a terminal. Entries of all "
        "durable topics are numbered together, so one topic alone has holes.",
    ),
    Channel(
        "entry",
        "entry",
        "send",
        "Rows of the book made at the gateway",
        "Durable, in batches: handovers, arrival rolls and attestations of a desk "
        "reader, and rulings. An `id` is one row, however often it comes.",
    ),
    Channel(
        "state",
        "state",
        "send",
        "Birth and death of a gateway",
        "Retained. The will of the connection is the same message with `online` false "
        "and the same `session`.",
        retain=True,
    ),
    Channel(
        "terminal",
        "terminal/{serial}",
        "send",
        "A terminal",
        "Retained. A terminal is available only while its own `online` AND its "
        "gateway's `online` on `state` are true.",
        retain=True,
    ),
    Channel(
        "live",
        "live/{terminal}",
        "send",
        "A punch of this moment",
        "For displays and home automation. No promise: nothing is sent again, and "
        "nothing old is sent. The same punch comes on `punch` with the same `id`.",
        qos=0,
    ),
    Channel(
        "reply",
        "cmd/reply",
        "send",
        "Answer to a command",
        "`id` is that of the command.",
        correlated=True,
    ),
    Channel(
        "ack",
        "ack",
        "receive",
        "What a centre holds of a gateway's stream",
        "Retained. Published by the one centre after its commit, never before, and "
        "after each birth of the gateway.",
        retain=True,
    ),
    Channel(
        "cmd",
        "cmd",
        "receive",
        "Command of a centre",
        "Not retained, and of no use after `expires`. Answered on `cmd/reply`.",
        expiry_seconds=COMMAND_SECONDS,
        reply="reply",
        correlated=True,
    ),
    Channel(
        "book",
        "book",
        "receive",
        "The site's book on its way down",
        "Retained. Only for gateways whose book comes from the centre; without names, "
        "reasons, papers and notes.",
        retain=True,
        unsaid=("gateway",),
    ),
    Channel(
        "centre_state",
        f"{CENTRE}/state",
        "receive",
        "Whether a centre is there",
        "Retained, with a will for each site. Optional for a centre of somebody else.",
        retain=True,
    ),
)

_PARAMETERS = {
    "site": "Id of the site.",
    "gateway": "Id of the gateway.",
    "serial": "Serial number of the terminal.",
    "terminal": "Id of the terminal in the site's book.",
}


def document(channels: tuple[Channel, ...] = CHANNELS) -> dict[str, Any]:
    """Return the document; schemas are referred to as files beside it."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:punchgate:v1",
        "info": {
            "title": "punchgate",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "plain": _server(
                "mqtt", "1883", "For a network of its own, and for trying."
            ),
            "tls": _server(
                "mqtts", "8883", "Each gateway and the centre has a certificate."
            ),
        },
        "channels": {channel.name: _channel(channel) for channel in channels},
        "operations": {
            f"{channel.action}_{channel.name}": _operation(channel)
            for channel in channels
        },
        "components": {
            "securitySchemes": {
                "certificate": {
                    "type": "X509",
                    "description": "Its CN is the user name that rights are given to.",
                },
                "password": {"type": "userPassword"},
            }
        },
    }


def _server(protocol: str, port: str, text: str) -> dict[str, Any]:
    schemes = ["password"] if protocol == "mqtt" else ["certificate", "password"]
    return {
        "host": f"{{broker}}:{port}",
        "protocol": protocol,
        "protocolVersion": "5",
        "description": f"{text} MQTT 3.1.1 is spoken where a broker has nothing newer.",
        "variables": {
            "broker": {"description": "Where your broker is.", "default": "localhost"}
        },
        "security": [{"$ref": f"#/components/securitySchemes/{s}"} for s in schemes],
        "bindings": {
            "mqtt": {
                "cleanSession": True,
                "sessionExpiryInterval": 0,
                "keepAlive": KEEPALIVE_SECONDS,
                "lastWill": {
                    "topic": _named("state").address,
                    "qos": 1,
                    "retain": True,
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "address": channel.address,
        "title": channel.title,
        "description": channel.text,
        "parameters": {name: _parameter(channel, name) for name in channel.parameters},
        "messages": {channel.name: _message(channel)},
    }


def _parameter(channel: Channel, name: str) -> dict[str, str]:
    found = {"description": _PARAMETERS[name]}
    if name not in channel.unsaid:
        found["location"] = f"$message.payload#/{name}"
    return found


def _message(channel: Channel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": channel.name,
        "title": channel.title,
        "contentType": "application/json",
        "payload": {"$ref": f"./{channel.name}.json"},
    }
    if channel.correlated:
        found["correlationId"] = {
            "description": "The command's id.",
            "location": "$message.payload#/id",
        }
    return found


def _operation(channel: Channel) -> dict[str, Any]:
    mqtt: dict[str, Any] = {"qos": channel.qos, "retain": channel.retain}
    if channel.expiry_seconds is not None:
        mqtt["messageExpiryInterval"] = channel.expiry_seconds
    found: dict[str, Any] = {
        "action": channel.action,
        "summary": f"A gateway {channel.action}s this on {channel.address}.",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [_message_ref(channel.name)],
        "bindings": {"mqtt": {**mqtt, "bindingVersion": _BINDING}},
    }
    if channel.reply is not None:
        found["reply"] = {
            "channel": {"$ref": f"#/channels/{channel.reply}"},
            "messages": [_message_ref(channel.reply)],
        }
    return found


def _message_ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{name}/messages/{name}"}


def _named(name: str) -> Channel:
    return next(channel for channel in CHANNELS if channel.name == name)
