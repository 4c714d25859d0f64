"""What people read in the log of verdicts: findings that are new, changed or over."""

import logging
from collections.abc import Iterable

from gateway.outgoing import read_verdict
from gateway.store.verdicts import Kept
from sync.messages import SessionFinding

log = logging.getLogger("punchgate.judging")


def tell(kept: Iterable[Kept]) -> None:
    """Log what stored verdicts say otherwise than the ones they replace."""
    for one in kept:
        now = {found.id: found for found in read_verdict(one.body).findings}
        stored = read_verdict(one.before).findings if one.before else []
        before = {found.id: found for found in stored}
        for key, found in now.items():
            if key not in before or _told(before[key]) != _told(found):
                final = "yes" if found.final else "no"
                log.info("verdict", {**_shown(found), "rev": one.rev, "final": final})
        for key, gone in before.items():
            if key not in now:
                said = _shown(gone)
                del said["seconds"]
                log.info("verdict over", {**said, "rev": one.rev})


def _shown(found: SessionFinding) -> dict[str, object]:
    duty = found.date if found.session is None else f"{found.date}/{found.session}"
    return {
        "kind": found.kind,
        "seconds": found.seconds,
        "person": found.person,
        "duty": duty,
        "clause": found.clause,
    }


def _told(found: SessionFinding) -> tuple[object, ...]:
    """Return what makes a finding another one than before."""
    decided = (found.final, found.absorbed_by, found.ruled_by, found.policy)
    return (*_shown(found).values(), *decided)
