"""Expected demand as virtual orders: entered, used up by real ones, planned where asked for, never billed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.entries import BY_HAND
from fixtures.farm import farm
from fixtures.history import Past, remember
from httpx import AsyncClient

from woaas_core.events.readers import advance
from woaas_work_orders.forecasts import computing, netting
from woaas_work_orders.forecasts.handlers import READERS

pytestmark = pytest.mark.anyio

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day(number: int) -> str:
    return (TODAY + timedelta(days=number)).isoformat()


def bucket(quantity: str = "350", product: str = "P", days: tuple[int, int] = (7, 14)) -> dict[str, Any]:
    return {"product": product, "quantity": quantity, "start_at": day(days[0]), "end_at": day(days[1])}


async def foreseen(client: AsyncClient, *buckets: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/v1/forecasts", json={"buckets": list(buckets) or [bucket()]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def seen(client: AsyncClient, forecast: dict[str, Any]) -> tuple[str, str, str, str]:
    """The only bucket's state and consumed quantity, its virtual order's state and quantity."""
    (one,) = (await client.get(f"/v1/forecasts/{forecast['id']}")).json()["buckets"]
    order = (await client.get(f"/v1/work-orders/{one['work_order_id']}")).json()
    return one["state"], one["consumed"], order["state"], order["quantity"]


async def order(client: AsyncClient, quantity: str = "130", due: int = 10, **fields: Any) -> dict[str, Any]:
    answer = await client.post(
        "/v1/work-orders", json={"product": "P", "quantity": quantity, "due_at": day(due), **fields}
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


class TestTheDoor:
    async def test_without_a_key_nothing(self, factory: Tenant) -> None:
        async with factory.client(key="woaas_live_x") as client:
            for method, path in (("POST", ""), ("GET", ""), ("GET", "/fct_x"), ("POST", "/fct_x/cancel")):
                assert (await client.request(method, f"/v1/forecasts{path}", json={})).status_code == 401

    async def test_others_see_nothing_of_it(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client() as client, other.client() as stranger:
            path = f"/v1/forecasts/{(await foreseen(client))['id']}"
            assert (await stranger.get(path)).status_code == 404
            assert (await stranger.post(f"{path}/cancel", json={})).status_code == 404
            assert (await stranger.get("/v1/forecasts")).json()["data"] == []
            async with factory.client(await factory.key("operator")) as operator:
                assert (await operator.get(path)).status_code == 403
            async with factory.client(await factory.key("supervisor")) as supervisor:
                assert (await supervisor.get(path)).json()["buckets"][0]["quantity"] == "350"
                assert (await supervisor.post("/v1/forecasts", json={"buckets": [bucket()]})).status_code == 403

    @pytest.mark.parametrize(
        "body",
        [
            {"buckets": []},
            {"buckets": [bucket()], "method": "tsb"},
            {"buckets": [bucket("0")]},
            {"buckets": [bucket(days=(7, 7))]},
            {"buckets": [bucket(days=(-7, -1))]},
            {"buckets": [bucket(), bucket(days=(13, 20))]},
            {"method": "oracle"},
            {"bucket": "PT1M"},
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, body: dict[str, Any]) -> None:
        async with factory.client() as client:
            assert (await client.post("/v1/forecasts", json=body)).status_code == 422
            assert (await client.get("/v1/forecasts")).json()["data"] == []


class TestEntering:
    async def test_a_bucket_is_a_virtual_order_by_the_product_s_routing(self, factory: Tenant) -> None:
        async with factory.client() as client:
            steps = [{"name": "Turning", "unit_time": "PT1M"}, {"name": "Washing", "unit_time": "PT1M"}]
            await client.put("/v1/routings/P", json={"operations": steps})
            forecast = await foreseen(client, bucket(), bucket("20", "Q"))
            assert forecast["status"] == "finished"
            orders = (await client.get("/v1/work-orders?state=forecast&expand=operations&sort=number")).json()["data"]
            assert [(o["number"], o["product"], o["quantity"]) for o in orders] == [
                ("FC-000001", "P", "350"),
                ("FC-000002", "Q", "20"),
            ]
            assert (orders[0]["stage"], len(orders[0]["operations"])) == (None, 2)
            assert datetime.fromisoformat(orders[0]["due_at"]) == TODAY + timedelta(days=14)
            assert (await order(client))["number"] == "WO-000001"

    async def test_nothing_is_reported_on_it_and_release_makes_it_real(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            (virtual,) = (await client.get("/v1/work-orders?state=forecast&expand=operations")).json()["data"]
            operation = virtual["operations"][0]["id"]
            for command in ("start", "kit", "complete"):
                assert (await client.post(f"/v1/operations/{operation}/{command}", json={})).status_code == 409
            assert (await client.post(f"/v1/work-orders/{virtual['id']}/complete", json={})).status_code == 409
            assert (await client.post(f"/v1/work-orders/{virtual['id']}/release", json={})).status_code == 200
            await world.settle(factory, only=READERS)
            assert (await seen(client, forecast))[0] == "released"
            # It is real work now, no demand on top of itself.
            again = await foreseen(client)
            assert await seen(client, again) == ("open", "0", "forecast", "350")

    async def test_a_newer_forecast_replaces_an_older_one(self, factory: Tenant) -> None:
        async with factory.client() as client:
            old = await foreseen(client)
            await foreseen(client, bucket("90", days=(10, 12)))
            assert await seen(client, old) == ("superseded", "0", "cancelled", "350")

    async def test_it_can_be_called_off(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            assert (await client.post(f"/v1/forecasts/{forecast['id']}/cancel", json={})).status_code == 200
            assert await seen(client, forecast) == ("cancelled", "0", "cancelled", "350")
            other = await foreseen(client)
            one = (await client.get(f"/v1/forecasts/{other['id']}")).json()["buckets"][0]
            await client.post(f"/v1/work-orders/{one['work_order_id']}/cancel", json={})
            await world.settle(factory, only=READERS)
            assert (await seen(client, other))[0] == "cancelled"

    async def test_what_is_left_lapses_with_its_period(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, factory.id, "test")
                assert await netting.lapse(uow, principal) == 0
                await uow.connection.execute(f"{BY_HAND}; UPDATE forecast_buckets SET start_at = now(), end_at = now()")
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, factory.id, "test")
                assert await netting.lapse(uow, principal) == 1
            assert await seen(client, forecast) == ("lapsed", "0", "cancelled", "350")


class TestNetting:
    async def test_real_orders_use_it_up_and_give_it_back(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            real = await order(client)
            await world.settle(factory, only=READERS)
            assert await seen(client, forecast) == ("open", "130", "forecast", "220")
            await client.patch(f"/v1/work-orders/{real['id']}", json={"quantity": "150"})
            more = await order(client, "400")
            await world.settle(factory, only=READERS)
            assert await seen(client, forecast) == ("consumed", "350", "cancelled", "220")
            await client.post(f"/v1/work-orders/{more['id']}/cancel", json={})
            await world.settle(factory, only=READERS)
            assert await seen(client, forecast) == ("open", "150", "forecast", "200")

    async def test_orders_already_there_count(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await order(client)
            assert await seen(client, await foreseen(client)) == ("open", "130", "forecast", "220")

    @pytest.mark.parametrize("other", [{"product": "Q"}, {"unit": "kg"}, {"due_at": day(14)}, {"due_at": day(6)}])
    async def test_other_products_units_and_periods_do_not(
        self, world: World, factory: Tenant, other: dict[str, Any]
    ) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            await order(client, **other)
            await world.settle(factory, only=READERS)
            assert await seen(client, forecast) == ("open", "0", "forecast", "350")

    async def test_reading_the_log_again_changes_nothing(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            forecast = await foreseen(client)
            await order(client)
            await world.settle(factory, only=READERS)
            before = await seen(client, forecast)
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                await uow.connection.execute(
                    "UPDATE reader_cursor SET next_index = 0 WHERE reader = 'forecast_netting'"
                )
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                assert (await advance(uow, READERS[0])).read > 0
                assert uow.events == []
            assert await seen(client, forecast) == before


class TestPlanning:
    async def test_it_is_planned_only_where_asked_for_and_never_billed(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await client.put("/v1/work-centers/m1", json={})
            await client.put("/v1/material-lots/L1", json={"material": "BAR", "quantity": "5"})
            steps = [{"name": "Turning", "unit_time": "PT1M", "sourcing": "either",
                      "materials": [{"material": "BAR", "quantity": "5"}]}]  # fmt: skip
            await client.put("/v1/routings/P", json={"operations": steps})
            await foreseen(client, bucket("20", days=(0, 14)))
            real = await order(client, "1", due=20, priority=5, release=True)

            async def planned(**params: Any) -> list[dict[str, Any]]:
                run = (await client.post("/v1/schedule-runs", json={"iterations": 5, **params})).json()
                await farm(world.db).run_once()
                schedule = (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["schedule_id"]
                return list((await client.get(f"/v1/schedules/{schedule}/slots")).json()["data"])

            assert [s["work_order_id"] for s in await planned()] == [real["id"]]
            slots = {s["work_order_id"]: s for s in await planned(include_forecast=True)}
            assert len(slots) == 2
            # The one lot is the real order's, though the virtual one is due before it.
            assert not [r for r in slots[real["id"]]["reasons"] if r.startswith("material_short")]
            await world.settle(factory)
            assert (await client.get("/v1/billing/usage-events")).json()["data"] == []

    async def test_virtual_overflow_does_not_go_to_the_market(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await client.put("/v1/work-centers/m1", json={})
            steps = [{"name": "Turning", "unit_time": "PT1H", "sourcing": "either"}]
            await client.put("/v1/routings/P", json={"operations": steps})
            await foreseen(client, bucket("60", days=(0, 2)))
            await world.settle(factory)
            run = (await client.post("/v1/schedule-runs", json={"iterations": 5, "include_forecast": True})).json()
            await farm(world.db).run_once()
            await world.settle(factory)
            schedule = (await client.get(f"/v1/schedule-runs/{run['id']}")).json()["schedule_id"]
            assert (await client.get(f"/v1/schedules/{schedule}")).json()["overflow"]
            assert (await client.get("/v1/market/requests")).json()["data"] == []


class TestComputing:
    async def test_the_history_becomes_buckets(self, world: World, factory: Tenant) -> None:
        began = TODAY - timedelta(days=70)
        await remember(world.settings.database_url, factory.id, Past(40, "60", began=began))
        async with factory.client() as client:
            async with world.db.unit_of_work() as uow:
                await world.authenticator.as_system(uow, factory.id, "test")
                # 40 orders of 10, four a week, ten weeks long.
                await uow.connection.execute(BY_HAND)
                await uow.connection.execute(
                    "UPDATE work_orders SET due_at = $1::timestamptz + (split_part(number, '-', 4)::int - 1) / 4 * "
                    "interval '7 days' + interval '1 hour'",
                    began,
                )
            body = {"bucket": "P7D", "periods": 2, "season": 4, "start_at": TODAY.isoformat()}
            answer = await client.post("/v1/forecasts", json=body)
            assert (answer.status_code, answer.json()["status"]) == (202, "queued")
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, factory.id, "test")
                assert await computing.compute_queued(uow, principal) == 1
                assert await computing.compute_queued(uow, principal) == 0
            forecast = (await client.get(answer.headers["location"])).json()
        assert (forecast["status"], forecast["fits"]["P"]["method"]) == ("finished", "tsb")
        assert [(b["product"], Decimal(b["quantity"])) for b in forecast["buckets"]] == [("P", 40), ("P", 40)]

    async def test_without_history_it_says_so(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            answer = await client.post("/v1/forecasts", json={"products": ["P"]})
            async with world.db.unit_of_work() as uow:
                principal = await world.authenticator.as_system(uow, factory.id, "test")
                assert await computing.compute_queued(uow, principal) == 1
            forecast = (await client.get(answer.headers["location"])).json()
        assert (forecast["status"], forecast["buckets"]) == ("failed", [])
        assert "0 buckets" in forecast["error"]
