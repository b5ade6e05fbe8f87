"""The worker: what time makes due is done once, whoever does it, how often, and whatever fails on the way."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fixtures.app import Tenant, World
from fixtures.billing import Book, Complete
from fixtures.market import Market, get
from fixtures.processes import eventually

from woaas_core.clock import FrozenClock
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.ids import uuid7
from woaas_infra.processes.worker import MAX_PARTS, Worker, run_worker
from woaas_infra.schedule import JOBS, PeriodicJob
from woaas_security.principal import Principal

pytestmark = pytest.mark.anyio
BY_NAME = {job.name: job for job in JOBS}
MARKET, BILLING, FORGETTING = (BY_NAME[n] for n in ("market_requests", "billing_periods", "forgetting"))
EVENTS = Statement.text("SELECT count(*) FROM event WHERE tenant_id = app_tenant() AND type = $1", "type")
COUNT_UP = Statement.text(
    "INSERT INTO number_counters AS n (tenant_id, series, value) VALUES (app_tenant(), 'x', 1) "
    "ON CONFLICT (tenant_id, series) DO UPDATE SET value = n.value + 1"
)
COUNTED = Statement.text("SELECT value FROM number_counters WHERE series = 'x'")
EVERYBODY = Statement.text("SELECT live_tenants()")


@asynccontextmanager
async def workers(world: World, *, at: datetime | None = None, number: int = 1) -> AsyncIterator[list[Worker]]:
    """Worker processes, each with a pool of its own, at the time the test says."""
    clock = FrozenClock(at or datetime.now(UTC))
    pools = [await Database.connect(world.settings.database_url, role=APP, size=1, clock=clock) for _ in range(number)]
    try:
        yield [Worker(pool, world.settings, asyncio.Event()) for pool in pools]
    finally:
        for pool in pools:
            await pool.close()


async def rows(tenant: Tenant, statement: Statement, **values: object) -> list[Any]:
    """What a statement finds in a tenant."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        return await uow.all(statement, **values)


async def recorded(tenant: Tenant, kind: str) -> int:
    """How many events of a type a tenant has."""
    return int((await rows(tenant, EVENTS, type=kind))[0][0])


async def counted(tenant: Tenant) -> int:
    """How often a counting job was done in a tenant."""
    found = await rows(tenant, COUNTED)
    return int(found[0][0]) if found else 0


async def count_once(uow: UnitOfWork, _principal: Principal) -> int:
    """The work of a counting job: due as long as it was never done."""
    if await uow.value(COUNTED) is not None:
        return 0
    await uow.execute(COUNT_UP)
    return 1


COUNTING = PeriodicJob("counting", timedelta(hours=1), EVERYBODY, count_once)


class TestMarketRequests:
    async def test_at_its_time_a_request_and_its_quotes_expire_and_both_sides_are_told(
        self, market: Market, world: World
    ) -> None:
        await market.listing()
        request = await market.request(expires_at="2050-01-01T00:00:00Z")
        later = await market.request(expires_at="2050-01-02T00:00:00Z")
        quote = await market.quote(request)
        due = datetime(2050, 1, 1, tzinfo=UTC)
        async with workers(world, at=due - timedelta(seconds=1)) as (early,):
            assert await early.do(MARKET) == 0
        async with workers(world, at=due) as (worker,):
            assert await worker.do(MARKET) == 1
            assert await worker.do(MARKET) == 0
        assert (await get(market.buyer, f"/v1/market/requests/{request['id']}"))["state"] == "expired"
        assert (await get(market.buyer, f"/v1/market/requests/{later['id']}"))["state"] == "published"
        assert (await get(market.partner, f"/v1/market/quotes/{quote['id']}"))["state"] == "expired"
        assert [r["id"] for r in (await get(market.partner, "/v1/market/board"))["data"]] == [later["id"]]
        for tenant in (market.buyer_tenant, market.partner_tenant):
            assert await recorded(tenant, "quote.expired") == 1

    async def test_workers_at_once_expire_each_request_once(self, market: Market, world: World) -> None:
        for _ in range(3):
            await market.request(expires_at="2050-01-01T00:00:00Z")
        async with workers(world, at=datetime(2051, 1, 1, tzinfo=UTC), number=4) as crew:
            assert sum(await asyncio.gather(*(w.do(MARKET) for w in crew))) == 3
        assert await recorded(market.buyer_tenant, "market_request.expired") == 3


