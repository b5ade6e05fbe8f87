"""The demo's plan: one late order and one for a partner, whenever in the week it is seeded."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures.database import FreshDatabase
from fixtures.farm import farm

from woaas_core.clock import FrozenClock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import decode_id
from woaas_core.settings import Settings
from woaas_infra.demo.credentials import read
from woaas_infra.demo.main_job import MainJob
from woaas_infra.demo.seed import seed
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator

pytestmark = pytest.mark.anyio
# In the plant's zone, UTC+8. The first two are the worst: the shifts before the free Sunday have just begun to end.
STARTS = {
    "friday evening": datetime(2026, 11, 13, 13, tzinfo=UTC),
    "saturday night": datetime(2026, 11, 14, 14, tzinfo=UTC),
    "monday morning": datetime(2026, 11, 9, 0, tzinfo=UTC),
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
async def test_one_order_is_late_and_one_needs_a_partner(
    database: FreshDatabase, tmp_path: Path, start: datetime
) -> None:
    clock = FrozenClock(start)
    settings = Settings.load({}, home=tmp_path, database_url=database.dsn, secret_key="demo" * 8)
    await seed(settings, clock=clock)
    known = read(tmp_path / "credentials.json")
    assert known is not None
    db = await Database.connect(database.dsn, role=APP, size=6, clock=clock)
    tenant = decode_id("ten", known.tenants["factory"].tenant_id)
    job = MainJob(db, Authenticator(pepper=settings.secret_key, policies=PolicyCache()), tenant)
    stop = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(farm(db).run(stop))
            run = await job.plan(time_limit="PT1S")
            stop.set()
        assert "24 orders, 97 operations, 12 machines" in (said := await job.summary(run))
        assert "1 late, 1 to a partner)" in said
        assert await job.has_published()
    finally:
        await db.close()
