"""A case as the journal keeps it, and what people read in the log of it."""

import logging
from functools import partial

from gateway import outgoing
from gateway.core.suspicion.values import Json
from gateway.store.cases import Changed, Suspicion

log = logging.getLogger("punchgate.suspecting")

_TOLD = frozenset({"case", "watch"})


def tell(one: Changed) -> None:
    """Log that a case was opened, has weakened or was decided; no person."""
    case, (status, grade) = one.case, one.before or ("", "")
    if case.status == status or not _TOLD & {case.grade, grade}:
        return
    values = {"id": case.id, "terminal": case.known["terminal"], "grade": case.grade}
    if case.status == "open":
        log.info("case opened", values)
    elif case.status == "weakened":
        log.info("case weakened", values)
    elif case.status == "confirmed":
        log.info("case confirmed", values)
    else:
        log.info("case dismissed", values)


def as_stored(case: Json) -> Suspicion:
    """Return a case as the journal keeps it."""
    return Suspicion(
        id=case["id"],
        grade=case["grade"],
        status=case["status"],
        digest=outgoing.case_digest(case),
        known=case,
        encode=partial(outgoing.case_entry, case),
    )
