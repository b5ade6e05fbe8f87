"""Use cases of master data: upsert by code, archive."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.durations import format_duration
from woaas_core.errors import NotFound, StaleETag
from woaas_core.events.canonical import exact
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.wire import Body, MoneyBody, duration_of, given, invalid, utc
from woaas_security.principal import Principal
from woaas_work_orders.resources import repository
from woaas_work_orders.resources.kinds import Calendar, MasterKind, Operator, Routing, SetupMatrix

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


# What is shown with a record beside the members of its body.
_BESIDE = ("code", "archived_at", "created_at")


async def find(uow: "UnitOfWork", principal: Principal, kind: MasterKind, code: str) -> "Record":
    """A record by code or id.

    Raises:
        NotFound: missing.
    """
    principal.require(kind.resource, "read")
    row = await look_up(uow, kind, code)
    if row is None:
        raise NotFound
    return row


async def look_up(uow: "UnitOfWork", kind: MasterKind, code: str) -> "Record | None":
    """The record of a code or id, if there is one; None is where a PUT may create.

    Raises:
        NotFound: an id that there is no record of; codes are not written like ids.
    """
    row = await repository.find(uow, kind.name, code)
    record_id = try_decode_id(kind.resource.prefix, code) if row is None else None
    if record_id is None:
        return row
    row = await repository.find_by_id(uow, kind.name, record_id)
    if row is None:
        raise NotFound
    return row


async def put(
    uow: "UnitOfWork", principal: Principal, kind: MasterKind, code: str, body: Body, known: "Record | None"
) -> tuple["Record | Mapping[str, Any]", bool]:
    """Create or replace the record of a code; returns it and whether it is new.

    Members left out are unset: PUT replaces. The same body again changes nothing and records nothing.
    """
    access = principal.require(kind.resource, "create")
    code = known["code"] if known is not None else code
    sent = given(body)
    if sent.pop("code", code) != code:
        raise invalid("/code", "invalid", "The code in the body is not the one in the path.")
    access.check_writable(sent)
    _settle(body)
    if kind.check is not None:
        kind.check(code, body)
    plain: dict[str, Any] = msgspec.to_builtins({name: value for name, value in given(body).items() if name in sent})
    if known is not None:
        # PUT replaces what the caller can write; the rest is not his to unset.
        plain = {n: v for n, v in known["body"].items() if n not in access.writable} | plain
        if known["body"] == plain and known["archived_at"] is None:
            return known, False
        row = await repository.replace(uow, known, body=plain, archived_at=None)
        if row is None:
            raise StaleETag
        await _written(uow, kind, row, known)
        return row, False
    now = uow.clock.now()
    values: dict[str, Any] = {
        "id": uuid7(),
        "kind": kind.name,
        "code": code,
        "body": plain,
        "archived_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, values)
    await _written(uow, kind, values, None)
    return values, True


async def archive(uow: "UnitOfWork", principal: Principal, kind: MasterKind, known: "Record") -> "Record":
    """Retire a record already read: it stays readable and is no longer used by plans."""
    principal.require(kind.resource, "archive")
    if known["archived_at"] is not None:
        return known
    row = await repository.replace(uow, known, body=known["body"], archived_at=uow.clock.now())
    if row is None:
        raise StaleETag
    uow.record(
        kind.archived,
        subject=encode_id(kind.resource.prefix, row["id"]),
        version=(known["version"], row["version"]),
        data={"code": row["code"]},
        changes={"archived_at": row["archived_at"]},
    )
    return row


async def versions(uow: "UnitOfWork", principal: Principal, kind: MasterKind, code: str) -> "list[Record]":
    """Every body a record has had, the newest first; of kinds that keep them."""
    record = await find(uow, principal, kind, code)
    return await repository.versions_of(uow, record["id"])


async def _written(uow: "UnitOfWork", kind: MasterKind, row: Any, before: "Record | None") -> None:
    if kind.keeps_versions:
        await repository.keep_version(uow, row["id"], row["version"], row["body"])
    uow.record(
        kind.changed,
        subject=encode_id(kind.resource.prefix, row["id"]),
        version=(before["version"] if before else None, row["version"]),
        data={"code": row["code"]},
        changes=_changes(before, row),
    )


def _changes(before: "Record | None", after: Any) -> dict[str, object]:
    """The members that differ; one that was taken away is null."""
    old, new = ({} if row is None else {n: row[n] for n in _BESIDE} | row["body"] for row in (before, after))
    return {name: exact(new.get(name)) for name in {**new, **old} if old.get(name) != new.get(name)}


def _settle(body: Body) -> None:
    """Check what the shapes cannot say, and bring times and durations into their canonical form."""
    for name, value in given(body).items():
        if isinstance(value, MoneyBody):
            value.money(f"/{name}")
        elif isinstance(value, datetime):
            setattr(body, name, utc(value, f"/{name}"))
    _check_zone(body)
    if isinstance(body, Calendar) and body.exceptions is not UNSET:
        for i, exception in enumerate(body.exceptions):
            _check_date(exception.date, f"/exceptions/{i}/date")
    elif isinstance(body, Operator) and body.qualifications is not UNSET:
        for i, held in enumerate(body.qualifications):
            _check_date(held.valid_from, f"/qualifications/{i}/valid_from")
            _check_date(held.valid_to, f"/qualifications/{i}/valid_to")
    elif isinstance(body, SetupMatrix) and body.entries is not UNSET:
        for i, entry in enumerate(body.entries):
            entry.duration = _canonical(entry.duration, f"/entries/{i}/duration")
    elif isinstance(body, Routing) and body.operations is not UNSET:
        for i, step in enumerate(body.operations):
            step.setup_time = _canonical(step.setup_time, f"/operations/{i}/setup_time")
            step.unit_time = _canonical(step.unit_time, f"/operations/{i}/unit_time")


def _canonical(text: Any, pointer: str) -> Any:
    return text if isinstance(text, UnsetType) else format_duration(duration_of(text, pointer))


def _check_zone(body: Body) -> None:
    zone = getattr(body, "time_zone", UNSET)
    if zone is UNSET:
        if isinstance(body, Calendar):
            raise invalid("/time_zone", "required", "'time_zone' is required.")
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("/time_zone", "invalid", f"{zone!r} is not an IANA time zone.") from None


def _check_date(text: str | None, pointer: str) -> None:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise invalid(pointer, "invalid", f"{text!r} is no day of the calendar.") from None
