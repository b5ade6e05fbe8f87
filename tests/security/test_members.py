"""Members: how they come, what they may be given, and that they are out at once."""

import re
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, signed_in, submit
from fixtures.postman import Postman
from httpx import ASGITransport, AsyncClient, Response

from woaas_api.app import create_app

pytestmark = pytest.mark.anyio
ANN = {"email": "Ann@Factory.example", "name": "Ann", "roles": ["planner"]}
CONSOLE = {"Woaas-Console": "1"}


@pytest.fixture
def postman(world: World) -> Postman:
    return Postman(world)


async def joined(tenant: Tenant, postman: Postman, **fields: Any) -> dict[str, Any]:
    """A member who was invited and has joined."""
    async with tenant.client() as owner, browser(tenant) as client:
        made = await owner.post("/v1/members", json={**ANN, **fields})
        assert made.status_code == 201, made.text
        await postman.round()
        link = postman.link()
        data = {"token": link.partition("token=")[2], "password": PASSWORD}
        assert (await submit(client, "/console/join", link, **data)).status_code == 303
    return dict(made.json())


async def session(client: AsyncClient, email: str = "ann@factory.example") -> int:
    return (await submit(client, "/console/sign-in", email=email, password=PASSWORD)).status_code


async def me(client: AsyncClient) -> Response:
    return await client.get("/v1/me", headers=CONSOLE)


class TestDoors:
    async def test_anonymous_foreign_and_without_the_right(self, world: World, factory: Tenant) -> None:
        async with factory.client() as owner:
            member = (await owner.post("/v1/members", json=ANN)).json()["id"]
        other = await world.tenant("Other")
        calls = [
            ("GET", f"/v1/members/{member}", None),
            ("PATCH", f"/v1/members/{member}", {"roles": ["owner"]}),
            ("POST", f"/v1/members/{member}/invite", {}),
            ("POST", f"/v1/members/{member}/suspend", {}),
            ("POST", f"/v1/members/{member}/reinstate", {}),
            ("DELETE", f"/v1/members/{member}", None),
        ]
        async with browser(factory) as nobody, other.client() as theirs:
            for method, path, body in calls:
                assert (await nobody.request(method, path, json=body)).status_code == 401, path
                assert (await theirs.request(method, path, json=body)).status_code == 404, path
        for role in ("planner", "auditor", "developer"):
            async with factory.client(await factory.key(role)) as client:
                for method, path, body in calls[1:]:
                    assert (await client.request(method, path, json=body)).status_code == 403, (role, path)
                assert (await client.post("/v1/members", json=ANN)).status_code == 403

    async def test_a_field_that_is_not_granted_is_absent(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            member = (await owner.post("/v1/members", json=ANN)).json()
            role = {"name": "Clerk", "permissions": [{"resource": "member", "field": "name", "access": "read"}]}
            assert (await owner.put("/v1/roles/clerk", json=role)).status_code == 201
        async with factory.client(await factory.key("clerk")) as clerk:
            shown = (await clerk.get(f"/v1/members/{member['id']}")).json()
        assert "email" not in shown
        assert shown["name"] == "Ann"


class TestInvitation:
    async def test_who_is_invited_joins_with_a_password_of_his_own(self, factory: Tenant, postman: Postman) -> None:
        member = await joined(factory, postman, scope={"sites": ["S1"]})
        assert (member["state"], member["email"]) == ("invited", "ann@factory.example")
        async with browser(factory) as client:
            assert await session(client) == 303
            assert (await me(client)).json()["roles"] == ["planner"]
        async with factory.client() as owner:
            shown = (await owner.get(f"/v1/members/{member['id']}")).json()
        assert (shown["state"], shown["scope"]) == ("active", {"sites": ["S1"]})
        assert shown["email_verified_at"]

    async def test_before_he_has_joined_he_does_not_get_in(self, factory: Tenant) -> None:
        async with factory.client() as owner, browser(factory) as client:
            await owner.post("/v1/members", json=ANN)
            assert await session(client) == 401

    async def test_a_newer_link_ends_the_older_and_each_works_once(self, factory: Tenant, postman: Postman) -> None:
        async with factory.client() as owner, browser(factory) as client:
            member = (await owner.post("/v1/members", json=ANN)).json()["id"]
            await postman.round()
            old = postman.link()
            assert (await owner.post(f"/v1/members/{member}/invite")).status_code == 200
            await postman.round()
            new = postman.link()
            for link, expected in ((old, 410), (new, 303), (new, 410)):
                data = {"token": link.partition("token=")[2], "password": PASSWORD}
                assert (await submit(client, "/console/join", link, **data)).status_code == expected
            assert (await owner.post(f"/v1/members/{member}/invite")).status_code == 409

    async def test_an_address_is_a_member_once(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            assert (await owner.post("/v1/members", json=ANN)).status_code == 201
            assert (await owner.post("/v1/members", json={**ANN, "email": "ann@factory.EXAMPLE"})).status_code == 409

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({**ANN, "email": "ann"}, "/email"),
            ({**ANN, "roles": ["system"]}, "/roles"),
            ({**ANN, "roles": ["customer"]}, "/customer"),
            ({**ANN, "state": "active"}, "/state"),
            ({**ANN, "password_hash": "x"}, "/password_hash"),
        ],
    )
    async def test_what_does_not_fit_is_said(self, factory: Tenant, body: dict[str, Any], pointer: str) -> None:
        async with factory.client() as owner:
            answer = await owner.post("/v1/members", json=body)
        assert answer.status_code in (403, 422), answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer


