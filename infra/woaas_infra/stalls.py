"""Readers that have given up, over all tenants: what the operator's commands show and do."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from woaas_core.db.database import Database
from woaas_core.db.statements import Row
from woaas_core.errors import NotFound
from woaas_core.events import recovery
from woaas_core.events.readers import MAX_ATTEMPTS, Reader
from woaas_core.ids import encode_id, try_decode_id
from woaas_core.settings import Settings
from woaas_infra.errors import CannotStart
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator

_ACTOR = "operator"


class StallView(msgspec.Struct, frozen=True):
    """Where a reader has given up: tenant, place in its log, the event, and what the last attempt said."""

    tenant: str
    index: int
    event: str
    type: str
    attempts: int
    error: str


class ReaderState(msgspec.Struct, frozen=True):
    """How far a reader is: entries not yet read, in how many tenants, and where it has given up."""

    reader: str
    behind: int
    tenants_behind: int
    stalled: list[StallView]


class Desk:
    """Looks across tenants, then acts in each in a transaction of its own."""

    def __init__(self, database: Database, settings: Settings, readers: Sequence[Reader]) -> None:
        self._database = database
        self._readers = {reader.name: reader for reader in readers}
        self._authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())

    async def status(self) -> list[ReaderState]:
        """Every reader, in the order they are advanced."""
        async with self._database.unit_of_work() as uow:
            rows = await recovery.lag(uow, list(self._readers))
        states = []
        for name in self._readers:
            own = [row for row in rows if row["reader"] == name]
            states.append(
                ReaderState(
                    reader=name,
                    behind=sum(row["behind"] for row in own),
                    tenants_behind=sum(row["behind"] > 0 for row in own),
                    stalled=[v for t in _stalled_tenants(own) if (v := await self._look(name, t)) is not None],
                )
            )
        return states

    async def retry(self, name: str, tenant: str | None) -> list[StallView]:
        """Let a reader try again in one tenant or wherever it has given up.

        Raises:
            CannotStart: no such reader or tenant, or it has not given up there.
        """
        reader = self._find(name)
        if tenant is None:
            async with self._database.unit_of_work() as uow:
                tenants = _stalled_tenants(await recovery.lag(uow, [name]))
        else:
            tenants = [_tenant_id(tenant)]
        done = [v for t in tenants if (v := await self._retry(reader, t)) is not None]
        if not done:
            raise _not_stalled(name, tenant)
        return done

    async def skip(self, name: str, tenant: str, reason: str) -> StallView:
        """Let a reader pass over the event it has given up on in a tenant.

        Raises:
            CannotStart: no such reader or tenant, it has not given up there, or must not skip; no reason given.
        """
        reader, tenant_id = self._find(name), _tenant_id(tenant)
        if not reason.strip():
            msg = "say in --reason why; it stands in the tenant's audit log"
            raise CannotStart(msg)
        try:
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, _ACTOR)
                stall = await recovery.skip(uow, reader, reason.strip())
        except recovery.MustNotSkip:
            msg = f"{name} must not skip: what it passes over would be lost for good; mend the cause and use 'retry'"
            raise CannotStart(msg) from None
        except NotFound:
            raise _no_tenant(tenant) from None
        if stall is None:
            raise _not_stalled(name, tenant)
        return _view(tenant_id, stall)

    def _find(self, name: str) -> Reader:
        if name not in self._readers:
            msg = f"there is no reader {name!r}; choose from {', '.join(self._readers)}"
            raise CannotStart(msg)
        return self._readers[name]

    async def _look(self, name: str, tenant_id: UUID) -> StallView | None:
        async with self._database.unit_of_work() as uow:
            await self._authenticator.as_system(uow, tenant_id, _ACTOR)
            stall = await recovery.stalled(uow, name)
        return None if stall is None else _view(tenant_id, stall)

    async def _retry(self, reader: Reader, tenant_id: UUID) -> StallView | None:
        try:
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, _ACTOR)
                stall = await recovery.retry(uow, reader)
        except NotFound:
            raise _no_tenant(encode_id("ten", tenant_id)) from None
        return None if stall is None else _view(tenant_id, stall)


def _stalled_tenants(rows: Iterable[Row]) -> list[UUID]:
    return [row["tenant_id"] for row in rows if row["attempts"] >= MAX_ATTEMPTS]


def _view(tenant_id: UUID, stall: recovery.Stall) -> StallView:
    return StallView(
        tenant=encode_id("ten", tenant_id),
        index=stall.index,
        event=encode_id("evt", stall.event_id),
        type=stall.event_type,
        attempts=stall.attempts,
        error=stall.error,
    )


def _tenant_id(text: str) -> UUID:
    found = try_decode_id("ten", text)
    if found is None:
        raise _no_tenant(text)
    return found


def _no_tenant(text: str) -> CannotStart:
    return CannotStart(f"there is no tenant {text!r}; 'woaas-server reader status' names those with a stalled reader")


def _not_stalled(name: str, tenant: str | None) -> CannotStart:
    return CannotStart(f"{name} has not given up {f'in {tenant}' if tenant else 'anywhere'}; nothing was changed")
