"""Writing the bundles that were asked for: a reader of the log, under the rights that are left of the requester's.

The bundle is written in the transaction that moves the reader's cursor, so each request is served exactly once and a
killed process starts it over; how far it is stands in transactions beside it, for everybody to see. Memory is bounded:
entries go page by page through a file into parts of one MiB.
"""

import base64
import tempfile
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, or_, update

from woaas_core.db.statements import Statement, insert_row
from woaas_core.errors import DomainError, Invalid
from woaas_core.events.readers import LoggedEvent, NotYet, Reader
from woaas_core.ids import decode_id, encode_id
from woaas_security.audit import evidence, exports, store
from woaas_security.audit.bundle import BundleScope, BundleWriter, ExportedEntry, Opening, proves_each
from woaas_security.audit.models import audit_export_parts, audit_exports
from woaas_security.audit.proofs import plan_consistency, plan_inclusion, plan_range
from woaas_security.audit.resources import AUDIT_EXPORT
from woaas_security.file_parts import keep_file
from woaas_security.identity.service import Authenticator
from woaas_security.on_behalf import requester
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

WAIT_FOR_WITNESSES = timedelta(minutes=1)
_PAGE = 1_000

_E = audit_exports.c
_OWN = (_E.tenant_id == bindparam("tenant_key"), _E.id == bindparam("id_key"))
_FINISH = Statement(
    update(audit_exports)
    .where(*_OWN)
    .values({c: bindparam(c.name) for c in audit_exports.columns if c.name in {
        "status", "first_index", "end_index", "entries_done", "entries_total", "sha256", "size_bytes",
        "error", "finished_at", "expires_at"}})
)  # fmt: skip
_PROGRESS = Statement(
    update(audit_exports)
    .where(*_OWN, or_(_E.status == "queued", _E.status == "running"))
    .values({c: bindparam(c.name) for c in (_E.status, _E.entries_done, _E.entries_total)})
)
_INSERT_PART = insert_row(audit_export_parts)


def export_reader(subjects: evidence.Subjects, *, origin: str, authenticator: Authenticator) -> Reader:
    """The reader that writes bundles."""

    async def handle(uow: "UnitOfWork", event: LoggedEvent) -> None:
        row = await uow.first(exports.GET, tenant_id=uow.tenant, export_id=decode_id("axp", event.subject))
        if row is None or row["status"] not in ("queued", "running"):
            return
        outcome: dict[str, Any] = dict.fromkeys(_OUTCOME)
        try:
            outcome |= await _write(uow, row, await _covering(uow, event), subjects, origin, authenticator)
            status = "finished"
        except DomainError as error:
            # What this request asks for cannot be had; the bundles asked for after it must not wait behind it.
            outcome["error"], status = error.detail, "failed"
        now = uow.clock.now()
        outcome |= {"status": status, "finished_at": now, "expires_at": now + exports.KEPT_FOR}
        await uow.execute(_FINISH, tenant_key=uow.tenant, id_key=row["id"], **outcome)
        uow.record(exports.FINISHED, subject=event.subject, data={"status": status, "sha256": outcome["sha256"]})

    return Reader("audit_exports", frozenset({exports.REQUESTED.name}), handle, is_awaited=False)


_OUTCOME = ("first_index", "end_index", "entries_done", "entries_total", "sha256", "size_bytes", "error")


async def _covering(uow: "UnitOfWork", event: LoggedEvent) -> "Record":
    """The newest checkpoint that covers the request's own entry and with it all that was recorded before.

    Where witnesses have cosigned lately, one that they cosigned; if they are away, for a minute's wait, any.

    Raises:
        NotYet: there is none; the sequencer signs a growing log every second.
    """
    latest = await uow.first(store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1)
    if latest is None or latest["size"] <= event.index:
        raise NotYet
    cosigned = await uow.first(store.COSIGNED, tenant_id=uow.tenant, beyond=event.index)
    now = uow.clock.now()
    if cosigned is None and now - event.recorded_at < WAIT_FOR_WITNESSES:
        lately = now - timedelta(hours=1)
        if await uow.value(store.WITNESSED_SINCE, tenant_id=uow.tenant, since=lately):
            raise NotYet
    return cosigned or latest


