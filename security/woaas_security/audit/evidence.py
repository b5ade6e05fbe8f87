"""Reading the log back: entries through the reader's mask, proofs, checkpoints, keys."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from woaas_core.errors import NotFound, UnknownParameter
from woaas_core.events.envelope import REASON
from woaas_core.events.log import floor
from woaas_security.audit import store
from woaas_security.audit.masking import access_to, visible_data
from woaas_security.audit.note import VerifierKey
from woaas_security.audit.observing import note_log_read
from woaas_security.audit.proofs import NodeHashes, Plan, plan_consistency, plan_inclusion
from woaas_security.audit.resources import AUDIT_ENTRY
from woaas_security.audit.tree import Frontier
from woaas_security.authz.access import Access
from woaas_security.authz.resource import Resource
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

Subjects = Mapping[str, Resource]
"""The resource an id's prefix belongs to: whose mask decides which changes of it a caller reads."""


class EntryFilter(NamedTuple):
    """Which entries; everything given must hold."""

    work_order_id: UUID | None = None
    actor: str | None = None
    type: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class _Leaf(msgspec.Struct):
    id: str
    type: str
    at: datetime
    actor: dict[str, str]
    subject: str
    work_order: str | None
    request_id: str | None
    reason: str | None
    version: tuple[int | None, int | None]
    data: dict[str, Any]
    changes: dict[str, str]


_leaf = msgspec.json.Decoder(_Leaf).decode


