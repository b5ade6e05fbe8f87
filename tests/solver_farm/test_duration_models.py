"""Durations learned from closed operations: what is learned, what comes into force, what plans make of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.farm import farm
from fixtures.history import BEGAN, Past, remember
from httpx import AsyncClient

from woaas_core.ids import decode_id
from woaas_solver_farm.learning import training, upkeep
from woaas_solver_farm.learning.estimates import Durations, Estimate

pytestmark = pytest.mark.anyio

SLOW = Past(100, "1100 + 200 * (n % 2)", setup_seconds="880 + n % 41", setup_time="10 minutes")


async def work(world: World, tenant: Tenant, job: Any = upkeep.train_queued) -> int:
    """What the worker does once."""
    async with world.db.unit_of_work() as uow:
        principal = await world.authenticator.as_system(uow, tenant.id, "test")
        done: int = await job(uow, principal)
        return done


async def trained(world: World, tenant: Tenant, client: AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/duration-models", json=body)
    assert answer.status_code == 202, answer.text
    assert await work(world, tenant) == 1
    return dict((await client.get(answer.headers["location"])).json())


async def recorded(world: World, tenant: Tenant, client: AsyncClient) -> list[str]:
    """The kinds of events about models, in the order of the log."""
    await world.settle(tenant, only=())
    listed = (await client.get("/v1/events?limit=200")).json()["data"]
    return [e["type"] for e in listed if e["type"].startswith("duration_model.")]


async def in_force(world: World, tenant: Tenant, model: dict[str, Any]) -> tuple[Durations, Durations]:
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant.id, "test")
        return await training.learned(uow, decode_id("dmo", model["id"]))


def unit(durations: Durations, product: str, operation: str, center: str, standard_s: float) -> Estimate:
    """The time of one piece."""
    return durations.run(product, operation, center, standard_unit_s=standard_s, quantity=1)


class TestTheDoor:
    async def test_without_a_key_nothing(self, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            for method, path in (("POST", ""), ("GET", ""), ("GET", "/dmo_x"), ("POST", "/dmo_x/promote")):
                assert (await client.request(method, f"/v1/duration-models{path}", json={})).status_code == 401

    async def test_another_tenant_does_not_see_it(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            model = (await client.post("/v1/duration-models", json={})).json()
            path = f"/v1/duration-models/{model['id']}"
            assert (await stranger.get(path)).status_code == 404
            for command in ("promote", "rollback", "retire"):
                assert (await stranger.post(f"{path}/{command}", json={})).status_code == 404
            assert (await stranger.get("/v1/duration-models")).json()["data"] == []

    async def test_an_operator_sees_nothing_of_it(self, factory: Tenant) -> None:
        async with factory.client(await factory.key("operator")) as client:
            assert (await client.get("/v1/duration-models")).status_code == 403
            assert (await client.post("/v1/duration-models", json={})).status_code == 403

    async def test_a_supervisor_reads_and_may_not_train(self, factory: Tenant) -> None:
        async with factory.client(await factory.key("supervisor")) as client:
            assert (await client.get("/v1/duration-models")).status_code == 200
            assert (await client.post("/v1/duration-models", json={})).status_code == 403

    @pytest.mark.parametrize("body", [{"quantile": 1}, {"history": "PT1H"}, {"colour": 1}])
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, body: dict[str, Any]) -> None:
        async with factory.client() as client:
            assert (await client.post("/v1/duration-models", json=body)).status_code == 422

    async def test_while_one_waits_it_is_the_same(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            first = (await client.post("/v1/duration-models", json={})).json()
            again = (await client.post("/v1/duration-models", json={"quantile": 0.8})).json()
            events = await recorded(world, factory, client)
        assert (first["id"], first["status"], first["state"]) == (again["id"], "queued", "untrained")
        assert len(events) == 1


class TestTraining:
    async def test_too_little_history_is_said_and_nothing_comes_into_force(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, Past(upkeep.MIN_OPERATIONS - 1, "600"))
        async with factory.client() as client:
            model = await trained(world, factory, client)
        assert (model["status"], model["state"], model["cells"]) == ("failed", "untrained", 0)
        assert "49 closed operations" in model["error"]

    async def test_what_foretells_better_comes_into_force(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, SLOW)
        async with factory.client() as client:
            model = await trained(world, factory, client)
            events = await recorded(world, factory, client)
        assert (model["status"], model["state"], model["model_version"]) == ("finished", "in_force", 1)
        assert (model["operations"], model["holdout_operations"]) == (79, 21)
        assert model["errors"]["candidate"]["pinball"] < model["errors"]["standard"]["pinball"]
        assert model["errors"]["in_force"] is None
        # The standard says 600 + 600 s of what takes 1200 + 900 s: 43 % short on average.
        assert model["errors"]["standard"]["mape"] == pytest.approx(0.43, abs=0.01)
        assert model["errors"]["candidate"]["mape"] < 0.09
        assert events == ["duration_model.requested", "duration_model.trained", "duration_model.promoted"]

    async def test_what_is_no_better_is_rejected(self, world: World, factory: Tenant) -> None:
        # The standard time is exact, and the samples go the other way in the hold-out.
        past = Past(100, "CASE WHEN n <= 80 THEN 900 ELSE 600 END", unit_time="60 seconds")
        await remember(world.settings.database_url, factory.id, past)
        async with factory.client() as client:
            model = await trained(world, factory, client)
            assert (model["status"], model["state"]) == ("finished", "rejected")
            answer = await client.post(f"/v1/duration-models/{model['id']}/promote", json={})
            assert (answer.status_code, answer.json()["code"]) == (409, "guard_failed")
        assert (await in_force(world, factory, model))[0].model_version is None

    async def test_outliers_and_replaced_reports_do_not_count(self, world: World, factory: Tenant) -> None:
        # One in ten was left running over the night.
        past = Past(100, "CASE WHEN n % 10 = 0 THEN 90000 ELSE 1150 + n END")
        await remember(world.settings.database_url, factory.id, past)
        async with factory.client() as client:
            for report in (await client.get("/v1/operations?limit=1")).json()["data"]:
                listed = (await client.get(f"/v1/operations/{report['id']}/reports")).json()["data"]
                body = {"kind": "run", "reason": "wrong", "started_at": listed[0]["started_at"],
                        "ended_at": listed[0]["started_at"]}  # fmt: skip
                assert (await client.post(f"/v1/reports/{listed[0]['id']}/correct", json=body)).status_code == 201
            model = await trained(world, factory, client)
            assert model["operations"] + model["holdout_operations"] == 99
        _, quantile = await in_force(world, factory, model)
        found = unit(quantile, "P", "Turning", "m1", 0.0)
        assert 115 < found.seconds < 125
        assert model["operations"] - 8 <= found.operations < model["operations"]

    async def test_two_people_at_once_do_not_take_it_twice_as_long(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, Past(60, "1200"))
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            await uow.connection.execute(
                "INSERT INTO reports SELECT tenant_id, gen_random_uuid(), operation_id, work_order_id, kind, good, "
                "scrap, rework, scrap_reason, operator, work_center, started_at, ended_at, consumed, produced, "
                "external_ref, corrects, request_hash, recorded_at FROM reports"
            )
        async with factory.client() as client:
            model = await trained(world, factory, client)
        assert unit((await in_force(world, factory, model))[0], "P", "Turning", "m1", 0).seconds == pytest.approx(120)

    async def test_the_machine_counts_where_there_is_enough_of_it(self, world: World, factory: Tenant) -> None:
        past = Past(
            120,
            "CASE WHEN n % 3 = 0 THEN 1800 ELSE 900 END",
            work_center="CASE WHEN n % 3 = 0 THEN 'm2' ELSE 'm1' END",
        )
        await remember(world.settings.database_url, factory.id, past, Past(30, "2400", product="Q", name="Turning"))
        async with factory.client() as client:
            model = await trained(world, factory, client)
        durations, _ = await in_force(world, factory, model)
        assert unit(durations, "P", "Turning", "m1", 0).seconds == pytest.approx(90)
        assert unit(durations, "P", "Turning", "m2", 0).seconds == pytest.approx(180, rel=0.1)
        assert unit(durations, "P", "Turning", "m9", 0).seconds == pytest.approx(90)
        # A product never made: its standard time, as much longer as this work takes on that machine.
        assert unit(durations, "R", "Turning", "m2", 600).seconds == pytest.approx(1800, rel=0.1)
        assert unit(durations, "R", "Milling", "m1", 60) == (60, 0)

    async def test_a_batch_that_takes_its_time_whole_is_seen(self, world: World, factory: Tenant) -> None:
        small = Past(60, "3600 + n", name="Oven", quantity=10)
        large = Past(60, "3600 + n", name="Oven", quantity=1000, product="Q")
        await remember(world.settings.database_url, factory.id, small, large)
        async with factory.client() as client:
            model = await trained(world, factory, client)
        durations, _ = await in_force(world, factory, model)
        for product, quantity in (("P", 10), ("Q", 1000)):
            found = durations.run(product, "Oven", "m1", standard_unit_s=0, quantity=quantity)
            assert found.seconds == pytest.approx(3630, rel=0.01)
        # Ten pieces' worth of doubt keep the exponent a little above 0.
        assert durations.run("P", "Oven", "m1", standard_unit_s=0, quantity=100).seconds < 1.5 * 3630

    async def test_a_quantile_is_longer_than_the_median(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, Past(100, "1000 + 10 * (n % 100)"))
        async with factory.client() as client:
            model = await trained(world, factory, client, quantile=0.8)
        median, quantile = await in_force(world, factory, model)
        assert model["quantile"] == 0.8
        assert unit(median, "P", "Turning", "m1", 0).seconds == pytest.approx(140, abs=2)
        assert unit(quantile, "P", "Turning", "m1", 0).seconds == pytest.approx(163, abs=2)


class TestVersions:
    async def test_back_to_an_earlier_version_and_to_standard_times(self, world: World, factory: Tenant) -> None:
        dsn = world.settings.database_url
        await remember(dsn, factory.id, SLOW)
        async with factory.client() as client:
            first = await trained(world, factory, client)
            later = Past(300, "2400", name="Milling", began=BEGAN + timedelta(days=20))
            await remember(dsn, factory.id, later)
            second = await trained(world, factory, client, promote=False)
            assert second["state"] == "candidate"
            assert second["errors"]["in_force"]["model_version"] == 1
            path = "/v1/duration-models"
            promoted = await client.post(f"{path}/{second['id']}/promote", json={})
            assert promoted.json()["state"] == "in_force", promoted.text
            assert (await client.get(f"{path}/{first['id']}")).json()["state"] == "retired"
            assert (await client.post(f"{path}/{first['id']}/promote", json={})).status_code == 409

            back = await client.post(f"{path}/{first['id']}/rollback", json={"reason": "too long"})
            assert back.json()["state"] == "in_force"
            listed = (await client.get(f"{path}?state=in_force")).json()["data"]
            assert [m["model_version"] for m in listed] == [1]
            assert (await client.post(f"{path}/{first['id']}/retire", json={})).json()["state"] == "retired"
            assert (await client.get(f"{path}?state=in_force")).json()["data"] == []
            kinds = await recorded(world, factory, client)
        assert kinds.count("duration_model.restored") == 1
        assert kinds.count("duration_model.retired") == 3

    async def test_a_candidate_compared_with_another_is_not_promoted(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, SLOW)
        async with factory.client() as client:
            candidate = await trained(world, factory, client, promote=False)
            other = await trained(world, factory, client)
            assert (candidate["state"], other["state"]) == ("candidate", "in_force")
            answer = await client.post(f"/v1/duration-models/{candidate['id']}/promote", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "guard_failed")

    async def test_it_is_trained_anew_when_there_is_news(self, world: World, factory: Tenant) -> None:
        assert await work(world, factory, upkeep.queue_due) == 0
        await remember(world.settings.database_url, factory.id, SLOW)
        assert await work(world, factory, upkeep.queue_due) == 1
        assert await work(world, factory, upkeep.queue_due) == 0
        assert await work(world, factory) == 1
        assert await work(world, factory) == 0
        assert await work(world, factory, upkeep.queue_due) == 0
        async with factory.client() as client:
            (model,) = (await client.get("/v1/duration-models")).json()["data"]
        assert model["state"] == "in_force"


class TestPlanning:
    async def test_plans_use_what_is_in_force_and_say_so(self, world: World, factory: Tenant) -> None:
        await remember(world.settings.database_url, factory.id, SLOW)
        async with factory.client() as client:
            for code in ("m1", "m2"):
                await client.put(f"/v1/work-centers/{code}", json={})
            steps = [
                {"name": "Turning", "work_centers": ["m1"], "unit_time": "PT1M", "setup_time": "PT10M"},
                {"name": "Washing", "work_centers": ["m2"], "unit_time": "PT1M"},
            ]
            body = {"product": "P", "quantity": "10", "operations": steps, "release": True}
            assert (await client.post("/v1/work-orders", json=body)).status_code == 201

            async def plan() -> tuple[dict[str, Any], list[dict[str, Any]]]:
                run = (await client.post("/v1/schedule-runs", json={"iterations": 5})).json()
                await farm(world.db).run_once()
                schedule = (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["schedule_id"]
                slots = (await client.get(f"/v1/schedules/{schedule}/slots?sort=start_at")).json()["data"]
                return (await client.get(f"/v1/schedules/{schedule}")).json(), slots

            schedule, slots = await plan()
            assert schedule["duration_model_version"] is None
            assert [s["duration_source"] for s in slots] == ["standard", "standard"]
            assert minutes(slots[0]) == (10, 10)

            await trained(world, factory, client)
            schedule, slots = await plan()
            assert schedule["duration_model_version"] == 1
            turning, washing = slots
            learned = {n: turning[n] for n in turning if n.startswith("duration_")}
            assert learned == {"duration_source": "learned", "duration_samples": 79, "duration_model_version": 1}
            assert (washing["duration_source"], washing["duration_model_version"]) == ("standard", None)
            # 79 operations of 1100 or 1300 s against a standard of 600 s, and set-ups of 900 s against 600 s.
            assert minutes(turning) == (15, pytest.approx(20, abs=2))


def minutes(slot: dict[str, Any]) -> tuple[float, float]:
    """Set-up and run of a slot."""
    setup, start, end = (datetime.fromisoformat(slot[n]) for n in ("setup_start_at", "start_at", "end_at"))
    return (start - setup).total_seconds() / 60, (end - start).total_seconds() / 60
