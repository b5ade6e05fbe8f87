"""Idempotency-Key: the effect happens once and its answer is repeated, byte for byte."""

import asyncio
import json
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.console import signed_in
from httpx import AsyncClient, Response

from woaas_api.app import create_app
from woaas_core.db.statements import Statement

pytestmark = pytest.mark.anyio
ORDER = {"product": "P", "quantity": "1"}
KEY = {"Idempotency-Key": "k-1"}


async def numbers(tenant: Tenant) -> list[str]:
    """The numbers of all orders there are."""
    async with tenant.client() as client:
        return sorted(o["number"] for o in (await client.get("/v1/work-orders?limit=200")).json()["data"])


def replayed(answer: Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


class TestReplay:
    async def test_the_same_request_again_gives_the_first_answer_and_no_second_effect(self, factory: Tenant) -> None:
        async with factory.client() as client:
            first = await client.post("/v1/work-orders", json=ORDER, headers=KEY)
            again = await client.post("/v1/work-orders", json=ORDER, headers=KEY)
        assert (first.status_code, again.status_code) == (201, 201)
        assert not replayed(first)
        assert replayed(again)
        assert again.content == first.content
        for name in ("location", "etag", "woaas-event-id", "content-type", "cache-control"):
            assert again.headers[name] == first.headers[name], name
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert await numbers(factory) == ["WO-000001"]

    async def test_another_body_is_refused(self, factory: Tenant) -> None:
        async with factory.client() as client:
            await client.post("/v1/work-orders", json=ORDER, headers=KEY)
            other = await client.post("/v1/work-orders", json={**ORDER, "quantity": "2"}, headers=KEY)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
            again = await client.post("/v1/work-orders", json=ORDER, headers=KEY)
            assert replayed(again)
        assert await numbers(factory) == ["WO-000001"]

    async def test_the_scope_is_method_path_and_principal(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        colleague = await factory.key("owner")
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER, headers=KEY)).json()
            held = await client.post(f"/v1/work-orders/{order['id']}/release", json=ORDER and {}, headers=KEY)
            assert held.status_code == 200
        for someone in (factory.client(colleague), other.client()):
            async with someone as client:
                assert not replayed(await client.post("/v1/work-orders", json=ORDER, headers=KEY))
        assert await numbers(factory) == ["WO-000001", "WO-000002"]

    async def test_it_survives_a_restart(self, factory: Tenant) -> None:
        """Stored with the effect, not in the process."""
        async with factory.client() as client:
            first = await client.post("/v1/work-orders", json=ORDER, headers=KEY)
        factory.world.app = await create_app(factory.world.settings, database=factory.world.db)
        async with factory.client() as client:
            again = await client.post("/v1/work-orders", json=ORDER, headers=KEY)
        assert replayed(again)
        assert again.content == first.content

    async def test_a_secret_is_shown_once(self, factory: Tenant) -> None:
        body = {"name": "n", "roles": ["planner"]}
        async with factory.client() as client:
            first = await client.post("/v1/api-keys", json=body, headers=KEY)
            again = await client.post("/v1/api-keys", json=body, headers=KEY)
        assert first.json()["secret"].startswith("woaas_live_")
        assert again.json() == {**first.json(), "secret": None}
        assert replayed(again)
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            rows = await uow.all(Statement.text("SELECT encode(body, 'escape') || headers::text FROM idempotency"))
        assert all(first.json()["secret"] not in row[0] for row in rows)

    async def test_authentication_runs_again(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            made = (await owner.post("/v1/api-keys", json={"name": "n", "roles": ["planner"]})).json()
            async with factory.client(made["secret"]) as client:
                assert (await client.post("/v1/work-orders", json=ORDER, headers=KEY)).status_code == 201
                await owner.post(f"/v1/api-keys/{made['id']}/revoke")
                assert (await client.post("/v1/work-orders", json=ORDER, headers=KEY)).status_code == 401

    async def test_who_has_lost_rights_is_not_shown_the_old_answer(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            made = (await owner.post("/v1/api-keys", json={"name": "n", "roles": ["planner"]})).json()
        async with factory.client(made["secret"]) as client:
            first = (await client.post("/v1/work-orders", json={**ORDER, "customer": "ACME"}, headers=KEY)).json()
            async with factory.world.db.unit_of_work() as uow:
                await factory.world.authenticator.as_system(uow, factory.id, "test")
                demote = "UPDATE api_keys SET roles = '{operator}' WHERE name = 'n'"
                await uow.execute(Statement.text(demote))
            again = await client.post("/v1/work-orders", json={**ORDER, "customer": "ACME"}, headers=KEY)
        assert again.json() == {"id": first["id"]}

    async def test_who_has_lost_rows_is_not_shown_the_old_answer(self, factory: Tenant) -> None:
        async with factory.client() as owner, signed_in(factory, "planner") as client:
            client.headers["Woaas-Console"] = "1"
            inside, outside = [(await owner.post("/v1/work-orders", json=ORDER)).json() for _ in range(2)]
            path = f"/v1/work-orders/{inside['id']}"
            first = await client.patch(path, json={"title": "Hidden"}, headers=KEY)
            assert first.json()["title"] == "Hidden"
            member = (await owner.get("/v1/members")).json()["data"][0]["id"]
            scope = {"scope": {"work_orders": [outside["id"]]}}
            assert (await owner.patch(f"/v1/members/{member}", json=scope)).status_code == 200
            assert (await client.get(path)).status_code == 404
            again = await client.patch(path, json={"title": "Hidden"}, headers=KEY)
        assert again.json() == {"id": inside["id"]}

    @pytest.mark.parametrize("key", ["", "x" * 256])
    async def test_a_key_of_the_wrong_length_is_malformed(self, factory: Tenant, key: str) -> None:
        async with factory.client() as client:
            answer = await client.post("/v1/work-orders", json=ORDER, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    async def test_a_read_takes_no_notice_of_it(self, factory: Tenant) -> None:
        async with factory.client() as client:
            assert not replayed(await client.get("/v1/work-orders", headers=KEY))
            assert not replayed(await client.get("/v1/work-orders", headers=KEY))

    async def test_spacing_of_the_body_counts(self, factory: Tenant) -> None:
        """The same body is the same bytes; nothing is guessed about equality."""
        async with factory.client() as client:
            json_type = {"Content-Type": "application/json"}
            await client.post("/v1/work-orders", content=json.dumps(ORDER), headers=KEY | json_type)
            other = await client.post("/v1/work-orders", content=json.dumps(ORDER, indent=1), headers=KEY | json_type)
        assert other.json()["code"] == "idempotency_key_reused"


class TestRefusals:
    """A refusal is an answer too: only 401, 429 and 5xx leave the key free."""

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/v1/work-orders", {"product": "P"}, 422),
            ("/v1/work-orders", {**ORDER, "quantity": "0"}, 422),
            ("/v1/work-orders/WO-999999/release", {}, 404),
            ("/v1/work-orders/{}/complete", {}, 409),
        ],
    )
    async def test_it_is_repeated(self, factory: Tenant, path: str, body: dict[str, Any], status: int) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            first = await client.post(path.format(order["id"]), json=body, headers=KEY)
            again = await client.post(path.format(order["id"]), json=body, headers=KEY)
            assert (first.status_code, again.status_code) == (status, status)
            assert replayed(again)
            assert not replayed(first)
            assert again.content == first.content
            assert again.headers["content-type"] == "application/problem+json"
            other = await client.post(path.format(order["id"]), json={"reason": "x"}, headers=KEY)
            assert other.json()["code"] == "idempotency_key_reused"

    async def test_it_stays_even_when_the_request_would_now_succeed(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            path = f"/v1/work-orders/{order['id']}"
            assert (await client.post(f"{path}/hold", headers=KEY)).status_code == 409
            await client.post(f"{path}/release")
            assert (await client.post(f"{path}/hold", headers=KEY)).status_code == 409
            assert (await client.post(f"{path}/hold", headers={"Idempotency-Key": "k-2"})).status_code == 200

    async def test_bad_credentials_do_not_use_a_key_up(self, factory: Tenant) -> None:
        async with factory.client("woaas_live_nonsense") as client:
            assert (await client.post("/v1/work-orders", json=ORDER, headers=KEY)).status_code == 401
        async with factory.client() as client:
            assert (await client.post("/v1/work-orders", json=ORDER, headers=KEY)).status_code == 201

    async def test_a_refused_key_leaves_no_effect_and_no_event(self, factory: Tenant) -> None:
        async with factory.client() as client:
            body = {**ORDER, "operations": [{"name": "a", "predecessors": [99]}]}
            assert (await client.post("/v1/work-orders", json=body, headers=KEY)).status_code == 422
        assert await numbers(factory) == []


class TestConcurrency:
    @pytest.mark.parametrize("round_", range(3))
    async def test_twins_have_one_effect(self, factory: Tenant, round_: int) -> None:
        async def send(client: AsyncClient) -> Response:
            return await client.post("/v1/work-orders", json=ORDER, headers={"Idempotency-Key": f"twin-{round_}"})

        async with factory.client() as client:
            answers = await asyncio.gather(*(send(client) for _ in range(12)))
            made = [a for a in answers if a.status_code == 201 and not replayed(a)]
            assert len(made) == 1
            for answer in answers:
                if answer.status_code == 409:
                    assert answer.json()["code"] == "idempotency_in_progress"
                    assert int(answer.headers["retry-after"]) >= 1
                else:
                    assert answer.content == made[0].content
            again = await send(client)
            assert replayed(again)
            assert again.content == made[0].content
        assert await numbers(factory) == ["WO-000001"]

    async def test_a_twin_of_a_running_request_is_told_so(self, factory: Tenant) -> None:
        """The first one is held inside its transaction by a lock on the order it changes."""
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            path = f"/v1/work-orders/{order['id']}/release"
            async with factory.world.db.unit_of_work() as uow:
                await factory.world.authenticator.as_system(uow, factory.id, "test")
                await uow.all(Statement.text("SELECT id FROM work_orders FOR UPDATE"))
                first = asyncio.create_task(client.post(path, headers=KEY))
                waiting = Statement.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                async with factory.world.db.unit_of_work() as other:
                    while not await other.value(waiting):  # noqa: ASYNC110 - the other side is a lock in the database
                        await asyncio.sleep(0)
                twin = await client.post(path, headers=KEY)
                assert (twin.status_code, twin.json()["code"]) == (409, "idempotency_in_progress")
                assert twin.headers["retry-after"] == "1"
            assert (await first).status_code == 200
            assert replayed(await client.post(path, headers=KEY))
