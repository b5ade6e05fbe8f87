"""Members: invited by mail, given roles and a part of the tenant, suspended, removed.

Nobody gives or takes rights that he has not himself, and an owner always stays. Who is shut out is so from the next
request on, in every process: sessions and keys are looked up with the state of their person.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UnsetType

from woaas_core.errors import Conflict, InvalidTransition, NotFound
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import given, invalid, utc
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.identity import credential_store as store
from woaas_security.identity import events, repository
from woaas_security.identity.inputs import MemberPatch, NewMember
from woaas_security.identity.one_time import Purpose
from woaas_security.identity.resources import MEMBER
from woaas_security.identity.service import check_roles
from woaas_security.permissions.escalation import Registry, require_covered
from woaas_security.principal import Principal
from woaas_security.scope import require_within
from woaas_security.sso import repository as sso
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

INVITED, ACTIVE, SUSPENDED, REMOVED = "invited", "active", "suspended", "removed"


async def get(uow: "UnitOfWork", principal: Principal, member_id: UUID) -> "Record":
    """A member, removed ones too.

    Raises:
        NotFound: none of this tenant.
    """
    principal.require(MEMBER, "read")
    row = await repository.user(uow, member_id)
    if row is None:
        raise NotFound
    return row


async def invite(uow: "UnitOfWork", principal: Principal, body: NewMember, registry: Registry) -> "Record":
    """Have a person sent a link by which he joins; until then he is in the list as invited.

    Raises:
        Forbidden: the roles or the scope are more than the caller has.
        Conflict: the address is a member's.
    """
    principal.require(MEMBER, "create")
    customer = None if isinstance(body.customer, UnsetType) else body.customer
    scope = {} if isinstance(body.scope, UnsetType) else given(body.scope)
    await _check_given(uow, principal, body.roles, customer, scope, registry)
    access_until = _end_of_access(uow, body.access_until)
    email = body.email.strip().lower()
    language = "en" if isinstance(body.language, UnsetType) else body.language
    values: dict[str, Any] = {
        "name": body.name,
        "roles": body.roles,
        "customer": customer,
        "scope": scope,
        "access_until": access_until,
        "language": language,
        "checkpoint_mail": True,
        "state": INVITED,
    }
    known = await repository.user_by_email(uow, email)
    if known is None:
        await repository.insert_user(uow, {"id": uuid7(), "email": email, **values})
    elif known["state"] == REMOVED:
        await repository.rejoin(uow, known["id"], values)
    else:
        msg = "This address is a member's already."
        raise Conflict(msg)
    row = await repository.user_by_email(uow, email)
    assert row is not None
    await store.queue_mail(uow, row["id"], Purpose.INVITATION)
    uow.record(
        events.MEMBER_INVITED,
        subject=encode_id("usr", row["id"]),
        version=(known["version"] if known else None, row["version"]),
        data={"roles": body.roles},
        changes={n: row[n] for n in ("email", "name", "customer", "scope", "access_until")},
    )
    return row


async def invite_again(uow: "UnitOfWork", principal: Principal, member_id: UUID) -> "Record":
    """Send the link once more; the older one ends.

    Raises:
        InvalidTransition: he has joined, or was removed.
    """
    principal.require(MEMBER, "create")
    row = await _member(uow, member_id, INVITED, command="invite again")
    await store.queue_mail(uow, member_id, Purpose.INVITATION)
    return row


async def change(
    uow: "UnitOfWork", principal: Principal, member_id: UUID, body: MemberPatch, registry: Registry
) -> "Record":
    """Change a member's name, roles, customer, scope or end of access, in force from his next request on.

    Raises:
        Forbidden: he has, or would get, more than the caller.
        Conflict: the last owner would be none any more.
    """
    sent = given(body)
    if "scope" in sent:
        sent["scope"] = given(sent["scope"])
    if "access_until" in sent:
        sent["access_until"] = _end_of_access(uow, sent["access_until"])
    access = principal.require(MEMBER, "read")
    access.check_writable(sent)
    known = await _member(uow, member_id, INVITED, ACTIVE, SUSPENDED, command="change")
    after = {n: known[n] for n in repository.GIVEN} | sent
    if after == {n: known[n] for n in after}:
        return known
    if sent.keys() - {"name", "checkpoint_mail"}:
        require_covered(principal, frozenset(known["roles"]), registry)
        await _check_given(uow, principal, after["roles"], after["customer"], after["scope"], registry)
    await _require_owner(uow, known, stays=OWNER_ROLE in after["roles"] and after["access_until"] is None)
    row = await repository.update_user(uow, member_id, {**after, "state": known["state"]})
    uow.record(
        events.MEMBER_CHANGED,
        subject=encode_id("usr", member_id),
        version=(known["version"], row["version"]),
        data={"roles": row["roles"]} if "roles" in sent else {},
        changes=sent,
    )
    return row


async def suspend(uow: "UnitOfWork", principal: Principal, member_id: UUID, registry: Registry) -> "Record":
    """Shut a member out for now: his sessions end, and keys that he made do not work while it lasts."""
    known = await _to_shut_out(uow, principal, "suspend", member_id, (ACTIVE,), registry)
    await end_access(uow, member_id)
    return await _set_state(uow, known, SUSPENDED, events.MEMBER_SUSPENDED)


async def reinstate(uow: "UnitOfWork", principal: Principal, member_id: UUID, registry: Registry) -> "Record":
    """Let a suspended member in again."""
    known = await _to_shut_out(uow, principal, "suspend", member_id, (SUSPENDED,), registry, command="reinstate")
    return await _set_state(uow, known, ACTIVE, events.MEMBER_REINSTATED)


async def remove(uow: "UnitOfWork", principal: Principal, member_id: UUID, registry: Registry) -> "Record":
    """End a membership: sessions, credentials and keys that he made end with it. He can be invited anew."""
    known = await _to_shut_out(uow, principal, "remove", member_id, (INVITED, ACTIVE, SUSPENDED), registry)
    await end_access(uow, member_id)
    await store.drop_factor(uow, member_id)
    await sso.unlink(uow, member_id)
    for key in await repository.revoke_keys_of(uow, member_id):
        uow.record(events.API_KEY_REVOKED, subject=encode_id("key", key["id"]))
    return await _set_state(uow, known, REMOVED, events.MEMBER_REMOVED)


async def end_access(uow: "UnitOfWork", user_id: UUID) -> None:
    """End everything by which a person is in, or could get in with what he has been sent."""
    await repository.end_sessions(uow, user_id)
    for purpose in Purpose:
        await store.end_tokens(uow, user_id, purpose)
    await store.drop_mails_to(uow, user_id)


async def _to_shut_out(
    uow: "UnitOfWork",
    principal: Principal,
    action: str,
    member_id: UUID,
    states: tuple[str, ...],
    registry: Registry,
    command: str = "",
) -> "Record":
    principal.require(MEMBER, action)
    known = await _member(uow, member_id, *states, command=command or action)
    require_covered(principal, frozenset(known["roles"]), registry)
    await _require_owner(uow, known, stays=command == "reinstate")
    return known


async def _member(uow: "UnitOfWork", member_id: UUID, *states: str, command: str) -> "Record":
    # One change of members at a time: else two owners could remove each other.
    await tenants.lock(uow)
    row = await repository.user(uow, member_id)
    if row is None:
        raise NotFound
    if row["state"] not in states:
        msg = f"A member who is {row['state']} cannot be told to {command}."
        raise InvalidTransition(msg)
    return row


async def _check_given(
    uow: "UnitOfWork",
    principal: Principal,
    roles: list[str],
    customer: str | None,
    scope: dict[str, Any],
    registry: Registry,
) -> None:
    await check_roles(uow, roles, customer)
    require_covered(principal, frozenset(roles), registry)
    require_within(principal.scope, scope)


def _end_of_access(uow: "UnitOfWork", asked: "datetime | UnsetType | None") -> "datetime | None":
    access_until = None if isinstance(asked, UnsetType) else utc(asked, "/access_until")
    if access_until is not None and access_until <= uow.clock.now():
        raise invalid("/access_until", "invalid", "Access ends in the future; suspend or remove who is to have none.")
    return access_until


async def _require_owner(uow: "UnitOfWork", known: "Record", *, stays: bool) -> None:
    is_owner = OWNER_ROLE in known["roles"] and known["state"] == ACTIVE
    if is_owner and not stays and not await repository.has_other_owner(uow, known["id"]):
        msg = "This is the last owner; make somebody else one first."
        raise Conflict(msg)


async def _set_state(uow: "UnitOfWork", known: "Record", state: str, fact: EventType) -> "Record":
    values = {n: known[n] for n in repository.GIVEN}
    row = await repository.update_user(uow, known["id"], {**values, "state": state})
    uow.record(fact, subject=encode_id("usr", known["id"]), version=(known["version"], row["version"]))
    return row
