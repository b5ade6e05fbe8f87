"""Carrying it out: bounded parts, each in a transaction, that go on where the last committed one ended.

First the log is sealed with a last entry and a signed checkpoint over it. Then every table of tenants is emptied but
what `retained` names. Then the certificate is written and sent to the owner who asked, and his address goes last.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from woaas_core.db.statements import Statement
from woaas_core.events.canonical import canonical
from woaas_core.ids import encode_id
from woaas_security.audit import store
from woaas_security.identity import credential_store
from woaas_security.permissions.repository import raise_version
from woaas_security.principal import Principal
from woaas_security.tenant_deletion import events, letters, repository
from woaas_security.tenant_deletion.retained import KEPT, LAST, destroyed

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

ROWS_AT_ONCE = 2_000
QUIET = timedelta(minutes=5)
"""Longer than any transaction of a request that was under way when the tenant was closed to everybody."""


def destroying(tables: Callable[[], Iterable[Table]]) -> "Callable[[UnitOfWork, Principal], Awaitable[int]]":
    """The periodic job: a part of what is due in one tenant; returns how much was done, 0 where it has to wait."""

    async def work(uow: "UnitOfWork", _principal: Principal) -> int:
        row = await repository.current(uow, lock=True)
        if row is None or row["delete_at"] > uow.clock.now():
            return 0
        match row["state"]:
            case "closing":
                return await _begin(uow, row)
            case "destroying":
                return await _empty(uow, row, destroyed(tables()))
            case "certified":
                return await _finish(uow, row)
            case _:
                return 0

    return work


async def _begin(uow: "UnitOfWork", row: "Record") -> int:
    if await repository.is_held(uow):
        return 0
    event = uow.record(events.STARTED, subject=encode_id("tdl", row["id"]))
    now = uow.clock.now()
    await repository.change(uow, row["id"], state="destroying", started_at=now, last_event_id=event.id)
    await raise_version(uow)
    if uow.livemode:
        await repository.close_sandboxes(uow)
    return 1


async def _empty(uow: "UnitOfWork", row: "Record", tables: list[str]) -> int:
    if uow.clock.now() < row["started_at"] + QUIET or not await repository.is_sealed(uow, row["last_event_id"]):
        return 0
    counts: dict[str, int] = dict(row["destroyed"])
    done = list(row["done"])
    if not done:
        await repository.withdraw_from_market(uow)
    left = ROWS_AT_ONCE
    for table in tables:
        if table in done:
            continue
        gone = await repository.destroy(uow, table, left)
        counts[table] = counts.get(table, 0) + gone
        left -= gone
        if left == 0:
            break
        done.append(table)
    late: list[int] = []
    if left:
        late = [await repository.destroy(uow, table, ROWS_AT_ONCE) for table in tables]
        counts = {table: counts[table] + gone for table, gone in zip(tables, late, strict=True)}
    # What came in behind a table that was through is met by another round; the certificate waits for an empty one.
    is_empty = bool(left) and not any(late)
    await repository.change(uow, row["id"], destroyed=counts, done=done)
    if is_empty:
        await _certify(uow, row, counts)
    return 1


async def _certify(uow: "UnitOfWork", row: "Record", counts: dict[str, int]) -> None:
    await repository.leave_ids(uow)
    (newest,) = await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    kept = {name: {"rows": await _count(uow, name), "why": why} for name, why in KEPT.items() if name in _COUNTED}
    told: dict[str, Any] = {
        "tenant": encode_id("ten", uow.tenant),
        "requested_by": encode_id("usr", row["requested_by"]) if row["requested_by"] else None,
        "requested_at": row["requested_at"].isoformat(),
        "started_at": row["started_at"].isoformat(),
        "destroyed": {name: counts[name] for name in sorted(counts)},
        "kept": kept,
        "checkpoint": newest["note"],
    }
    await repository.change(uow, row["id"], state="certified", certificate=canonical(told))
    if row["requested_by"]:
        await credential_store.queue_mail(uow, row["requested_by"], letters.DELETED)


_COUNTED = frozenset(KEPT) - {"pending", "tenants", "tenant_deletions"}


async def _count(uow: "UnitOfWork", table: str) -> int:
    # A name of ours; rows of other tenants are not visible to the statement.
    return int(await uow.value(Statement.text(f'SELECT count(*) FROM "{table}"')))  # noqa: S608 - see above


async def _finish(uow: "UnitOfWork", row: "Record") -> int:
    if await repository.has_mail(uow, letters.DELETED):
        return 0
    left = ROWS_AT_ONCE
    for table in LAST:
        left -= await repository.destroy(uow, table, left)
    if left:
        await repository.change(uow, row["id"], state="finished", finished_at=uow.clock.now())
    return 1
