"""Applications: who registers them, their secrets, their scopes and their end."""

import re
from collections.abc import AsyncIterator

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser, signed_in, submit
from fixtures.oauth import (
    CALLBACK,
    Application,
    machine,
    machine_token,
    register,
    tokens,
)
from httpx import AsyncClient

pytestmark = pytest.mark.anyio


@pytest.fixture
async def anybody(factory: Tenant) -> AsyncIterator[AsyncClient]:
    async with browser(factory) as client:
        yield client


class TestClients:
    """The door `/v1/oauth-clients`."""

    async def test_nobody_else_gets_at_them(self, world: World, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        path = f"/v1/oauth-clients/{app.id}"
        assert (await anybody.get(path)).status_code == 401
        other = await world.tenant("Other")
        async with other.client() as client:
            for method, where in (("GET", ""), ("PATCH", ""), ("POST", "/archive"), ("POST", "/rotate-secret")):
                answer = await client.request(method, path + where, json={} if method != "GET" else None)
                assert answer.status_code == 404, (method, where)
        body = {"name": "n", "type": "public", "scopes": ["openid"], "redirect_uris": [CALLBACK]}
        for role in ("planner", "operator", "quality", "partner"):
            async with factory.client(await factory.key(role)) as client:
                assert (await client.get(path)).status_code == 403, role
                assert (await client.post("/v1/oauth-clients", json=body)).status_code == 403, role
        async with factory.client(await factory.key("developer")) as client:
            assert (await client.get(path)).status_code == 200
            assert (await client.post(f"{path}/archive")).status_code == 403

    async def test_a_secret_is_shown_once_and_two_are_live_for_a_while(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await machine(factory, "planner")
        async with factory.client() as client:
            shown = (await client.get(f"/v1/oauth-clients/{app.id}")).json()
            assert not [name for name in shown if "secret" in name and shown[name]]
            again = await client.post(f"/v1/oauth-clients/{app.id}/rotate-secret", json={})
            renewed = Application(factory, app.id, again.json()["secret"])
            for one in (app, renewed):
                await machine_token(one)
            at_once = {"keep_previous_for": "PT0S"}
            last = await client.post(f"/v1/oauth-clients/{app.id}/rotate-secret", json=at_once)
        form = {"grant_type": "client_credentials"}
        for one in (app, renewed):
            assert (await one.post(anybody, "/oauth/token", form)).json()["error"] == "invalid_client"
        await machine_token(Application(factory, app.id, last.json()["secret"]))

    async def test_nobody_takes_over_one_that_may_do_more_than_he(self, factory: Tenant) -> None:
        """With its new secret he would be it."""
        app = await machine(factory, "planner")
        keeper = {"resource": "oauth_client", "field": "*", "access": "write", "actions": ["update", "rotate_secret"]}
        async with factory.client() as owner:
            role = {"name": "Keeper", "inherits": ["operator"], "permissions": [keeper]}
            assert (await owner.put("/v1/roles/keeper", json=role)).status_code == 201
        own = await machine(factory, "operator")
        async with factory.client(await factory.key("keeper")) as client:
            path = f"/v1/oauth-clients/{app.id}"
            assert (await client.post(f"{path}/rotate-secret", json={})).status_code == 403
            assert (await client.patch(path, json={"scopes": ["work_orders:write"]})).status_code == 403
            assert (await client.post(f"/v1/oauth-clients/{own.id}/rotate-secret", json={})).status_code == 200

    async def test_what_does_not_fit_together_is_told_where(self, factory: Tenant) -> None:
        sound = {"name": "n", "type": "confidential", "scopes": ["work_orders:read"]}
        signing = {**sound, "redirect_uris": [CALLBACK]}
        async with factory.client() as client:
            for body, pointer in (
                (sound, "/redirect_uris"),
                ({**sound, "scopes": ["admin"], "roles": ["planner"]}, "/scopes/0"),
                ({**sound, "scopes": [], "roles": ["planner"]}, "/scopes/0"),
                ({**sound, "scopes": ["openid"], "roles": ["planner"]}, "/scopes"),
                ({**sound, "type": "public", "roles": ["planner"]}, "/type"),
                ({**sound, "roles": ["system"]}, "/roles"),
                ({**sound, "roles": ["customer"]}, "/customer"),
                ({**signing, "roles": ["planner"], "grant_types": ["authorization_code"]}, "/roles"),
                ({**signing, "grant_types": ["refresh_token"]}, "/grant_types"),
                ({**sound, "grant_types": ["client_credentials"]}, "/roles"),
                ({**sound, "grant_types": ["authorization_code"]}, "/redirect_uris"),
            ):  # fmt: skip
                answer = await client.post("/v1/oauth-clients", json=body)
                assert answer.status_code == 422, body
                assert answer.json()["errors"][0]["pointer"] == pointer, body

    async def test_scopes_taken_from_an_application_are_gone_with_its_next_token(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await register(factory)
        got = await tokens(app)
        async with factory.client() as client:
            changed = await client.patch(f"/v1/oauth-clients/{app.id}", json={"scopes": ["openid", "profile"]})
            assert changed.json()["scopes"] == ["openid", "profile"]
        form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
        assert (await app.post(anybody, "/oauth/token", form)).json()["scope"] == "openid profile"

    async def test_one_that_was_retired_takes_no_changes(self, factory: Tenant) -> None:
        app = await register(factory)
        async with factory.client() as client:
            path = f"/v1/oauth-clients/{app.id}"
            assert (await client.post(f"{path}/archive")).json()["archived_at"]
            again = await client.post(f"{path}/archive")
            assert (again.status_code, again.json()["code"]) == (409, "oauth_client_archived")


class TestConsole:
    """The page `/console/applications`."""

    async def test_an_owner_registers_one_and_its_secrets_are_shown_once(self, factory: Tenant) -> None:
        here = "/console/applications"
        async with signed_in(factory, "owner") as client:
            typed = {"name": "Dashboard", "redirect_uris": f"{CALLBACK}\nhttps://app.example/cb", "scopes": "openid"}
            made = await submit(client, here, back=here, **typed)
            shown = re.findall(r"woaas_secret_[\w-]+", made.text)
            page = (await client.get(here)).text
            assert len(shown) == 1
            assert shown[0] not in page
            assert f"{CALLBACK}<br>https://app.example/cb" in page
            key = re.search(rf'action="({here}/oac_\w+)/rotate"', page)
            assert key, page
            renewed = await submit(client, f"{key[1]}/rotate", here, back=here, overlap="none")
            assert set(re.findall(r"woaas_secret_[\w-]+", renewed.text)) not in (set(), set(shown))
            assert "Old secret until" not in (await client.get(here)).text
            await submit(client, key[1], here, back=here, **{**typed, "name": "Board", "scopes": "profile"})
            await submit(client, f"{key[1]}/archive", here, back=here)
            page = (await client.get(here)).text
            assert f'action="{key[1]}' not in page
            for part in ("No applications yet", "Retired applications", "<h2>Board</h2>", ">profile</dd>"):
                assert part in page, part

    async def test_what_is_refused_is_told_on_the_page(self, factory: Tenant) -> None:
        here = "/console/applications"
        async with signed_in(factory, "owner") as client:
            typed = {"name": "x", "redirect_uris": "http://app.example/cb", "scopes": "openid"}
            assert (await submit(client, here, back=here, **typed)).status_code == 303
            assert "Plain http is only for the loopback address." in (await client.get(here)).text
        async with signed_in(factory, "planner") as client:
            assert (await client.get(here)).status_code == 403
