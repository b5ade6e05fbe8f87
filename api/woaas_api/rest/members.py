"""Members: who they are, what they have, and how they come and go."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY
from woaas_core.ids import decode_id
from woaas_security.identity import members
from woaas_security.identity.inputs import MemberPatch, NewMember
from woaas_security.identity.resources import MEMBER

TAG = "Security"


class MemberView(View, kw_only=True):
    """A person with access; `state` is invited, active, suspended or removed."""

    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    roles: list[str] | UnsetType = UNSET
    customer: str | None | UnsetType = UNSET
    scope: dict[str, Any] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    checkpoint_mail: bool | UnsetType = UNSET
    state: str | UnsetType = UNSET
    email_verified_at: datetime | None | UnsetType = UNSET
    access_until: datetime | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET


def _show(call: Call, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(MEMBER), row)


def _id(text: str) -> Any:
    return decode_id("usr", text)


@route("GET", "/members", tag=TAG)
async def list_members(call: Call) -> Answer[Listed[MemberView]]:
    """List the people with access, and those who had it."""
    return await call.page(MEMBER)


@route("POST", "/members", tag=TAG, status=201, writes=MEMBER)
async def invite_member(call: Call, body: NewMember) -> Answer[MemberView]:
    """Invite somebody: a link to join goes to the address, good once and for seven days.

    `scope` limits the member to a part of the tenant. Nobody gives roles that have more than himself. From
    `access_until` on he is refused, with the keys that he made.
    """
    shown = _show(call, await members.invite(call.uow, call.principal, body, REGISTRY))
    return Answer(shown, 201, f"/v1/members/{shown['id']}")


@route("GET", "/members/{member}", tag=TAG)
async def get_member(call: Call, member: str) -> Answer[MemberView]:
    """Read a member."""
    return Answer(_show(call, await members.get(call.uow, call.principal, _id(member))))


@route("PATCH", "/members/{member}", tag=TAG, writes=MEMBER)
async def update_member(call: Call, member: str, body: MemberPatch) -> Answer[MemberView]:
    """Change a member's name, roles, customer, scope or end of access, in force from his next request on.

    The last owner stays one: 409 `conflict`.
    """
    known = await members.get(call.uow, call.principal, _id(member))
    call.require_match(lambda: _show(call, known))
    return Answer(_show(call, await members.change(call.uow, call.principal, _id(member), body, REGISTRY)))


@route("POST", "/members/{member}/invite", tag=TAG)
async def invite_member_again(call: Call, member: str) -> Answer[MemberView]:
    """Send an invited person the link once more; the older one ends."""
    return Answer(_show(call, await members.invite_again(call.uow, call.principal, _id(member))))


@route("POST", "/members/{member}/suspend", tag=TAG)
async def suspend_member(call: Call, member: str) -> Answer[MemberView]:
    """Shut a member out for now: his sessions end at once, and keys that he made do not work while it lasts."""
    return Answer(_show(call, await members.suspend(call.uow, call.principal, _id(member), REGISTRY)))


@route("POST", "/members/{member}/reinstate", tag=TAG)
async def reinstate_member(call: Call, member: str) -> Answer[MemberView]:
    """Let a suspended member in again."""
    return Answer(_show(call, await members.reinstate(call.uow, call.principal, _id(member), REGISTRY)))


@route("DELETE", "/members/{member}", tag=TAG, status=204)
async def remove_member(call: Call, member: str) -> Answer[None]:
    """End a membership: sessions, links and keys that he made end at once; the member stays listed as removed."""
    known = await members.get(call.uow, call.principal, _id(member))
    call.require_match(lambda: _show(call, known))
    await members.remove(call.uow, call.principal, _id(member), REGISTRY)
    return Answer(None, 204)


ROUTES = (
    *(list_members, invite_member, get_member, update_member),
    *(invite_member_again, suspend_member, reinstate_member, remove_member),
)
