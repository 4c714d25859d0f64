"""Topics: `{prefix}/{site}/{gateway}/{kind}`, built and taken apart in one place.

Ids are refused when they would change the shape of a topic; nothing personal is ever
part of one, because brokers and proxies log topics.
"""

from dataclasses import dataclass

DURABLE = ("punch", "attendance", "suspicion", "event", "entry")
CENTRE = "_central"
_MAX_LEVEL_BYTES = 200


class TopicError(ValueError):
    """An id that cannot stand in a topic, or a topic that is none of ours."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of ours; `kind` may hold further levels (`terminal/VT00000001`)."""

    site: str
    gateway: str
    kind: str


def level(value: str) -> str:
    """Return `value` when it can stand as one level of a topic.

    Raises:
        TopicError: when it is empty, too long, or holds `/`, `+`, `#` or a control
            character (MQTT forbids NUL and lets brokers drop a client for the others).
    """
    if not value or any(c in "/+#" or not c.isprintable() for c in value):
        raise TopicError(f"{value!r} cannot stand in a topic: it is empty or holds /+#")
    if len(value.encode()) > _MAX_LEVEL_BYTES:
        raise TopicError(f"{value[:20]!r}… is longer than {_MAX_LEVEL_BYTES} bytes")
    return value


def prefix(value: str) -> str:
    """Return a prefix of one or more levels without a slash at either end.

    Raises:
        TopicError: when a level of it is not one.
    """
    return "/".join(level(part) for part in value.split("/"))


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics below one prefix.

    Raises:
        TopicError: from every method, for an id that cannot stand in a topic.
    """

    prefix: str

    def of(self, site: str, gateway: str, kind: str) -> str:
        """Return the topic of a gateway's `kind`, which may hold several levels."""
        parts = [level(part) for part in (site, gateway, *kind.split("/"))]
        return "/".join([prefix(self.prefix), *parts])

    def centre(self, site: str) -> str:
        """Return the topic of the centre's liveness for a site."""
        return self.of(site, CENTRE, "state")

    def everywhere(self, kind: str) -> str:
        """Return the subscription to `kind` of every gateway of every site."""
        return f"{prefix(self.prefix)}/+/+/{kind}"

    def parse(self, topic: str) -> Topic:
        """Take a topic apart.

        Raises:
            TopicError: when it is not below the prefix or has too few levels.
        """
        head = prefix(self.prefix) + "/"
        parts = topic.removeprefix(head).split("/", 2)
        if not topic.startswith(head) or len(parts) < 3:  # noqa: PLR2004 - site, gateway, kind
            raise TopicError(f"{topic!r} is not {head}SITE/GATEWAY/KIND")
        site, gateway, kind = parts
        for part in (site, gateway, *kind.split("/")):
            level(part)
        return Topic(site, gateway, kind)
