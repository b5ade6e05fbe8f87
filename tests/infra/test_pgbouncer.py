"""Behind pgbouncer in transaction mode: one server connection serves everybody, and nobody meets another's tenant."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.pooler import Pooler, needs_pgbouncer

from woaas_api.app import create_app
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.errors import NotFound
from woaas_infra.processes.reader import run_readers
from woaas_infra.readers import readers

pytestmark = [pytest.mark.anyio, needs_pgbouncer]
WHO = Statement.text("SELECT current_user || ' ' || current_setting('statement_timeout') || ' ' || app_tenant()::text")
SEEN = Statement.text("SELECT count(*) FROM work_orders")


@pytest.fixture(scope="module")
def pooler(postgres_server: str) -> Iterator[Pooler]:
    made = Pooler(postgres_server, size=1)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def pooled(world: World, pooler: Pooler) -> AsyncIterator[World]:
    """The platform with its requests behind the pooler."""
    address = pooler.address(world.settings.database_url)
    world.settings = msgspec.structs.replace(world.settings, pooler_url=address)
    async with AsyncExitStack() as stack:
        direct, world.db = (
            world.db,
            await Database.connect(world.settings.database_url, role=APP, size=8, pooler=address),
        )
        stack.push_async_callback(world.db.close)
        world.app = await create_app(world.settings, database=world.db)
        yield world
        world.db = direct


async def test_many_requests_of_two_tenants_share_a_connection_and_nothing_else(pooled: World) -> None:
    tenants = [await pooled.tenant(name) for name in ("North", "South")]

    async def use(tenant: Tenant, turn: int) -> set[str]:
        async with tenant.client() as client:
            body = {"product": f"{tenant.id}", "quantity": "1", "custom_fields": {"turn": turn}}
            made = await client.post("/v1/work-orders", json=body, headers={"Idempotency-Key": f"k{turn}"})
            assert made.status_code == 201, made.text
            assert made.json()["custom_fields"] == {"turn": turn}
            return {o["product"] for o in (await client.get("/v1/work-orders")).json()["data"]}

    async with asyncio.TaskGroup() as group:
        tasks = {t.id: [group.create_task(use(t, turn)) for turn in range(8)] for t in tenants}
    assert all(task.result() == {str(tenant)} for tenant, found in tasks.items() for task in found)


async def test_a_transaction_is_the_app_in_its_tenant_and_the_next_one_in_none(pooled: World, factory: Tenant) -> None:
    async with factory.client() as client:
        await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
    async with pooled.db.unit_of_work() as uow:
        await pooled.authenticator.as_system(uow, factory.id, "test")
        assert await uow.value(WHO) == f"{APP} 30s {factory.id}"
        assert await uow.value(SEEN) == 1
    async with pooled.db.unit_of_work() as uow:
        assert await uow.value(SEEN) == 0
    with pytest.raises(NotFound):
        async with pooled.db.unit_of_work() as uow:
            await pooled.authenticator.as_system(uow, factory.id, "test")
            raise NotFound
    async with pooled.db.unit_of_work() as uow:
        assert await uow.value(SEEN) == 0


async def test_word_by_notice_comes_on_a_connection_of_its_own(pooled: World, factory: Tenant) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    await pooled.db.listener("test_words", heard.put_nowait).open()
    async with pooled.db.unit_of_work() as uow:
        await uow.value(Statement.text("SELECT pg_notify('test_words', 'now')"))
    async with asyncio.timeout(60):
        assert await heard.get() == "now"


async def test_readers_do_their_work_behind_it(pooled: World, factory: Tenant) -> None:
    async with factory.client() as client:
        made = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
        await pooled.sequencer.step()
        stop = asyncio.Event()
        following = asyncio.create_task(run_readers(pooled.settings, readers(pooled.settings), stop))
        position = Statement.text("SELECT min(next_index) FROM reader_cursor")
        async with asyncio.timeout(60):
            done = None
            while not done:
                await asyncio.sleep(0.02)
                async with pooled.db.unit_of_work() as uow:
                    await pooled.authenticator.as_system(uow, factory.id, "test")
                    done = await uow.value(position)
        stop.set()
        await following
    assert made.status_code == 201
