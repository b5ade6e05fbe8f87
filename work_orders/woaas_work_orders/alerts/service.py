"""Use cases of alerts: keep them true to what is found, read one, say that one has been seen."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.errors import InvalidTransition, NotFound
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id, uuid7
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_work_orders.alerts import events, repository
from woaas_work_orders.alerts.resources import ALERT

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.statements import Row
    from woaas_core.db.unit_of_work import UnitOfWork


class Finding(NamedTuple):
    """Something that needs a person; what is found twice about one subject is one alert."""

    subject: str
    since: datetime
    why: str
    links: Sequence[str]
    work_order_id: UUID | None = None
    response_time: timedelta | None = None


async def reconcile(
    uow: "UnitOfWork", kind: str, findings: Sequence[Finding], *, work_order_id: UUID | None = None
) -> None:
    """Open an alert for what is found and has none, and close those of this kind whose cause is found no more.

    ``findings`` are all there are now, of one order or of the tenant. Doing it again changes nothing.
    """
    found = {finding.subject: finding for finding in findings}
    known = {row["subject"]: row for row in await repository.standing(uow, kind, work_order_id)}
    now = uow.clock.now()
    rows = [_values(kind, finding, now) for subject, finding in found.items() if subject not in known]
    if rows:
        await repository.insert(uow, rows)
        for row in rows:
            _record(uow, events.ALERT_OPENED, row, before=None)
    for subject in found.keys() & known.keys():
        finding, row = found[subject], known[subject]
        stated = {"why": finding.why, "links": list(finding.links), "response_time": finding.response_time}
        if stated != {name: row[name] for name in stated}:
            _record(uow, events.ALERT_UPDATED, await repository.restate(uow, row["id"], **stated), before=row)
    gone = {row["id"]: row for subject, row in known.items() if subject not in found}
    if gone:
        for row in await repository.close(uow, list(gone)):
            _record(uow, events.ALERT_CLOSED, row, before=gone[row["id"]])


async def get(uow: "UnitOfWork", principal: Principal, alert_id: UUID, *, lock: bool = False) -> "Record":
    """An alert.

    Raises:
        NotFound: missing.
    """
    principal.require(ALERT, "read")
    row = await repository.get(uow, alert_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def acknowledge(uow: "UnitOfWork", principal: Principal, alert_id: UUID) -> "Record":
    """Note that a person has seen an alert; it stays until its cause is gone. Doing it again changes nothing.

    Raises:
        InvalidTransition: its cause is gone.
    """
    principal.require(ALERT, "acknowledge")
    before = await get(uow, principal, alert_id, lock=True)
    if before["state"] == "acknowledged":
        return before
    if before["state"] != "open":
        msg = "The alert is closed: its cause is gone."
        raise InvalidTransition(msg, members={"state": before["state"], "allowed_commands": []})
    row = await repository.acknowledge(uow, alert_id, uow.clock.now())
    _record(uow, events.ALERT_ACKNOWLEDGED, row, before=before)
    return row


def _values(kind: str, finding: Finding, now: datetime) -> dict[str, object]:
    return {
        "id": uuid7(),
        "kind": kind,
        **finding._asdict(),
        "links": list(finding.links),
        "state": "open",
        "acknowledged_by": None,
        "acknowledged_at": None,
        "closed_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }


def _record(uow: "UnitOfWork", kind: EventType, row: "Row", *, before: "Row | None") -> None:
    uow.record(
        kind,
        subject=encode_id("alr", row["id"]),
        work_order_id=row["work_order_id"],
        version=(before["version"] if before is not None else None, row["version"]),
        data={"kind": row["kind"], "subject": row["subject"], "state": row["state"]},
        changes=changes_of(ALERT, before, row),
    )