class TestNobodyGivesMoreThanHeHas:
    @pytest.fixture
    async def clerk(self, factory: Tenant) -> AsyncClient:
        """One who may manage members, and is a planner beside that."""
        actions = ["create", "suspend", "remove"]
        role = {
            "name": "Clerk",
            "inherits": ["planner"],
            "permissions": [{"resource": "member", "field": "*", "access": "write", "actions": actions}],
        }
        async with factory.client() as owner:
            assert (await owner.put("/v1/roles/clerk", json=role)).status_code == 201
        return factory.client(await factory.key("clerk"))

    async def test_not_by_inviting_nor_by_changing(self, factory: Tenant, clerk: AsyncClient) -> None:
        async with clerk:
            assert (await clerk.post("/v1/members", json={**ANN, "roles": ["owner"]})).status_code == 403
            made = await clerk.post("/v1/members", json=ANN)
            assert made.status_code == 201, made.text
            path = f"/v1/members/{made.json()['id']}"
            assert (await clerk.patch(path, json={"roles": ["owner"]})).status_code == 403
            assert (await clerk.patch(path, json={"roles": ["planner", "quality"]})).status_code == 403
            assert (await clerk.patch(path, json={"roles": ["clerk"]})).status_code == 200

    async def test_nor_takes_from_who_has_more(self, factory: Tenant, clerk: AsyncClient, postman: Postman) -> None:
        owner = await joined(factory, postman, roles=["owner"])
        await joined(factory, postman, email="bob@factory.example", roles=["owner"])
        async with clerk:
            path = f"/v1/members/{owner['id']}"
            for answer in (
                await clerk.patch(path, json={"roles": ["planner"]}),
                await clerk.post(f"{path}/suspend"),
                await clerk.delete(path),
            ):
                assert answer.status_code == 403, answer.text


class TestTheLastOwner:
    async def test_he_stays(self, factory: Tenant, postman: Postman) -> None:
        ann = await joined(factory, postman, roles=["owner"])
        path = f"/v1/members/{ann['id']}"
        async with factory.client() as owner:
            for answer in (
                await owner.patch(path, json={"roles": ["planner"]}),
                await owner.post(f"{path}/suspend"),
                await owner.delete(path),
            ):
                assert answer.status_code == 409, answer.text
            await joined(factory, postman, email="bob@factory.example", roles=["owner"])
            assert (await owner.delete(path)).status_code == 204


class TestBeingShutOut:
    async def test_a_removed_member_s_sessions_and_keys_end_at_once_in_every_process(
        self, world: World, factory: Tenant, postman: Postman
    ) -> None:
        ann = await joined(factory, postman, roles=["owner"])
        await joined(factory, postman, email="bob@factory.example", roles=["owner"])
        second = await create_app(world.settings, database=world.db)
        async with browser(factory) as hers, factory.client() as owner:
            await session(hers)
            made = (await hers.post("/v1/api-keys", json={"name": "k", "roles": ["owner"]}, headers=CONSOLE)).json()
            async with factory.client(made["secret"]) as program:
                made_by_key = (await program.post("/v1/api-keys", json={"name": "l", "roles": ["owner"]})).json()
            assert made_by_key["created_by"] == ann["id"]
            await submit(hers, "/console/forgot", email=ann["email"])
            assert (await owner.delete(f"/v1/members/{ann['id']}")).status_code == 204
            for app in (world.app, second):
                assert await refused(app, made["secret"])
                assert await refused(app, made_by_key["secret"])
                assert await refused(app, cookie=hers.cookies["woaas_session"])
            assert await session(hers) == 401
            await postman.round()
            assert "new password" not in postman.mails[-1].subject
            again = await owner.post("/v1/members", json={**ANN, "roles": ["operator"]})
            assert again.json()["id"] == ann["id"]
            assert await refused(world.app, made["secret"])

    async def test_a_suspended_one_s_keys_work_again_with_him(self, factory: Tenant, postman: Postman) -> None:
        ann = await joined(factory, postman, roles=["owner"])
        await joined(factory, postman, email="bob@factory.example", roles=["owner"])
        async with browser(factory) as hers, factory.client() as owner:
            await session(hers)
            key = (await hers.post("/v1/api-keys", json={"name": "k", "roles": ["owner"]}, headers=CONSOLE)).json()
            await owner.post(f"/v1/members/{ann['id']}/suspend")
            assert (await me(hers)).status_code == 401
            assert await refused(factory.world.app, key["secret"])
            assert await session(hers) == 401
            await owner.post(f"/v1/members/{ann['id']}/reinstate")
            assert not await refused(factory.world.app, key["secret"])
            assert (await me(hers)).status_code == 401
            assert await session(hers) == 303

    async def test_new_roles_hold_from_the_next_request_on(self, factory: Tenant, postman: Postman) -> None:
        ann = await joined(factory, postman)
        async with browser(factory) as hers, factory.client() as owner:
            await session(hers)
            await owner.patch(f"/v1/members/{ann['id']}", json={"roles": ["operator"]})
            assert (await me(hers)).json()["roles"] == ["operator"]


