"""Alembic's entry: connects as the owner role and runs what :mod:`woaas_infra.migrate` asked for."""

import asyncio
from typing import Any

import asyncpg
from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from woaas_core.db.tenancy import OWNER
from woaas_infra.tables import complete_metadata

# The history has a schema of its own: whoever may only use the tables cannot even see it.
HISTORY_SCHEMA = "woaas_migrations"
# Any number that nothing else locks will do.
MIGRATION_LOCK = 7_203_114_202


def migrate(connection: Connection) -> None:
    """Run the asked-for work on one connection, alone among all migrating processes."""
    with connection.begin():
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {HISTORY_SCHEMA}"))
    with connection.begin():
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
    context.configure(
        connection=connection,
        target_metadata=complete_metadata(),
        version_table_schema=HISTORY_SCHEMA,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate(dsn: str) -> None:
    """Connect with the session settings of a migration and hand over to Alembic."""

    async def connect() -> Any:
        # lock_timeout: a migration that waits behind a long transaction would make every later query wait behind
        # it. Set for the session, so that it holds in each revision's own transaction.
        return await asyncpg.connect(
            dsn, server_settings={"role": OWNER, "application_name": "woaas_migrate", "lock_timeout": "5s"}
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(connect_and_migrate(context.config.attributes["dsn"]))
