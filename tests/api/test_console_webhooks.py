"""The page *Webhooks*: made, seen, paused, replayed; the secret shown once."""

import re

import pytest
from fixtures.app import Tenant, World
from fixtures.console import signed_in, submit, token
from fixtures.receivers import post_office

pytestmark = pytest.mark.anyio
LIST = "/console/webhooks"


async def test_an_endpoint_is_made_followed_paused_and_its_secret_replaced(world: World, factory: Tenant) -> None:
    post = await post_office(world)
    async with signed_in(factory, "owner") as client:
        made = await submit(client, LIST, name="ERP", url="https://example.com/hook", events="work_order.*, alert.*")
        secret = re.search(r"whsec_[\w+/=]+", made.text)
        here = re.search(r"/console/webhook-endpoints/(whk_\w+)", made.text)
        assert secret, made.text
        assert here
        async with factory.client() as api:
            await api.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
            post.answer(500)
            await post.deliver(factory)
            (delivery,) = (await api.get(f"/v1/webhook-endpoints/{here[1]}/deliveries")).json()["data"]
        page = (await client.get(here[0])).text
        assert "work_order.created" in page
        assert ">500<" in page
        assert secret[0] not in page + (await client.get(LIST)).text
        post.answer(200)
        again = await submit(client, f"{here[0]}/deliveries/{delivery['id']}/replay", here[0])
        assert (again.status_code, len(await post.deliver(factory))) == (303, 1)
        assert ">200<" in (await client.get(here[0])).text
        for command, state in (("pause", "paused"), ("resume", "enabled"), ("archive", "archived")):
            if command == "archive":
                rotated = await submit(client, f"{here[0]}/rotate", here[0])
                assert "whsec_" in rotated.text
                assert secret[0] not in rotated.text
            assert (await submit(client, f"{here[0]}/{command}", here[0])).status_code == 303
            async with factory.client() as api:
                assert (await api.get(f"/v1/webhook-endpoints/{here[1]}")).json()["state"] == state


async def test_who_may_not_see_them_sees_no_place_for_them(factory: Tenant) -> None:
    async with signed_in(factory, "planner") as client:
        assert LIST not in (await client.get("/console/orders")).text
        assert (await client.get(LIST)).status_code == 403
        refused = await client.post(
            LIST,
            data={"form_token": await token(client, "/console/orders"), "url": "https://e.example/", "events": "*"},
        )
        assert refused.status_code in (303, 403)