class TestBillingPeriods:
    async def test_a_period_is_closed_and_billed_when_it_is_due_and_once(self, book: Book, complete: Complete) -> None:
        for _ in range(12):
            await complete(book.tenant)
        await book.follow()
        due = await renewal(book)
        async with workers(book.world, at=due - timedelta(seconds=1)) as (early,):
            assert await early.do(BILLING) == 0
        async with workers(book.world, at=due) as (worker,):
            assert await worker.do(BILLING) == 1
            assert await worker.do(BILLING) == 0
        async with book.tenant.client() as client:
            (invoice,) = (await client.get("/v1/billing/invoices")).json()["data"]
        assert invoice["total"]["amount"] == "4.00"
        assert [(p["status"], p["event_count"]) for p in await book.periods()] == [("closed", 12), ("open", None)]
        assert await renewal(book) > due
        assert await book.differences() == []

    async def test_workers_at_once_issue_one_invoice(self, book: Book) -> None:
        async with workers(book.world, at=await renewal(book), number=4) as crew:
            assert sum(await asyncio.gather(*(w.do(BILLING) for w in crew))) == 1
        assert await recorded(book.tenant, "invoice.issued") == 1
        assert await recorded(book.tenant, "billing_period.closed") == 1

    async def test_a_tenant_found_due_that_is_due_no_more_is_left_alone(self, book: Book) -> None:
        found = Statement.text(f"SELECT '{book.tenant.id}'::uuid")
        async with workers(book.world, at=await renewal(book) - timedelta(seconds=1)) as (worker,):
            assert await worker.do(BILLING._replace(tenants=found)) == 0
        assert len(await book.periods()) == 1

    async def test_months_without_a_worker_make_one_period_and_lose_nothing(self, book: Book) -> None:
        used = uuid7()
        await book.count(used)
        at = await renewal(book) + timedelta(days=75)
        async with workers(book.world, at=at) as (worker,):
            assert await worker.do(BILLING) == 1
        assert [(p["status"], p["event_count"]) for p in await book.periods()] == [("closed", 1), ("open", None)]
        assert at < await renewal(book) <= at + timedelta(days=31)

    async def test_a_tenant_that_cannot_be_billed_holds_nobody_up(self, world: World, book: Book) -> None:
        other = await world.tenant("Other")
        await world.settle(other)
        await rows(book.tenant, Statement.text("UPDATE tenants SET plan = 'none such' RETURNING id"))
        async with workers(world, at=max(await renewal(book), await renewal(Book(world, other)))) as (worker,):
            assert await worker.do(BILLING) == 1
            assert await recorded(book.tenant, "invoice.issued") == 0
            assert await recorded(other, "invoice.issued") == 1
            await rows(book.tenant, Statement.text("UPDATE tenants SET plan = 'standard' RETURNING id"))
            assert await worker.do(BILLING) == 1
        assert await recorded(book.tenant, "invoice.issued") == 1


async def renewal(book: Book) -> datetime:
    """When the open period is due to be closed."""
    query = Statement.text("SELECT renews_at FROM billing_periods WHERE tenant_id = app_tenant() AND status = 'open'")
    found: datetime = (await book.rows(query))[0][0]
    return found


KEPT = Statement.text("""
    SELECT (SELECT count(*) FROM idempotency) AS answers, (SELECT count(*) FROM sessions) AS sessions,
      (SELECT count(*) FROM audit_export_parts) AS parts, (SELECT count(*) FROM schedule_runs) AS solves
""")
SOLVE = {
    "tick": "PT1M", "start_at": "2030-01-01T00:00:00Z", "horizon": 1000, "machines": [{"id": "m"}],
    "jobs": [{"id": "j", "operations": [{"id": "o", "modes": [{"machine": "m", "duration": 5}]}]}],
    "objective": {"mode": "weighted", "terms": [{"metric": "makespan", "weight": 1}]},
    "limits": {"time_limit": "PT1S"},
}  # fmt: skip


