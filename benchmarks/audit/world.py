"""A durable Postgres with tenants, and the sequencer as a process of its own."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from benchmarks.processes import process
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import uuid7
from woaas_core.settings import Settings
from woaas_infra.migrate import upgrade
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant

ORIGIN = "bench.woaas/audit"
SECRET = "bench" * 8


@dataclass(frozen=True)
class World:
    """A migrated database; `administer` logs in as superuser."""

    home: Path
    dsn: str
    database: Database
    authenticator: Authenticator

    @property
    def postmaster(self) -> int:
        """The process id of the database's first process."""
        return int(next(self.home.rglob("postmaster.pid")).read_text().split()[0])

    async def tenants(self, count: int) -> list[UUID]:
        """Open tenants."""
        found = []
        for number in range(count):
            async with self.database.unit_of_work() as uow:
                found.append(await create_tenant(uow, NewTenant(f"Tenant {number}", uuid7(), livemode=True)))
        return found

    async def administer(self, *statements: str) -> None:
        """Run statements as superuser."""
        connection = await asyncpg.connect(self.dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    @contextmanager
    def sequencing(self) -> Iterator[int]:
        """The sequencer; its process id."""
        environment = os.environ | {
            "WOAAS_HOME": str(self.home / "woaas"),
            "WOAAS_DATABASE_URL": self.dsn,
            "WOAAS_AUDIT_ORIGIN": ORIGIN,
        }
        with process([sys.executable, "-m", "woaas_infra", "sequencer"], environment) as pid:
            yield pid

    async def drained(self) -> None:
        """Wait until nothing is pending."""
        connection = await asyncpg.connect(self.dsn)
        try:
            while await connection.fetchval("SELECT count(*) FROM pending"):  # noqa: ASYNC110 - it is in the database
                await asyncio.sleep(0.05)
        finally:
            await connection.close()


@asynccontextmanager
async def world(pool: int = 16) -> AsyncIterator[World]:
    """The platform's database without its servers, fsync on."""
    home = Path(tempfile.mkdtemp(prefix="woaas-bench-audit-"))
    server = EmbeddedPostgres(home / "postgres")
    try:
        dsn = await ensure_database(server.start())
        await asyncio.to_thread(upgrade, dsn)
        settings = Settings.load({}, home=home, database_url=dsn, secret_key=SECRET, audit_origin=ORIGIN)
        database = await Database.connect(dsn, role=APP, size=pool)
        yield World(home, dsn, database, Authenticator(pepper=settings.secret_key, policies=PolicyCache()))
        await database.close()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
