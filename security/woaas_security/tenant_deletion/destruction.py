"""Carrying it out: bounded parts, each in a transaction, that go on where the last committed one ended.

First the log is sealed with a last entry and a signed checkpoint over it. Then every table of tenants is emptied but
what `retained` names, until for a while nothing is found. Then the certificate is written.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Table

from woaas_core.events.canonical import canonical
from woaas_core.ids import encode_id
from woaas_security.audit import store
from woaas_security.permissions.repository import raise_version
from woaas_security.tenant_deletion import events, repository
from woaas_security.tenant_deletion.retained import KEPT, destroyed
from woaas_security.tenant_deletion.service import Unfinished

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

ROWS_AT_ONCE = 2_000
QUIET = timedelta(minutes=5)
"""Longer than any transaction that was in the tenant when its destruction began."""


async def is_due(uow: "UnitOfWork", unfinished: Unfinished) -> bool:
    """Whether the entered tenant's destruction is to begin now; locks its deletion.

    A deal that was made as the tenant was closed is waited for. A sandbox has no deals that anybody counts on, and
    nobody to end them.
    """
    row = await repository.current(uow, lock=True)
    return (
        row is not None
        and row["state"] == "closing"
        and row["delete_at"] <= uow.clock.now()
        and not await repository.is_held(uow)
        and not (uow.livemode and await unfinished(uow))
    )


async def begin(uow: "UnitOfWork") -> None:
    """Shut a tenant that is due for everybody, processes of ours included, with the last entry of its log."""
    row = await repository.current(uow, lock=True)
    assert row is not None
    event = uow.record(events.STARTED, subject=encode_id("tdl", row["id"]))
    await repository.change(
        uow,
        row["id"],
        state="destroying",
        started_at=uow.clock.now(),
        last_event_id=event.id,
        recipient=await repository.recipient(uow, row["requested_by"]),
    )
    await raise_version(uow)
    await repository.withdraw_from_market(uow)
    if uow.livemode:
        await repository.close_sandboxes(uow)


async def destroy(uow: "UnitOfWork", tables: Iterable[Table]) -> int:
    """Destroy some rows of the entered tenant, or certify that there are none; returns 0 where it has to wait.

    Transactions that were under way when the tenant was shut may still leave rows, so that none is found counts only
    after ``QUIET``.
    """
    row = await repository.current(uow, lock=True)
    if row is None or row["state"] != "destroying" or not await repository.is_sealed(uow, row["last_event_id"]):
        return 0
    now, gone, left = uow.clock.now(), Counter[str](), ROWS_AT_ONCE
    for table in destroyed(tables):
        gone[table] = await repository.destroy(uow, table, left)
        left -= gone[table]
        if left == 0:
            break
    if left < ROWS_AT_ONCE:
        counts = gone + Counter(row["destroyed"])
        await repository.change(uow, row["id"], destroyed=counts, destroyed_at=now)
    elif now < (row["destroyed_at"] or row["started_at"]) + QUIET:
        return 0
    else:
        await _certify(uow, row)
    return 1


async def _certify(uow: "UnitOfWork", row: "Record") -> None:
    await repository.leave_ids(uow)
    (newest,) = await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    told = {
        "tenant": encode_id("ten", uow.tenant),
        "requested_by": encode_id("usr", row["requested_by"]) if row["requested_by"] else None,
        "requested_at": row["requested_at"].isoformat(),
        "started_at": row["started_at"].isoformat(),
        "destroyed": row["destroyed"],
        "kept": {name: {"rows": await repository.count(uow, name), "why": why} for name, why in KEPT.items()},
        "checkpoint": newest["note"],
    }
    await repository.change(uow, row["id"], state="certified", certificate=canonical(told))
