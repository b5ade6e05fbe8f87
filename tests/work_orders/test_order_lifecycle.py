"""One work order from intake to done, through the REST door, on real Postgres."""

import pytest
from fixtures.app import Tenant

pytestmark = pytest.mark.anyio
ORDER = {"product": "CABLE-HEAD", "quantity": "10", "operations": [{"name": "Turn"}, {"name": "Grind"}]}


class TestLifecycle:
    async def test_an_order_runs_from_draft_to_closed(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            assert order["state"] == "draft"
            assert [o["predecessors"] for o in order["operations"]] == [[], [10]]
            path = f"/v1/work-orders/{order['id']}"
            order = (await client.post(f"{path}/release")).json()
            assert [o["state"] for o in order["operations"]] == ["ready", "pending"]
            assert order["stage"] == "dispatch"
            for operation in order["operations"]:
                at = f"/v1/operations/{operation['id']}"
                assert (await client.post(f"{at}/start")).json()["state"] == "running"
                report = await client.post(f"{at}/reports", json={"kind": "run", "good": "9", "scrap": "1"})
                assert report.status_code == 201
                assert (await client.post(f"{at}/complete")).json()["good"] == "9"
            done = (await client.post(f"{path}/complete")).json()
            assert (done["state"], done["stage"]) == ("completed", "done")
            entered = [s["stage"] for s in done["stages"]]
            assert entered == ["intake", "dispatch", "picking", "processing", "inspection", "receipt", "done"]
            assert (await client.post(f"{path}/close")).json()["state"] == "closed"

    async def test_an_unfinished_order_does_not_complete_and_says_what_is_missing(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json={**ORDER, "release": True})).json()
            await client.post(f"/v1/operations/{order['operations'][0]['id']}/start")
            refused = await client.post(f"/v1/work-orders/{order['id']}/complete")
            assert refused.status_code == 409
            assert refused.json()["code"] == "guard_failed"
            assert "operation 20 'Grind' is pending" in refused.json()["detail"]

    async def test_a_command_the_state_forbids_names_the_allowed_ones(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            refused = await client.post(f"/v1/work-orders/{order['id']}/complete")
            assert refused.status_code == 409
            assert refused.json()["allowed_commands"] == ["cancel", "release"]