async def entries(
    uow: "UnitOfWork", principal: Principal, wanted: EntryFilter, subjects: Subjects, *, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Entries, newest first, below an index; changes the caller may not read are null and named."""
    principal.require(AUDIT_ENTRY, "read")
    await note_log_read(uow, principal)
    size = await tree_size(uow)
    rows = await uow.all(
        store.ENTRIES,
        tenant_id=uow.tenant,
        before=size if before is None else min(before, size),
        limit=limit,
        **wanted._asdict(),
    )
    return [show_entry(principal, row, subjects) for row in rows]


def show_entry(principal: Principal, row: "Record", subjects: Subjects) -> dict[str, Any]:
    """An entry with its changes opened as far as the caller may read the object's fields."""
    leaf = _leaf(row["payload"])
    shown = msgspec.structs.asdict(leaf)
    access = access_to(principal, leaf.subject, leaf.data, subjects)
    if access is not None and leaf.data:
        shown["data"] = visible_data(access, leaf.data) or {}
    envelope = principal.access(AUDIT_ENTRY).readable
    withheld = [f"/{name}" for name in ("actor", "reason") if name not in envelope]
    opened = dict(readable_openings(access, row["openings"] or {}))
    fields = leaf.changes.keys() - {REASON}
    shown["changes"] = {
        field: opened[field][1] if field in opened else None for field in leaf.changes if field in fields
    }
    reason = opened[REASON][1] if REASON in opened else leaf.reason
    shown |= {
        "actor": leaf.actor if "actor" in envelope else {},
        "reason": reason if "reason" in envelope else None,
    }
    withheld += sorted(f"/changes/{field}" for field in fields if field not in opened)
    return {"index": row["index"], **shown, "leaf_hash": row["leaf_hash"].hex(), "masked_fields": withheld}


def readable_openings(access: Access | None, openings: Mapping[str, Any]) -> Iterable[tuple[str, tuple[str, Any]]]:
    """The openings (salt, value) of an entry that a caller may see, by field; ``access`` is to its subject.

    A field that the resource does not declare is denied to all but those who may read the object whole. The reason is
    for whoever reads the entry.
    """
    if REASON in openings:
        yield REASON, openings[REASON]
    if access is None:
        return
    whole = len(access.readable) == len(access.resource.fields)
    for field, (salt, value) in openings.items():
        if field != REASON and (field in access.readable or whole):
            yield field, (salt, value)


class Opened(NamedTuple):
    """A leaf that a caller may have byte by byte, and his access to its subject."""

    access: Access | None


def open_to(principal: Principal, leaf: bytes, subjects: Subjects) -> Opened | None:
    """What a caller may have of a leaf; None where its exact bytes tell of what his mask hides."""
    found = _leaf(leaf)
    access = access_to(principal, found.subject, found.data, subjects)
    if access is not None and found.data and not access.is_whole and visible_data(access, found.data) != found.data:
        return None
    return Opened(access)


async def archived_before(uow: "UnitOfWork") -> int:
    """The index up to which entries are archived: lists have none of them, proofs and bundles still do."""
    return await floor(uow)


async def tree_size(uow: "UnitOfWork") -> int:
    """How many entries the tenant's log has."""
    return int(await uow.value(store.SIZE, tenant_id=uow.tenant) or 0)


async def hashes_for(uow: "UnitOfWork", plans: Iterable[Plan]) -> NodeHashes:
    """Fetch every tile that the plans need and return what resolves them."""
    head = await uow.first(store.HEAD, tenant_id=uow.tenant)
    if head is None:
        raise NotFound
    nodes = [node for plan in plans for part in plan for node in part]
    frontier = Frontier.from_bytes(head["frontier"])
    return await store.node_hashes(uow, uow.tenant, frontier.size, nodes, frontier.peaks())


async def inclusion_proof(uow: "UnitOfWork", principal: Principal, index: int, size: int | None) -> dict[str, Any]:
    """What proves an entry to be in the tree of a size (the newest by default), RFC 6962 §2.1.1.

    Raises:
        NotFound: no such entry.
        UnknownParameter: a size that the log has not, or that does not hold the entry.
    """
    principal.require(AUDIT_ENTRY, "read")
    now = await tree_size(uow)
    if not 0 <= index < now:
        raise NotFound
    size = now if size is None else size
    if not index < size <= now:
        msg = f"tree_size must be from {index + 1} to {now}."
        raise UnknownParameter(msg)
    plan = plan_inclusion(index, size)
    proof = (await hashes_for(uow, [plan])).resolve(plan)
    leaf_hash = await uow.value(store.LEAF_HASH, tenant_id=uow.tenant, index=index)
    return {"index": index, "tree_size": size, "leaf_hash": bytes(leaf_hash), "proof": proof}


async def tlog_proof(uow: "UnitOfWork", principal: Principal, index: int, subjects: Subjects) -> str:
    """An entry's place in the log as one file (C2SP tlog-proof), with the leaf as extra data where it may be seen.

    Raises:
        NotFound: no such entry, or no checkpoint covers it yet.
    """
    principal.require(AUDIT_ENTRY, "read")
    await note_log_read(uow, principal)
    rows = await uow.all(store.RANGE, tenant_id=uow.tenant, start=index, end=index + 1, **EntryFilter()._asdict())
    newest = await uow.first(store.COSIGNED, tenant_id=uow.tenant, beyond=index) or await uow.first(
        store.CHECKPOINTS, tenant_id=uow.tenant, before=None, limit=1
    )
    if not rows or newest is None or newest["size"] <= index:
        raise NotFound
    plan = plan_inclusion(index, newest["size"])
    leaf = bytes(rows[0]["payload"])
    extra = [f"extra {store.b64(leaf)}"] if open_to(principal, leaf, subjects) is not None else []
    proof = [store.b64(part) for part in (await hashes_for(uow, [plan])).resolve(plan)]
    return "\n".join(["c2sp.org/tlog-proof@v1", *extra, f"index {index}", *proof, "", newest["note"]])


async def consistency_proof(uow: "UnitOfWork", principal: Principal, old: int, new: int) -> dict[str, Any]:
    """What proves the tree of one size to continue the tree of a smaller one, RFC 6962 §2.1.2.

    Raises:
        UnknownParameter: not ``0 < from <= to <= size``.
    """
    principal.require(AUDIT_ENTRY, "read")
    now = await tree_size(uow)
    if not 0 < old <= new <= now:
        msg = f"from and to are tree sizes with 0 < from <= to <= {now}."
        raise UnknownParameter(msg)
    plan = plan_consistency(old, new)
    return {"from": old, "to": new, "proof": (await hashes_for(uow, [plan])).resolve(plan)}


async def checkpoints(uow: "UnitOfWork", principal: Principal, *, before: int | None, limit: int) -> "list[Record]":
    """Signed checkpoints, newest first, below a size."""
    principal.require(AUDIT_ENTRY, "read")
    return await uow.all(store.CHECKPOINTS, tenant_id=uow.tenant, before=before, limit=limit)


class PublishedKey(NamedTuple):
    """A key of the log; both the old and the new one sign while `retired_at` of the old is not set."""

    key: VerifierKey
    first_used_at: datetime
    retired_at: datetime | None


async def verifier_keys(uow: "UnitOfWork", origin: str) -> list[PublishedKey]:
    """The public keys under the tenant's origin, oldest first."""
    name = store.origin_of(origin, uow.tenant)
    return [
        PublishedKey(VerifierKey(name, bytes(row["public_key"])), row["first_used_at"], row["retired_at"])
        for row in await uow.all(store.KEYS)
    ]
