"""The deliverer process: sends webhooks as they become due."""

import asyncio

from woaas_api.subjects import SUBJECTS
from woaas_api.webhooks.deliverer import Deliverer
from woaas_core.clock import Clock
from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.db.tenancy import APP
from woaas_core.outbound.http import outbound_client
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_infra.processes.pause import pause
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator

log = logger(__name__)
TIMEOUT_S = 10.0
_LARGEST_ANSWER = 16 << 10
_POLL_S = 0.5
# What is under way when told to stop may end; what takes longer is due again when its lease ends.
_GRACE_S = 3.0


async def run_deliverer(settings: Settings, stop: asyncio.Event, *, clock: Clock | None = None) -> None:
    """Send webhooks until stopped; any number of processes may do it at once."""
    database = await Database.connect(settings.database_url, role=APP, size=4, clock=clock, pooler=settings.pooler_url)
    client = outbound_client(settings.outbound, timeout_s=TIMEOUT_S, max_bytes=_LARGEST_ANSWER)
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    deliverer = Deliverer(database, authenticator, client, SUBJECTS)
    try:
        log.info("infra.deliverer.started")
        async with asyncio.TaskGroup() as sending:
            while not stop.is_set():
                taken = 0
                try:
                    taken = await deliverer.start_due(sending)
                except DATABASE_LOST as error:
                    log.warning("infra.deliverer.database_lost", error=str(error))
                await pause(stop, 0 if taken else _POLL_S, wake=deliverer.room)
            await deliverer.end(_GRACE_S)
    finally:
        await client.aclose()
        await database.close()