class TestAPartOfThePlant:
    async def test_plans_promises_and_moves_are_closed_to_it(self, factory: Tenant, postman: Postman) -> None:
        await joined(factory, postman, scope={"sites": ["S1"]})
        async with factory.client() as owner:
            for site in ("S1", "S2"):
                await owner.post("/v1/work-orders", json={"product": f"of-{site}", "quantity": "1", "site": site})
        plan = "sch_01kapxk0000000000000000000"
        promise = {"work_order": {"product": "P", "quantity": "1"}}
        async with browser(factory) as hers:
            await session(hers)
            orders = (await hers.get("/v1/work-orders", headers=CONSOLE)).json()["data"]
            assert [o["product"] for o in orders] == ["of-S1"]
            for method, path, body in (
                ("GET", "/v1/schedules", None),
                ("GET", f"/v1/schedules/{plan}", None),
                ("GET", f"/v1/schedules/{plan}/gantt", None),
                ("GET", f"/v1/schedules/{plan}/slots", None),
                ("GET", f"/v1/schedules/{plan}/late-orders", None),
                ("GET", f"/v1/schedules/{plan}/compare?with=fifo", None),
                ("GET", f"/v1/schedules/{plan}/moves/run_01kapxk0000000000000000000", None),
                ("POST", f"/v1/schedules/{plan}/moves?dry_run=true", {"operation_id": "op_1", "work_center": "m1"}),
                ("POST", "/v1/schedule-runs", {}),
                ("GET", "/v1/schedule-runs", None),
                ("GET", "/v1/promises", None),
                ("POST", "/v1/promises", promise),
                ("GET", "/v1/proposals", None),
                ("GET", "/v1/events", None),
                ("GET", "/v1/kpis?names=oee", None),
                ("GET", "/v1/members", None),
            ):
                answer = await hers.request(method, path, json=body, headers=CONSOLE)
                assert answer.status_code in (403, 404, 422), (path, answer.status_code, answer.text)
                if answer.status_code != 403:
                    assert "of-S" not in answer.text
                    assert method == "POST" or answer.status_code == 404, (path, answer.text)


