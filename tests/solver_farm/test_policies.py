"""Policies: presets and a tenant's own, and which one a plan was made by."""

from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.planning import FAST, new_order, planned, plant, put

pytestmark = pytest.mark.anyio

GOALS = {"mode": "weighted", "terms": [{"metric": "makespan", "weight": 7.5}]}


class TestTheDoor:
    async def test_who_may_see_and_change_them(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with factory.client(key="woaas_live_x") as client:
            assert (await client.get("/v1/policies")).status_code == 401
            assert (await client.put("/v1/policies/own", json={"objective": GOALS})).status_code == 401
        async with factory.client() as client:
            await put(client, "policies/own", objective=GOALS)
        async with other.client() as stranger:
            assert (await stranger.get("/v1/policies/own")).status_code == 404
            assert [p["code"] for p in (await stranger.get("/v1/policies")).json()["data"] if p["id"]] == []
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.get("/v1/policies")).status_code == 403
        async with factory.client(await factory.key("supervisor")) as supervisor:
            assert (await supervisor.get("/v1/policies/own")).status_code == 200
            assert (await supervisor.put("/v1/policies/own", json={"objective": GOALS})).status_code == 403

    async def test_the_list_has_presets_and_those_in_use(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "policies/own", objective=GOALS, frozen="PT90M", name="Ours")
            await put(client, "policies/old", objective=GOALS)
            assert (await client.post("/v1/policies/old/archive")).status_code == 200
            listed = (await client.get("/v1/policies")).json()["data"]
            assert [(p["code"], p["id"] is None) for p in listed] == [
                ("on_time", True),
                ("throughput", True),
                ("min_changeover", True),
                ("balanced", True),
                ("own", False),
            ]
            assert (listed[-1]["objective"], listed[-1]["frozen"], listed[-1]["version"]) == (GOALS, "PT1H30M", 1)
            assert (await client.get("/v1/policies/balanced")).json()["objective"]["mode"] == "weighted"
            assert (await client.get("/v1/policies/old")).json()["archived_at"]

    @pytest.mark.parametrize(
        ("code", "body"),
        [
            ("on_time", {"objective": GOALS}),
            ("own", {}),
            ("own", {"objective": {"terms": []}}),
            ("own", {"objective": {"terms": [{"metric": "joy"}]}}),
            ("own", {"objective": {"terms": [{"metric": "makespan", "weight": 0}]}}),
            ("own", {"objective": {"terms": [{"metric": "makespan"}, {"metric": "makespan"}]}}),
            ("own", {"objective": GOALS, "time_limit": "P1D"}),
            ("own", {"objective": GOALS, "horizon": "PT0S"}),
        ],
    )
    async def test_what_makes_no_sense_is_refused(self, factory: Tenant, code: str, body: dict[str, Any]) -> None:
        async with factory.client() as client:
            assert (await client.put(f"/v1/policies/{code}", json=body)).status_code == 422


class TestPlanning:
    async def test_a_plan_names_the_policy_and_its_version(self, world: World, factory: Tenant) -> None:
        async with factory.client() as client:
            await plant(client)
            await new_order(client)
            await put(client, "policies/own", objective=GOALS, frozen="PT1H", horizon="P3D", time_limit="PT9S")
            run = await planned(world, client, policy="own", horizon="P2D", time_limit="PT8S")
            assert (run["policy"], run["policy_version"]) == ("own", 1)
            assert (run["horizon"], run["frozen"], run["time_limit"]) == ("P2D", "PT1H", "PT8S")
            assert run["objective"] == 7.5 * run["metrics"]["makespan"]
            schedule = (await client.get(f"/v1/schedules/{run['schedule_id']}")).json()
            assert (schedule["policy"], schedule["policy_version"], schedule["frozen"]) == ("own", 1, "PT1H")

    async def test_a_new_version_is_another_run_and_the_old_stays_readable(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "policies/own", objective=GOALS)
            first = (await client.post("/v1/schedule-runs", json={**FAST, "policy": "own"})).json()
            again = (await client.post("/v1/schedule-runs", json={**FAST, "policy": "own"})).json()
            await put(client, "policies/own", objective={"terms": [{"metric": "flow_time"}]})
            later = (await client.post("/v1/schedule-runs", json={**FAST, "policy": "own"})).json()
            assert first["id"] == again["id"] != later["id"]
            assert (first["policy_version"], later["policy_version"]) == (1, 2)
            versions = (await client.get("/v1/policies/own/versions")).json()["data"]
        assert [(v["version"], v["body"]["objective"]["terms"][0]["metric"]) for v in versions] == [
            (2, "flow_time"),
            (1, "makespan"),
        ]
        assert versions[0]["created_at"] > versions[1]["created_at"]

    async def test_an_archived_or_unknown_policy_is_refused(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await put(client, "policies/own", objective=GOALS)
            await client.post("/v1/policies/own/archive")
            for code in ("own", "none"):
                answer = await client.post("/v1/schedule-runs", json={"policy": code})
                assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/policy")

    @pytest.mark.parametrize(("terms", "wins"), [(("setup_time", "makespan"), 1), (("makespan", "setup_time"), 2)])
    async def test_goals_one_after_another_decide_in_that_order(
        self, world: World, factory: Tenant, terms: tuple[str, ...], wins: int
    ) -> None:
        """Two orders of unlike groups: one machine saves the change-over, two machines save time."""
        async with factory.client() as client:
            for code in ("m1", "m2"):
                await put(client, f"work-centers/{code}", initial_setup_group="red")
            entries = [{"from_group": "red", "to_group": "blue", "duration": "PT10M"}]
            await put(client, "setup-matrices/colours", work_centers=["m1", "m2"], entries=entries)
            for _ in range(2):
                paint = {"name": "Paint", "work_centers": ["m1", "m2"], "unit_time": "PT6M", "setup_group": "blue"}
                await new_order(client, operations=[paint])
            goals = {"mode": "lexicographic", "terms": [{"metric": m} for m in terms]}
            await put(client, "policies/strict", objective=goals)
            run = await planned(world, client, policy="strict", iterations=200)
            slots = (await client.get(f"/v1/schedules/{run['schedule_id']}/slots")).json()["data"]
        assert len({s["work_center"] for s in slots}) == wins
        assert run["objective"] == run["metrics"][terms[0]]

    async def test_weights_do_not_go_with_an_order_of_goals(self, factory: Tenant) -> None:
        async with factory.client() as client:
            goals = {"mode": "lexicographic", "terms": [{"metric": "makespan"}]}
            await put(client, "policies/strict", objective=goals)
            answer = await client.post("/v1/schedule-runs", json={"policy": "strict", "weights": {"flow_time": 1}})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/weights")
