"""Asks the witnesses of the policy file, round by round, to cosign what was signed."""

import asyncio
import http.client
import urllib.error
import urllib.request

from woaas_core.db.database import Database
from woaas_core.db.tenancy import SEQUENCER
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_infra.processes.pause import pause
from woaas_security.audit.policy import read_witnesses
from woaas_security.audit.witnessing import Answer, submit_due

log = logger(__name__)
_TIMEOUT_S = 10.0
_LARGEST_ANSWER = 64 << 10


async def run_witnessing(settings: Settings, stop: asyncio.Event) -> None:
    """Submit checkpoints until stopped; without a policy file there is nothing to do."""
    if not settings.witness_policy:
        await stop.wait()
        return
    witnesses = await asyncio.to_thread(read_witnesses, settings.witness_policy)
    database = await Database.connect(settings.database_url, role=SEQUENCER, size=len(witnesses) or 1)
    log.info("infra.witnessing.started", witnesses=[one.key.name for one in witnesses])
    try:
        while not stop.is_set():
            async with asyncio.TaskGroup() as group:
                for witness in witnesses:
                    group.create_task(submit_due(database, witness, post))
            await pause(stop, settings.witness_every_s)
    finally:
        await database.close()


async def post(url: str, body: bytes) -> Answer:
    """POST to a witness.

    Raises:
        OSError: there is no answer within ten seconds.
    """
    return await asyncio.to_thread(_post, url, body)


def _post(url: str, body: bytes) -> Answer:
    request = urllib.request.Request(url, body, {"Content-Type": "text/plain"})  # noqa: S310 - the policy has http(s) only
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            return Answer(response.status, response.read(_LARGEST_ANSWER).decode("utf-8", "replace"))
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.read(_LARGEST_ANSWER).decode("utf-8", "replace"))
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