class TestForgetting:
    async def test_each_kind_goes_when_its_time_is_over_and_not_before(self, world: World) -> None:
        tenant = await self.filled(world)
        assert await self.kept(tenant) == {"answers": 1, "sessions": 1, "parts": 1, "solves": 1}
        now = datetime.now(UTC)
        for after, expected in (
            (timedelta(hours=11), {"answers": 1, "sessions": 1, "parts": 1, "solves": 1}),
            (timedelta(hours=23), {"answers": 1, "sessions": 0, "parts": 1, "solves": 1}),
            (timedelta(hours=25), {"answers": 1, "sessions": 0, "parts": 1, "solves": 0}),
            (timedelta(hours=49), {"answers": 0, "sessions": 0, "parts": 1, "solves": 0}),
            (timedelta(days=8), {"answers": 0, "sessions": 0, "parts": 0, "solves": 0}),
        ):
            async with workers(world, at=now + after) as (worker,):
                await worker.do(FORGETTING)
            assert await self.kept(tenant) == expected, after

    async def test_nothing_is_counted_twice_by_workers_at_once(self, world: World) -> None:
        await self.filled(world)
        async with workers(world, at=datetime.now(UTC) + timedelta(days=8), number=3) as crew:
            assert sum(await asyncio.gather(*(w.do(FORGETTING) for w in crew))) == 4

    async def test_a_job_in_one_tenant_takes_nothing_of_another(self, world: World) -> None:
        mine, other = await self.filled(world), await self.filled(world)
        # Row-level security and not the statement's own condition is what this looks at.
        everything = Statement.text("DELETE FROM sessions")

        async def delete_all(uow: UnitOfWork, _principal: Principal) -> int:
            return await uow.execute(everything)

        only_mine = Statement.text(f"SELECT '{mine.id}'::uuid")
        async with workers(world) as (worker,):
            assert await worker.do(PeriodicJob("greedy", timedelta(hours=1), only_mine, delete_all)) == 1
        assert (await self.kept(mine))["sessions"] == 0
        assert (await self.kept(other))["sessions"] == 1

    async def filled(self, world: World) -> Tenant:
        """A tenant with one of each thing that runs out."""
        tenant = await world.tenant()
        async with tenant.client() as client:
            headers = {"Idempotency-Key": "once"}
            assert (await client.post("/v1/audit/exports", json={}, headers=headers)).status_code == 202
            assert (await client.post("/v1/solve", json=SOLVE)).status_code == 202
        await world.settle(tenant)
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, tenant.id, "test")
            now = uow.clock.now()
            await uow.execute(
                Statement.text(
                    "INSERT INTO sessions "
                    "(tenant_id, id, user_id, token_hash, method, address, agent, created_at, expires_at) "
                    "VALUES (app_tenant(), $1, $1, $2, 'password', '', '', $3, $4)",
                    *("id", "hash", "now", "end"),
                ),
                id=uuid7(),
                hash=uuid7().bytes,
                now=now,
                end=now + timedelta(hours=12),
            )
        return tenant

    async def kept(self, tenant: Tenant) -> dict[str, int]:
        """How many of each thing a tenant still has."""
        return dict((await rows(tenant, KEPT))[0])


