"""Use cases of erasure: destroy a person's values while every proof still holds; place and end legal holds.

An entry of the log holds commitments. What opens them lies beside it and can be destroyed: the leaf stays as it is, so
old proofs and bundles verify, and nobody can tell any more what was committed to. Codes stay: orders, reports and
invoices refer to them, so they are to be no names.
"""

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.errors import Conflict, LegallyHeld, NotFound, StaleETag
from woaas_core.events.envelope import Version
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.wire import invalid
from woaas_security.identity import credential_store as credentials
from woaas_security.identity import repository as identity
from woaas_security.identity.members import end_access
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants
from woaas_work_orders.erasure import events, repository
from woaas_work_orders.erasure.inputs import NewErasure, NewLegalHold
from woaas_work_orders.erasure.resources import ERASURE, LEGAL_HOLD
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.resources.kinds import KINDS, MasterKind

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

PERSONAL_KINDS: tuple[MasterKind, ...] = tuple(kind for kind in KINDS if kind.name in ("operator", "customer"))
EVERYTHING = "*"
# A shorter text would be found in much that is not about the person.
_SHORTEST_WORD = 3


class _Erased(NamedTuple):
    """What there was of a person: where he stands now, and the words that tell of him."""

    version: Version
    changes: dict[str, object]
    words: list[str]


async def erase(uow: "UnitOfWork", principal: Principal, body: NewErasure) -> dict[str, Any]:
    """Destroy the values of an operator, a customer or a member: in live rows, in the log, in stored copies.

    Raises:
        NotFound: there is no such person.
        LegallyHeld: a hold is on him, or on everything.
        Conflict: it is the caller himself.
    """
    principal.require(ERASURE, "create")
    person = _person(body.subject)
    if person is None:
        raise invalid("/subject", "invalid", "Name an operator (opr_…), a customer (cus_…) or a member (usr_…).")
    if await repository.is_held(uow, body.subject):
        raise LegallyHeld
    kind, key = person
    erased = await (_erase_member(uow, principal, key) if kind is None else _erase_record(uow, kind, key))
    words = [word for word in erased.words if len(word) >= _SHORTEST_WORD]
    values: dict[str, Any] = {
        "id": uuid7(),
        "subject": body.subject,
        "fields": await repository.erase_values(uow, body.subject, key, words),
        "erased_by": principal.actor.id,
        "erased_at": uow.clock.now(),
    }
    await repository.insert(uow, values)
    uow.reason = body.reason
    uow.record(
        events.SUBJECT_ERASED,
        subject=body.subject,
        version=erased.version,
        data={"erasure_id": encode_id("era", values["id"]), "fields": values["fields"]},
        changes=erased.changes,
    )
    return values


async def place_hold(uow: "UnitOfWork", principal: Principal, body: NewLegalHold) -> dict[str, Any]:
    """Forbid to erase a person or to archive what is about him or an order; or to erase or archive anything."""
    principal.require(LEGAL_HOLD, "create")
    is_order = try_decode_id("wo", body.subject) is not None
    if body.subject != EVERYTHING and not is_order and _person(body.subject) is None:
        what = "Name an operator, a customer, a member or a work order by id, or * for everything."
        raise invalid("/subject", "invalid", what)
    # Archiving takes it, too: once the hold is placed, nothing held is on its way out.
    await tenants.lock(uow)
    values: dict[str, Any] = {
        "id": uuid7(),
        "subject": body.subject,
        "reason": body.reason,
        "placed_by": principal.actor.id,
        "placed_at": uow.clock.now(),
        "released_at": None,
    }
    await repository.insert_hold(uow, values)
    uow.record(
        events.HOLD_PLACED,
        subject=encode_id("hld", values["id"]),
        data={"subject": body.subject},
        changes={"reason": body.reason},
    )
    return values


async def get_hold(uow: "UnitOfWork", principal: Principal, hold_id: UUID) -> "Record":
    """A legal hold, over or not.

    Raises:
        NotFound: missing.
    """
    principal.require(LEGAL_HOLD, "read")
    row = await repository.hold(uow, hold_id)
    if row is None:
        raise NotFound
    return row


async def release_hold(uow: "UnitOfWork", principal: Principal, known: "Record") -> "Record":
    """End a hold; one that is over stays as it is."""
    principal.require(LEGAL_HOLD, "release")
    row = await repository.release(uow, known["id"])
    if row is None:
        return known
    uow.record(events.HOLD_RELEASED, subject=encode_id("hld", row["id"]), data={"subject": row["subject"]})
    return row


def _person(subject: str) -> tuple[MasterKind | None, UUID] | None:
    """The kind of record (None: a member) and the key that an id names."""
    for kind in PERSONAL_KINDS:
        key = try_decode_id(kind.resource.prefix, subject)
        if key is not None:
            return kind, key
    member = try_decode_id("usr", subject)
    return None if member is None else (None, member)


async def _erase_record(uow: "UnitOfWork", kind: MasterKind, key: UUID) -> _Erased:
    known = await master_data.find_by_id(uow, kind.name, key)
    if known is None:
        raise NotFound
    now = uow.clock.now()
    row = await master_data.replace(uow, known, body={}, archived_at=known["archived_at"] or now)
    if row is None:
        raise StaleETag
    words = [value for name in ("name", "email") if isinstance(value := known["body"].get(name), str)]
    changes: dict[str, object] = dict.fromkeys(known["body"]) | {"archived_at": row["archived_at"]}
    return _Erased((known["version"], row["version"]), changes, words)


async def _erase_member(uow: "UnitOfWork", principal: Principal, key: UUID) -> _Erased:
    row = await identity.user(uow, key)
    if row is None:
        raise NotFound
    if key == principal.id:
        msg = "Nobody erases himself; ask another owner."
        raise Conflict(msg)
    await end_access(uow, key)
    await credentials.drop_factor(uow, key)
    await repository.erase_user(uow, key, f"{encode_id('usr', key)}@erased.invalid")
    changes: dict[str, object] = {"email": None, "name": None, "state": "removed"}
    return _Erased((row["version"], row["version"] + 1), changes, [row["email"], row["name"]])
