"""The reader process: lets every reader follow every tenant's log."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.events.readers import MAX_ATTEMPTS, Reader, advance, note_failure
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_infra.processes.pause import pause
from woaas_security.audit.store import CHANNEL
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator

log = logger(__name__)
_POLL_S = 0.5
_LAGGING = Statement.text("SELECT lagging_tenants($1, $2)", "reader", "max_attempts")


async def run_readers(
    settings: Settings, readers: Sequence[Reader], stop: asyncio.Event, *, clock: Clock | None = None
) -> None:
    """Follow the log until stopped: woken by the sequencer's notice, and by a slow poll for what it misses."""
    database = await Database.connect(settings.database_url, role=APP, size=4, clock=clock, pooler=settings.pooler_url)
    wake = asyncio.Event()
    try:
        listener = database.listener(CHANNEL, lambda _: wake.set())
        log.info("infra.reader.started", readers=[r.name for r in readers])
        follower = Follower(database, settings)
        while not stop.is_set():
            await listener.open()
            busy = False
            for reader in readers:
                busy |= await follower.catch_up(reader)
            await pause(stop, 0 if busy else _POLL_S, wake=wake)
    finally:
        await database.close()


class Follower:
    """Advances readers tenant by tenant, each step in a transaction of its own."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())

    async def catch_up(self, reader: Reader) -> bool:
        """Advance a reader by a batch in every tenant that is ahead of it; True if anything came of it."""
        async with self._database.unit_of_work() as uow:
            rows = await uow.all(_LAGGING, reader=reader.name, max_attempts=MAX_ATTEMPTS)
        busy = False
        for row in rows:
            busy |= await self._advance(reader, row[0])
        return busy

    async def _advance(self, reader: Reader, tenant_id: UUID) -> bool:
        try:
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, reader.name)
                return (await advance(uow, reader)).read > 0
        except Exception as error:  # noqa: BLE001, RUF100 - one tenant's trouble must not stop the others
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, reader.name)
                stalled = await note_failure(uow, reader, f"{type(error).__name__}: {error}")
            write = log.error if stalled else log.warning
            write("infra.reader.failed", reader=reader.name, tenant_id=str(tenant_id), stalled=stalled, exc_info=error)
            return True