class TestJobs:
    async def test_while_one_works_in_a_tenant_another_passes_it_by(self, world: World, factory: Tenant) -> None:
        began, go_on = asyncio.Event(), asyncio.Event()

        async def wait(uow: UnitOfWork, principal: Principal) -> int:
            began.set()
            await go_on.wait()
            return await count_once(uow, principal)

        async with workers(world, number=2) as (one, two):
            slow = asyncio.create_task(one.do(COUNTING._replace(work=wait)))
            await began.wait()
            meanwhile = await two.do(COUNTING)
            go_on.set()
            assert (meanwhile, await slow) == (0, 1)
            assert await two.do(COUNTING) == 0
        assert await counted(factory) == 1

    async def test_one_that_dies_in_the_middle_leaves_nothing_and_the_next_does_it(
        self, world: World, factory: Tenant
    ) -> None:
        class Killed(BaseException):
            pass

        async def die(uow: UnitOfWork, principal: Principal) -> int:
            await count_once(uow, principal)
            raise Killed

        async with workers(world, number=2) as (one, two):
            with pytest.raises(Killed):
                await one.do(COUNTING._replace(work=die))
            assert await counted(factory) == 0
            assert await two.do(COUNTING) == 1
        assert await counted(factory) == 1

    async def test_a_tenant_that_fails_stops_no_other(self, world: World, factory: Tenant) -> None:
        others = [await world.tenant() for _ in range(2)]
        broken: set[UUID] = {factory.id}

        async def work(uow: UnitOfWork, principal: Principal) -> int:
            done = await count_once(uow, principal)
            if uow.tenant in broken:
                msg = "cannot"
                raise RuntimeError(msg)
            return done

        job = COUNTING._replace(work=work)
        async with workers(world) as (worker,):
            assert await worker.do(job) == 2
            assert [await counted(t) for t in (factory, *others)] == [0, 1, 1]
            broken.clear()
            assert await worker.do(job) == 1
        assert await counted(factory) == 1

    async def test_a_tenant_with_much_to_do_keeps_the_next_waiting_for_a_while_only(
        self, world: World, factory: Tenant
    ) -> None:
        other = await world.tenant()

        async def endless(uow: UnitOfWork, _principal: Principal) -> int:
            if uow.tenant == factory.id:
                await uow.execute(COUNT_UP)
                return 1
            return await count_once(uow, _principal)

        async with workers(world) as (worker,):
            assert await worker.do(COUNTING._replace(work=endless)) == MAX_PARTS + 1
        assert (await counted(factory), await counted(other)) == (MAX_PARTS, 1)

    async def test_a_process_does_every_job_at_its_start_and_stops_when_told(
        self, world: World, factory: Tenant
    ) -> None:
        stop = asyncio.Event()
        done: list[str] = []

        async def stop_it(_uow: UnitOfWork, _principal: Principal) -> int:
            done.append("last")
            stop.set()
            return 0

        broken = COUNTING._replace(name="broken", tenants=Statement.text("SELECT no_such_function()"))
        await run_worker(world.settings, stop, jobs=(broken, COUNTING, COUNTING._replace(name="last", work=stop_it)))
        assert await counted(factory) == 1
        assert done == ["last"]


class TestProcess:
    async def test_what_a_killed_worker_left_the_background_process_does(
        self, market: Market, world: World, tmp_path: Path
    ) -> None:
        killed = start("worker", world, tmp_path)
        await asyncio.to_thread(eventually, lambda: b"infra.worker.started" in log_of(tmp_path), "a worker")
        killed.kill()
        killed.wait()
        soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
        request = await market.request(expires_at=soon)
        assert (await get(market.buyer, f"/v1/market/requests/{request['id']}"))["state"] == "published"
        running = start("background", world, tmp_path)
        try:
            await asyncio.to_thread(eventually, lambda: b"infra.worker.done" in log_of(tmp_path), "the work")
        finally:
            running.terminate()
            code = running.wait(60)
        assert code == 0
        assert (await get(market.buyer, f"/v1/market/requests/{request['id']}"))["state"] == "expired"
        assert await recorded(market.buyer_tenant, "market_request.expired") == 1


def start(command: str, world: World, home: Path) -> "subprocess.Popen[bytes]":
    """A process of ours on the test's database; what it logs goes to a file."""
    program = str(Path(sys.executable).with_name("woaas-server"))
    env = {**os.environ, "WOAAS_DATABASE_URL": world.settings.database_url}
    with (home / "log").open("ab") as out:
        return subprocess.Popen([program, command, "--home", str(home)], env=env, stdout=out, stderr=out)


def log_of(home: Path) -> bytes:
    """What the processes have logged."""
    return (home / "log").read_bytes()
