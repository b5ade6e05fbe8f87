"""Noting denied attempts: one entry of the log per caller, operation and hour, and one alert per caller and day.

However many attempts there are, the log grows by a bounded number of entries; how many they were is counted beside it.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from woaas_core.db.statements import Statement
from woaas_core.events.envelope import event_type
from woaas_security.denials.models import denials
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

ACCESS_DENIED = event_type("access.denied", "Somebody tried what he may not; told once an hour for each operation.")
ALERT_RAISED = event_type("alert.raised", "Something the owner should look at: `kind` says what.")

KEPT = timedelta(days=90)
_DAY = "*"

_D = denials.c
_new = insert(denials).values({c.name: bindparam(c.name) for c in denials.columns})
_COUNT = Statement(
    _new.on_conflict_do_update(
        index_elements=[_D.tenant_id, _D.actor, _D.operation, _D.since],
        set_={"attempts": _D.attempts + 1, "last_at": _new.excluded.last_at},
    ).returning(_D.attempts)
)
_FORGET = Statement(
    delete(denials).where(_D.tenant_id == bindparam("tenant_id"), _D.actor == bindparam("actor"))
    .where(_D.since < bindparam("before"))
)  # fmt: skip


async def note_denial(uow: "UnitOfWork", principal: Principal, operation: str, code: str) -> None:
    """Count a denied attempt; the first in its hour is recorded, the caller's first in a day alerts the owner.

    Counts and records; call it in a transaction of its own, since that of the attempt is rolled back.
    """
    hour = uow.clock.now().replace(minute=0, second=0, microsecond=0)
    if await _count(uow, principal, operation, code, hour) > 1:
        return
    told = {"operation": operation, "code": code}
    uow.record(ACCESS_DENIED, subject=principal.actor.id, data=told)
    if await _count(uow, principal, _DAY, code, hour.replace(hour=0)) > 1:
        return
    await uow.execute(_FORGET, tenant_id=uow.tenant, actor=principal.actor.id, before=hour - KEPT)
    uow.record(ALERT_RAISED, subject=principal.actor.id, data={"kind": "access_denied", **told})


async def _count(uow: "UnitOfWork", principal: Principal, operation: str, code: str, since: object) -> int:
    attempts = await uow.value(
        _COUNT,
        tenant_id=uow.tenant,
        actor=principal.actor.id,
        operation=operation,
        since=since,
        code=code,
        attempts=1,
        last_at=uow.clock.now(),
    )
    return int(attempts)
