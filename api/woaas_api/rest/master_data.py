"""Plant and people: twelve kinds, one set of endpoints each."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.schemas.work_orders import MasterDataView
from woaas_core.errors import StaleETag
from woaas_core.wire import check_code
from woaas_security.authz.access import Access
from woaas_work_orders.resources import service
from woaas_work_orders.resources.kinds import KINDS, MasterKind

TAG = "Plant and people"


def view_of(kind: MasterKind) -> type[MasterDataView]:
    """The shape a kind is shown in: what its body may hold, each member null where it was not set."""
    members = [
        (f.encode_name, f.type | None | UnsetType, UNSET) for f in msgspec.structs.fields(kind.body) if f.name != "code"
    ]
    made = msgspec.defstruct(f"{kind.body.__name__}View", members, bases=(MasterDataView,), kw_only=True)
    made.__doc__ = kind.body.__doc__
    assert issubclass(made, MasterDataView)
    return made


def master_routes(kind: MasterKind, *, tag: str = TAG) -> tuple[Route, ...]:
    """The endpoints of a kind: list, read, put, archive, and its versions where it keeps them."""
    words = kind.name.replace("_", " ")
    view = view_of(kind)

    async def list_all(call: Call) -> Answer[Listed[view]]:  # type: ignore[valid-type]  # one view a kind
        return await call.page(kind.resource)

    async def get(call: Call, code: str) -> Answer[view]:  # type: ignore[valid-type]
        row = await service.find(call.uow, call.principal, kind, code)
        return Answer(call.principal.show(call.principal.access(kind.resource), row))

    async def put(call: Call, code: str, body: kind.body) -> Answer[view]:  # type: ignore[name-defined, valid-type]
        check_code(code)
        access = call.principal.require(kind.resource, "create")
        known = await service.look_up(call.uow, kind, code)
        if known is not None and call.request.headers.get("if-none-match") == "*":
            raise StaleETag
        call.require_match(None if known is None else lambda: call.principal.show(access, known))
        row, is_new = await service.put(call.uow, call.principal, kind, code, body, known)
        location = f"/v1/{kind.path}/{row['code']}"
        return Answer(call.principal.show(access, row), 201 if is_new else 200, location if is_new else None)

    async def archive(call: Call, code: str) -> Answer[view]:  # type: ignore[valid-type]
        access = call.principal.require(kind.resource, "archive")
        known = await service.find(call.uow, call.principal, kind, code)
        call.require_match(lambda: call.principal.show(access, known))
        row = await service.archive(call.uow, call.principal, kind, known)
        return Answer(call.principal.show(access, row))

    list_all.__doc__ = f"List {words} records."
    get.__doc__ = f"Read a {words} by code or id."
    put.__doc__ = f"Create or replace a {words}.\n\nMembers left out are unset; `If-None-Match: *` only creates."
    archive.__doc__ = f"Retire a {words}: it stays readable, plans no longer use it."

    async def list_versions(call: Call, code: str) -> Answer[Listed[VersionView]]:
        rows = await service.versions(call.uow, call.principal, kind, code)
        access = call.principal.access(kind.resource)
        return Answer({"data": [_version(access, row) for row in rows], "next_cursor": None})

    list_versions.__doc__ = f"List what a {words} has said, the newest version first."
    past = route("GET", f"/{kind.path}/{{code}}/versions", tag=tag, name=f"list_{kind.name}_versions", paging=())
    return (
        route("GET", f"/{kind.path}", tag=tag, name=f"list_{kind.name}")(list_all),
        route("GET", f"/{kind.path}/{{code}}", tag=tag, name=f"get_{kind.name}")(get),
        route("PUT", f"/{kind.path}/{{code}}", tag=tag, name=f"put_{kind.name}", writes=kind.resource)(put),
        route("POST", f"/{kind.path}/{{code}}/archive", tag=tag, name=f"archive_{kind.name}")(archive),
        *((past(list_versions),) if kind.keeps_versions else ()),
    )


class VersionView(msgspec.Struct, kw_only=True):
    """What a record said from its version on."""

    version: int
    created_at: datetime
    body: dict[str, Any]


def _version(access: Access, row: Any) -> dict[str, Any]:
    body = {name: value for name, value in row["body"].items() if name in access.readable}
    return {"version": row["version"], "created_at": row["created_at"], "body": body}


ROUTES = tuple(r for kind in KINDS for r in master_routes(kind))