async def _write(
    uow: "UnitOfWork",
    row: "Record",
    checkpoint: "Record",
    subjects: evidence.Subjects,
    origin: str,
    authenticator: Authenticator,
) -> dict[str, Any]:
    principal = await requester(uow, row["requested_by"], authenticator)
    principal.require(AUDIT_EXPORT, "create")
    exports.require_payload(principal)
    size = checkpoint["size"]
    first, end = await _range(uow, row["request"], size)
    older = await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=max(first, 1) + 1, limit=1)
    previous = older[0] if older and older[0]["size"] < size else None
    wanted = _filter(row["request"].get("filter"))
    scope = BundleScope(
        encode_id("ten", uow.tenant), first, end, filter=_stated(row["request"].get("filter")), requested=row["request"]
    )
    plans = [plan_consistency(previous["size"], size)] if previous and previous["size"] else []
    if not proves_each(scope):
        covering = plan_range(first, end, size)
        plans.append([[node] for node in (*covering.left, *covering.right)])
    name = store.origin_of(origin, uow.tenant)
    trail = await uow.all(
        store.TRAIL, tenant_id=uow.tenant, first=first, end=end, until=checkpoint["signed_at"], origin=name
    )
    with tempfile.TemporaryFile() as file:
        with BundleWriter(
            file,
            scope,
            checkpoint=checkpoint["note"],
            vkeys=[str(one.key) for one in await evidence.verifier_keys(uow, origin)],
            hashes=await evidence.hashes_for(uow, plans),
            previous_checkpoint=previous["note"] if previous else None,
            trail=(one["note"] for one in trail),
            format=row["request"].get("format", "jsonl"),
        ) as writer:
            where = (wanted or evidence.EntryFilter())._asdict()
            for start in range(first, end, _PAGE):
                await _tell(uow, row["id"], start - first, end - first)
                rows = await uow.all(
                    store.RANGE, tenant_id=uow.tenant, start=start, end=min(start + _PAGE, end), **where
                )
                entries = [_exported(principal, one, subjects) for one in rows]
                if proves_each(scope):
                    # By page, so that the tiles of a filtered export of a long log are never all in memory.
                    needed = [plan_inclusion(one.index, size) for one in entries]
                    writer.add(entries, await evidence.hashes_for(uow, needed))
                else:
                    writer.add(entries)
        done = {"entries_done": end - first, "entries_total": end - first}
        stored = await keep_file(uow, _INSERT_PART, row["id"], file, part_bytes=exports.PART_BYTES)
        return {"first_index": first, "end_index": end, **done, **stored._asdict()}


async def _tell(uow: "UnitOfWork", export_id: UUID, done: int, total: int) -> None:
    """Let others see how far it is."""
    async with uow.apart() as beside:
        await tenants.enter(beside, uow.tenant)
        await beside.execute(
            _PROGRESS,
            tenant_key=uow.tenant,
            id_key=export_id,
            status="running",
            entries_done=done,
            entries_total=total,
        )


def _exported(principal: Principal, row: "Record", subjects: evidence.Subjects) -> ExportedEntry:
    """An entry as far as its reader may see it: withheld where its open members tell of what his mask hides."""
    leaf = bytes(row["payload"])
    opened = evidence.open_to(principal, leaf, subjects)
    if opened is None:
        return ExportedEntry(row["index"], None, bytes(row["leaf_hash"]))
    openings = [
        Opening(field, base64.b64decode(salt), value)
        for field, (salt, value) in evidence.readable_openings(opened.access, row["openings"] or {})
    ]
    return ExportedEntry(row["index"], leaf, bytes(row["leaf_hash"]), openings)


async def _range(uow: "UnitOfWork", request: dict[str, Any], size: int) -> tuple[int, int]:
    since, until = request.get("from"), request.get("to")
    if isinstance(since, str) or isinstance(until, str):
        row = await uow.first(
            store.COVERING,
            tenant_id=uow.tenant,
            since=datetime.fromisoformat(since) if since else None,
            until=datetime.fromisoformat(until) if until else None,
        )
        first = row["first"] if row and row["first"] is not None else size
        return min(first, size), min(row["end"] if row and row["end"] is not None else size, size)
    first, end = since or 0, size if until is None else min(until, size)
    if not 0 <= first <= end:
        msg = f"from and to are log indexes with 0 <= from <= to; the log has {size} signed entries."
        raise Invalid(msg)
    return first, end


def _stated(plain: dict[str, Any] | None) -> dict[str, Any] | None:
    """A filter as the manifest states it: the verifier compares it with what the entries say."""
    if not plain:
        return None
    order = plain.get("work_order_id")
    return plain if order is None else plain | {"work_order_id": encode_id("wo", decode_id("wo", order))}


def _filter(plain: dict[str, Any] | None) -> evidence.EntryFilter | None:
    if not plain:
        return None
    order = plain.get("work_order_id")
    return evidence.EntryFilter(
        work_order_id=decode_id("wo", order) if order else None, actor=plain.get("actor"), type=plain.get("type")
    )
