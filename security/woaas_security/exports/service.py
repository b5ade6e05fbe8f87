"""Use cases of exports: asked for, read, stopped, downloaded. Writing them is `writing`'s."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.errors import Conflict, Forbidden, Gone, NotFound, NotReady
from woaas_core.ids import encode_id, uuid7
from woaas_core.pagination import CursorCodec
from woaas_security.authz.listing import Filter, ListQuery, list_rows
from woaas_security.exports import events, repository
from woaas_security.exports.formats import require_format
from woaas_security.exports.lists import ExportedList
from woaas_security.exports.resources import EXPORT
from woaas_security.exports.rights import cover, rights_of
from woaas_security.file_parts import PART_BYTES, Slice
from woaas_security.on_behalf import asked_by
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

KEPT_FOR = timedelta(hours=24)
MOST_AT_ONCE = 50
ENDED = frozenset({"finished", "stopped", "failed"})


class TooManyExports(Conflict):
    """The tenant waits for as many files as it may at once."""

    code = "too_many_exports"
    title = "Too many exports have not ended yet"
    hint = "Wait for those that were asked for before, or stop them."


def requester_of(principal: Principal) -> str:
    """Whose exports are whose: people and keys each have their own."""
    return principal.actor.id


async def request(
    uow: "UnitOfWork",
    principal: Principal,
    listed: ExportedList,
    query: ListQuery,
    codec: CursorCodec,
    *,
    format: str,
    sent: "Mapping[str, Any]",
    fields: list[str] | None,
) -> "Record":
    """Queue a file of what a list has; it is written under the rights that its requester has at that time.

    Raises:
        UnknownParameter: a filter that the list would not take from this caller.
        TooManyExports: of the tenant, all in all.
    """
    principal.require(EXPORT, "create")
    access = principal.require(listed.resource, "read")
    require_format(format)
    # The list says what it thinks of the filter: one row is asked for, none is shown.
    await list_rows(
        uow, principal, access, ListQuery(filters=query.filters, q=query.q, limit=1), codec,
        where=listed.where(principal), values=listed.values,
    )  # fmt: skip
    if await repository.waiting(uow) >= MOST_AT_ONCE:
        raise TooManyExports
    values: dict[str, Any] = {
        "id": uuid7(),
        "resource": listed.resource.name,
        "format": format,
        "filter": dict(sent),
        "query": {"filters": [list(one) for one in query.filters], "q": query.q},
        "fields": fields,
        "status": "queued",
        "requester": requester_of(principal),
        "requested_by": asked_by(principal),
        "attempt": 0,
        "rows": 0,
        **dict.fromkeys(("leased_until", "rows_expected", "rights", "sha256", "size_bytes", "error")),
        "created_at": uow.clock.now(),
        "finished_at": None,
        "expires_at": None,
    }
    await repository.insert(uow, values)
    data = {"resource": listed.resource.name, "format": format}
    uow.record(events.REQUESTED, subject=encode_id("exp", values["id"]), data=data)
    return await get(uow, principal, values["id"])


def query_of(row: "Record") -> ListQuery:
    """The query that an export was asked with."""
    filters = tuple(
        Filter(field, op, value if isinstance(value, str) else tuple(value), path)
        for field, op, value, path in row["query"]["filters"]
    )
    return ListQuery(filters=filters, q=row["query"]["q"])


async def get(uow: "UnitOfWork", principal: Principal, export_id: UUID, *, lock: bool = False) -> "Record":
    """How far an export of the caller's own is.

    Raises:
        NotFound: none of his.
    """
    principal.require(EXPORT, "read")
    row = await repository.find(uow, export_id, requester_of(principal), lock=lock)
    if row is None:
        raise NotFound
    return row


async def stop(uow: "UnitOfWork", principal: Principal, export_id: UUID) -> "Record":
    """Give an export up; one that has ended stays as it is."""
    principal.require(EXPORT, "stop")
    row = await get(uow, principal, export_id, lock=True)
    if row["status"] in ENDED:
        return row
    await repository.stop(uow, export_id)
    uow.record(events.STOPPED, subject=encode_id("exp", export_id), data={"resource": row["resource"]})
    return await get(uow, principal, export_id)


async def download(uow: "UnitOfWork", principal: Principal, listed: ExportedList, row: "Record", start: int) -> Slice:
    """The part of a file that holds byte ``start``, for its requester while he may read all that is in it.

    Raises:
        NotReady, Conflict, Gone: still being written, stopped or failed, expired.
        Forbidden: he has less rights by now than it was written under.
    """
    if row["status"] not in ENDED:
        raise NotReady
    if row["status"] != "finished":
        raise Conflict(row["error"] or "It was stopped.")
    if row["expires_at"] <= uow.clock.now():
        raise Gone
    if not cover(rights_of(principal, listed.resource, row["fields"]), row["rights"]):
        msg = "The file has what you may no longer read; ask for it again."
        raise Forbidden(msg)
    number = start // PART_BYTES
    if start == 0:
        uow.record(events.DOWNLOADED, subject=encode_id("exp", row["id"]), data={"resource": row["resource"]})
    return Slice(row, number * PART_BYTES, await repository.part(uow, row["id"], number))