class TestKeys:
    async def test_one_that_would_have_expired_is_refused(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            body = {"name": "k", "roles": ["planner"], "expires_at": "2020-01-01T00:00:00Z"}
            answer = await owner.post("/v1/api-keys", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")

    async def test_it_is_for_90_days_unless_said_otherwise(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            made = (await owner.post("/v1/api-keys", json={"name": "k", "roles": ["planner"]})).json()
            forever = {"name": "k", "roles": ["planner"], "expires_at": None}
            assert (await owner.post("/v1/api-keys", json=forever)).json()["expires_at"] is None
        assert made["expires_at"] is not None

    @pytest.mark.parametrize(
        ("networks", "is_let_in"),
        [(["127.0.0.0/8"], True), (["10.0.0.0/8"], False), (["10.0.0.0/8", "127.0.0.1/32"], True), (["::/0"], False)],
    )
    async def test_it_counts_only_from_its_networks(
        self, factory: Tenant, networks: list[str], is_let_in: bool
    ) -> None:
        async with factory.client() as owner:
            body = {"name": "k", "roles": ["planner"], "networks": networks}
            key = (await owner.post("/v1/api-keys", json=body)).json()
        assert key["networks"] == networks
        assert await refused(factory.world.app, key["secret"]) is not is_let_in

    @pytest.mark.parametrize("networks", [["10.0.0.1/8"], ["10.0.0.0/33"], ["everywhere"]])
    async def test_what_is_no_network_is_refused(self, factory: Tenant, networks: list[str]) -> None:
        async with factory.client() as owner:
            body = {"name": "k", "roles": ["planner"], "networks": networks}
            answer = await owner.post("/v1/api-keys", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/networks/0")

    async def test_two_are_live_while_one_takes_the_other_s_place(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            body = {"name": "k", "roles": ["planner"], "networks": ["127.0.0.0/8"]}
            old = (await owner.post("/v1/api-keys", json=body)).json()
            new = (await owner.post(f"/v1/api-keys/{old['id']}/rotate", json={"overlap": "PT1H"})).json()
            assert (new["replaces"], new["roles"], new["networks"]) == (old["id"], ["planner"], ["127.0.0.0/8"])
            for key in (old, new):
                assert not await refused(factory.world.app, key["secret"])
            third = await owner.post(f"/v1/api-keys/{old['id']}/rotate", json={})
            assert third.status_code == 409
            assert (await owner.get(f"/v1/api-keys/{old['id']}")).json()["expires_at"] < old["expires_at"]
            at_once = (await owner.post(f"/v1/api-keys/{new['id']}/rotate", json={"overlap": "PT0S"})).json()
            assert await refused(factory.world.app, new["secret"])
            assert not await refused(factory.world.app, at_once["secret"])

    async def test_a_revoked_one_is_refused_at_once_in_every_process(self, world: World, factory: Tenant) -> None:
        second = await create_app(world.settings, database=world.db)
        async with factory.client() as owner:
            key = (await owner.post("/v1/api-keys", json={"name": "k", "roles": ["planner"]})).json()
            for app in (world.app, second):
                assert not await refused(app, key["secret"])
            await owner.post(f"/v1/api-keys/{key['id']}/revoke")
        for app in (world.app, second):
            assert await refused(app, key["secret"])


class TestPages:
    async def test_an_owner_invites_changes_and_removes(self, factory: Tenant, postman: Postman) -> None:
        async with signed_in(factory) as client:
            typed = {"email": "ann@factory.example", "name": "Ann", "roles": "planner", "sites": "S1, S2"}
            assert (await submit(client, "/console/members", **typed)).status_code == 303
            assert await postman.round() == 1
            page = (await client.get("/console/members")).text
            found = re.search(r'action="(/console/members/usr_\w+)" class="fields"[\s\S]*?ann@', page[::1])
            paths = re.findall(r'action="(/console/members/usr_\w+)"', page)
            assert found is not None or paths
            assert "S1, S2" in page
            for path in paths:
                await submit(client, path, "/console/members", roles="operator", back="/console/members")
            page = (await client.get("/console/members")).text
            assert "last owner" in page
            assert "Operator" in page

    async def test_a_key_s_secret_is_shown_once(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            made = await submit(client, "/console/keys", name="ERP", roles="planner")
            secret = re.search(r"woaas_live_\w{38}", made.text)
            assert secret, made.text
            assert not await refused(factory.world.app, secret[0])
            page = (await client.get("/console/keys")).text
            assert secret[0] not in page
            path = re.findall(r'action="(/console/keys/key_\w+/revoke)"', page)
            for one in path:
                await submit(client, one, "/console/keys")
        assert await refused(factory.world.app, secret[0])

    async def test_the_matrix_shows_what_a_rule_changes(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            rule = {"resource": "work_order", "field": "customer", "role": "planner", "access": "none"}
            assert (await submit(client, "/console/field-policies", "/console/roles", **rule)).status_code == 303
            page = (await client.get("/console/roles?resource=work_order")).text
            assert "planner: work_order.customer" in page
            typed = {"code": "fitter", "name": "Fitter", "inherits": "operator"}
            assert (await submit(client, "/console/roles", **typed)).status_code == 303
            assert "Fitter" in (await client.get("/console/roles")).text

    async def test_who_may_not_does_not_see_them(self, factory: Tenant) -> None:
        async with signed_in(factory, "planner") as client:
            page = (await client.get("/console/orders")).text
            assert "/console/members" not in page
            for path in ("/console/members", "/console/keys", "/console/roles"):
                assert (await client.get(path)).status_code == 403, path
        email = await person(factory, "developer")
        async with browser(factory) as client:
            await submit(client, "/console/sign-in", email=email, password=PASSWORD)
            assert 'action="/console/keys"' not in (await client.get("/console/keys")).text


async def refused(app: Any, key: str = "", *, cookie: str = "") -> bool:
    """Whether an app of ours takes a key or a session for nobody's."""
    headers = {"Authorization": f"Bearer {key}"} if key else CONSOLE
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://woaas.test", headers=headers) as client:
        if cookie:
            client.cookies.set("woaas_session", cookie)
        return (await client.get("/v1/me")).status_code == 401
