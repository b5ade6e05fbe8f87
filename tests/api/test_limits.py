"""Budgets: shared by all processes, by key and by tenant, and for those who fail to say who they are."""

from dataclasses import dataclass, field

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.graph import ask

from woaas_api.app import ROUTES, create_app
from woaas_api.limits import COSTS, Limits
from woaas_core.buckets import Taken, shared_buckets

pytestmark = pytest.mark.anyio


@dataclass
class Buckets:
    """The buckets of the database, under a clock that a test moves."""

    now: float = 0.0
    asked: int = 0
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    async def take(self, bucket: str, capacity: float, per_s: float, wanted: float, least: float) -> Taken:
        self.asked += 1
        level, at = self.levels.get(bucket, (capacity, self.now))
        level = min(capacity, level + (self.now - at) * per_s)
        granted = min(level, wanted) if level >= least else 0.0
        self.levels[bucket] = (level - granted, self.now)
        return Taken(granted, level - granted)


def test_what_costs_more_is_an_operation_that_there_is() -> None:
    assert set(COSTS) <= {route.name for route in ROUTES}


class TestSharing:
    @pytest.mark.parametrize("per_minute", [600, 60_000])
    async def test_four_processes_let_in_what_one_would(self, per_minute: int) -> None:
        """Over a minute at ten times the limit, after the burst that a full bucket allows: 5 % more or less at most."""
        buckets = Buckets()
        workers = [Limits(buckets.take, lambda: buckets.now) for _ in range(4)]
        admitted, tick_s = 0, 0.01 if per_minute > 1_000 else 0.05
        each = max(1, round(10 * per_minute / 60 * tick_s / 4))
        for tick in range(round(180 / tick_s)):
            buckets.now = tick * tick_s
            for worker in workers:
                for _ in range(each):
                    budget = await worker.draw("key:x", per_minute)
                    # The burst is over long before the second minute, which is the one that is counted.
                    admitted += 60 <= buckets.now < 120 and not budget.retry_after_s
        assert admitted == pytest.approx(per_minute, rel=0.05)

    async def test_the_database_is_asked_for_shares_and_not_for_requests(self) -> None:
        buckets = Buckets()
        limits = Limits(buckets.take, lambda: buckets.now)
        for _ in range(3_000):
            assert not (await limits.draw("key:x", 60_000)).retry_after_s
        assert buckets.asked == 10

    async def test_who_is_refused_asks_the_database_no_more_for_a_while(self) -> None:
        buckets = Buckets()
        limits = Limits(buckets.take, lambda: buckets.now)
        refused = [(await limits.draw("key:x", 10)).retry_after_s > 0 for _ in range(100)]
        assert refused == [False] * 10 + [True] * 90
        assert buckets.asked < 15

    async def test_a_debt_is_paid_before_anything_else(self) -> None:
        buckets = Buckets()
        limits = Limits(buckets.take, lambda: buckets.now)
        await limits.draw("key:x", 60)
        limits.debit("key:x", 89)
        assert (await limits.draw("key:x", 60)).retry_after_s >= 30
        buckets.now = 32.0
        assert not (await limits.draw("key:x", 60)).retry_after_s

    async def test_the_database_keeps_them_as_supposed_here(self, world: World) -> None:
        take = shared_buckets(world.db)
        assert await take("b", 10, 1e-6, 4, 1) == Taken(4, 6)
        granted, level = await take("b", 10, 1e-6, 8, 1)
        assert (granted, level) == (pytest.approx(6, abs=1e-3), pytest.approx(0, abs=1e-3))
        assert (await take("b", 10, 1e-6, 5, 1)).granted == 0
        granted, level = await take("b", 10, 1e9, 5, 1)
        assert (granted, level) == (5, 5)


async def limited(world: World, **settings: int) -> None:
    """Put the app behind other limits."""
    world.app = await create_app(msgspec.structs.replace(world.settings, **settings), database=world.db)


class TestDoor:
    async def test_all_keys_of_a_tenant_share_its_budget_and_no_other_tenant_s(
        self, world: World, factory: Tenant
    ) -> None:
        other = await world.tenant("Other")
        await limited(world, tenant_rate_limit_per_minute=5)
        async with factory.client() as first, factory.client(await factory.key("planner")) as second:
            statuses = [(await c.get("/v1/me")).status_code for c in (first, second) * 4]
        assert statuses == [200] * 5 + [429] * 3
        async with other.client() as client:
            answer = await client.get("/v1/me")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"key";q=60000;w=60, "tenant";q=5;w=60'
        assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("5", "4")

    async def test_dear_operations_cost_more(self, world: World, factory: Tenant) -> None:
        await limited(world, rate_limit_per_minute=60)
        async with factory.client() as client:
            await client.get("/v1/me")
            answer = await client.post("/v1/audit/exports", json={})
            assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (202, "9")
            assert (await client.post("/v1/audit/exports", json={})).status_code == 429
            assert (await client.get("/v1/me")).status_code == 200

    async def test_a_dear_document_is_paid_for(self, world: World, factory: Tenant) -> None:
        await limited(world, rate_limit_per_minute=60)
        query = "{ workOrders(first: 200) { edges { node { id steps: number } } } }"
        await ask(factory, query)
        async with factory.client() as client:
            answer = await client.get("/v1/me")
        assert int(answer.headers["ratelimit-remaining"]) <= 54

    async def test_guesses_at_keys_are_slowed_down_and_nobody_else_is(self, world: World, factory: Tenant) -> None:
        await limited(world, auth_failures_per_minute=4)
        async with factory.client("woaas_live_guess") as client:
            statuses = [(await client.get("/v1/me")).status_code for _ in range(8)]
        assert statuses == [401] * 4 + [429] * 4
        async with factory.client() as client:
            assert (await client.get("/v1/me")).status_code in (200, 429)
