"""What the centre says of itself and of what it holds, as messages and their topics."""

from collections.abc import Callable

from central.settings import CentralSettings
from central.store.store import CentralStore
from central.store.streams import Standing
from sync.link import Will
from sync.messages import Ack, CentreState, encode
from sync.topics import Topics

_ACK_RANGES = 100


class Saying:
    """The words of one centre.

    Args:
        settings: who speaks, and below which prefix.
        now: the wall clock as ISO text with offset.
        version: of the program.
    """

    def __init__(
        self, settings: CentralSettings, now: Callable[[], str], version: str
    ) -> None:
        self._id = settings.id
        self._topics = Topics(settings.prefix)
        self._now = now
        self._version = version

    def ack(self, store: CentralStore, standing: Standing) -> tuple[str, bytes]:
        """Return topic and message that acknowledge what is held of a stream."""
        stream = standing.stream
        ack = Ack(
            site=stream.site,
            gateway=stream.gateway,
            epoch=stream.epoch,
            upto=standing.upto,
            missing=list(standing.missing[:_ACK_RANGES]),
            store=store.id,
            generation=store.generation,
            chain=standing.chain,
            sent=self._now(),
        )
        return self._topics.of(stream.site, stream.gateway, "ack"), encode(ack)

    def state(self, store: CentralStore, site: str, *, online: bool) -> Will:
        """Return the centre's birth or death for a site."""
        state = CentreState(
            site=site,
            centre=self._id,
            online=online,
            store=store.id,
            generation=store.generation,
            session=store.generation,
            version=self._version,
            at=self._now(),
        )
        return Will(self._topics.centre(site), encode(state))
