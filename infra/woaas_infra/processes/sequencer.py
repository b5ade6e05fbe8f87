"""The sequencer process."""

import asyncio
from pathlib import Path

from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import SEQUENCER
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_infra.processes.pause import pause
from woaas_security.audit.journal import SignedJournal
from woaas_security.audit.keys import KeyRing, load_or_generate_key_file
from woaas_security.audit.sequencer import LOCK, LOCK_KEY, Fenced, Sequencer

log = logger(__name__)
_BUSY_S = 0.02
_IDLE_S = 0.2
_WAIT_FOR_LOCK_S = 1.0
# After this long without work the poll slows down to its idle pace.
_IDLE_AFTER_S = 2.0


async def run_sequencer(settings: Settings, stop: asyncio.Event, *, clock: Clock | None = None) -> None:
    """Sequence until stopped; while another sequencer holds the lock, wait for it."""
    keys = KeyFile(settings.signing_key_path, settings.audit_origin)
    database = await Database.connect(settings.database_url, role=SEQUENCER, size=2, clock=clock)
    try:
        async with database.pool.acquire() as lock_holder:
            while not await lock_holder.fetchval(LOCK.sql, LOCK_KEY):
                if await pause(stop, _WAIT_FOR_LOCK_S):
                    return
            journal = SignedJournal(settings.signed_journal_path)
            sequencer = Sequencer(database, keys.read(), journal, origin=settings.audit_origin)
            await sequencer.open()
            log.info("infra.sequencer.started")
            await _work(sequencer, keys, stop)
    finally:
        await database.close()


class KeyFile:
    """The file of signing keys, read again when a rotation has replaced it."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._seen: tuple[int, int] | None = None

    def read(self) -> KeyRing:
        """The keys as they are now."""
        ring = load_or_generate_key_file(self._path, self._name)
        self._seen = self._state()
        return ring

    def changed(self) -> bool:
        """Whether the file is another one than was read."""
        return self._seen != self._state()

    def _state(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns


async def _work(sequencer: Sequencer, keys: KeyFile, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    last_work = loop.time()
    while not stop.is_set():
        try:
            if keys.changed():
                await sequencer.use(keys.read())
                log.info("infra.sequencer.keys_changed")
            done = await sequencer.step()
        except Fenced:
            log.warning("infra.sequencer.fenced")
            return
        if done.sequenced:
            last_work = loop.time()
        idle = loop.time() - last_work > _IDLE_AFTER_S
        await pause(stop, _IDLE_S if idle else _BUSY_S)
