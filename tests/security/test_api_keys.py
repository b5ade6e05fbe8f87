"""API keys: form, checksum, mode, expiry, revocation."""

import re
from string import ascii_letters, digits

import pytest
from fixtures.app import Tenant, World
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.db.statements import Statement
from woaas_core.errors import Invalid
from woaas_security.identity import api_keys

BASE62 = digits + ascii_letters
PEPPER = b"pepper"


class TestForm:
    def test_a_key_has_the_published_form(self) -> None:
        published = re.compile(r"woaas_(live|test)_[0-9A-Za-z]{38}")
        made = {api_keys.mint(livemode=bool(i % 2)) for i in range(500)}
        assert len(made) == 500
        assert all(published.fullmatch(text) for text in made)

    @pytest.mark.parametrize("livemode", [True, False])
    def test_its_mode_is_read_from_it(self, livemode: bool) -> None:
        parsed = api_keys.parse(api_keys.mint(livemode=livemode), pepper=PEPPER)
        assert parsed is not None
        assert parsed.livemode is livemode

    @given(st.integers(11, 48), st.sampled_from(BASE62))
    def test_one_wrong_character_is_told_without_a_look_up(self, place: int, character: str) -> None:
        text = api_keys.mint(livemode=True)
        altered = text[:place] + character + text[place + 1 :]
        assert (api_keys.parse(altered, pepper=PEPPER) is None) == (altered != text)

    @given(st.text(max_size=60))
    def test_other_text_is_no_key(self, text: str) -> None:
        assert api_keys.parse(text, pepper=PEPPER) is None

    def test_the_stored_hash_depends_on_the_whole_key_and_the_pepper(self) -> None:
        text = api_keys.mint(livemode=True)
        other_mode = text.replace("_live_", "_test_")
        hashes = {
            api_keys.parse(t, pepper=p).secret_hash  # type: ignore[union-attr]
            for t in (text, other_mode)
            for p in (PEPPER, b"other")
        }
        assert len(hashes) == 4

    def test_space_around_it_is_not_part_of_it(self) -> None:
        assert api_keys.parse(api_keys.mint(livemode=True) + "\n", pepper=PEPPER) is None


@pytest.mark.anyio
class TestAuthentication:
    async def refused(self, tenant: Tenant, key: str) -> bool:
        async with tenant.client(key) as client:
            answer = await client.get("/v1/me")
        if answer.status_code == 401:
            assert answer.json()["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")
        return answer.status_code == 401

    async def test_who_has_no_key_is_refused(self, factory: Tenant) -> None:
        async with factory.client() as client:
            for header in ("", "Bearer", "Bearer ", "Basic dTpw", factory.owner_key, f"Token {factory.owner_key}"):
                answer = await client.get("/v1/me", headers={"Authorization": header})
                assert answer.status_code == 401, header

    async def test_an_unknown_key_and_an_altered_one_look_alike(self, factory: Tenant) -> None:
        unknown = api_keys.mint(livemode=True)
        altered = factory.owner_key[:-1] + ("a" if factory.owner_key[-1] != "a" else "b")
        bodies = []
        for key in (unknown, altered, "nonsense", "woaas_live_" + "0" * 38):
            async with factory.client(key) as client:
                body = (await client.get("/v1/me")).json()
                bodies.append({**body, "request_id": ""})
        assert all(body == bodies[0] for body in bodies)

    async def test_a_key_of_the_other_mode_is_refused_even_with_the_right_secret(self, factory: Tenant) -> None:
        other = factory.owner_key.replace("_live_", "_test_")
        assert await self.refused(factory, other)

    async def test_a_test_key_sees_only_the_sandbox(self, world: World) -> None:
        live = await world.tenant()
        sandbox = await world.tenant(livemode=False)
        assert sandbox.owner_key.startswith("woaas_test_")
        async with live.client() as client:
            order = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
        assert order["livemode"] is True
        async with sandbox.client() as client:
            assert (await client.get(f"/v1/work-orders/{order['id']}")).status_code == 404
            assert (await client.get("/v1/work-orders")).json()["data"] == []
            assert (await client.get("/v1/me")).json()["livemode"] is False

    async def test_a_revoked_key_is_refused_from_the_next_request_on(self, factory: Tenant) -> None:
        async with factory.client() as client:
            made = (await client.post("/v1/api-keys", json={"name": "n", "roles": ["planner"]})).json()
            assert not await self.refused(factory, made["secret"])
            revoked = await client.post(f"/v1/api-keys/{made['id']}/revoke")
            assert revoked.json()["revoked_at"] is not None
            assert await self.refused(factory, made["secret"])
            listed = (await client.get("/v1/api-keys")).json()["data"]
        assert all("secret" not in row and "secret_hash" not in row for row in listed)

    async def test_an_expired_key_is_refused(self, factory: Tenant) -> None:
        body = {"name": "n", "roles": ["planner"], "expires_at": "2090-01-01T00:00:00Z"}
        async with factory.client() as client:
            made = (await client.post("/v1/api-keys", json=body)).json()
        assert not await self.refused(factory, made["secret"])
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            await uow.execute(Statement.text("UPDATE api_keys SET expires_at = now() WHERE name = 'n'"))
        assert await self.refused(factory, made["secret"])

    async def test_only_known_roles_are_given(self, factory: Tenant) -> None:
        async with factory.client() as client:
            for roles in (["system"], ["root"], [], ["owner", "nobody"]):
                answer = await client.post("/v1/api-keys", json={"name": "n", "roles": roles})
                assert answer.status_code == 422, roles
                assert answer.json()["errors"][0]["pointer"] == "/roles"

    async def test_a_customer_s_key_names_the_customer(self, factory: Tenant) -> None:
        """Without one its rows would be those that belong to no customer."""
        async with factory.client() as client:
            answer = await client.post("/v1/api-keys", json={"name": "n", "roles": ["customer"]})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/customer"

    async def test_who_may_not_make_keys_cannot(self, factory: Tenant) -> None:
        for role in ("planner", "supervisor", "operator", "quality", "partner", "auditor", "developer"):
            async with factory.client(await factory.key(role)) as client:
                answer = await client.post("/v1/api-keys", json={"name": "n", "roles": ["owner"]})
                assert answer.status_code == 403, role

    async def test_another_tenant_s_key_cannot_be_revoked(self, world: World) -> None:
        mine, other = await world.tenant(), await world.tenant()
        async with other.client() as client:
            theirs = (await client.get("/v1/api-keys")).json()["data"][0]["id"]
        async with mine.client() as client:
            assert (await client.post(f"/v1/api-keys/{theirs}/revoke")).status_code == 404
        assert not await self.refused(other, other.owner_key)


@pytest.mark.anyio
async def test_roles_are_checked_wherever_keys_are_made(world: World, factory: Tenant) -> None:
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, factory.id, "test")
        with pytest.raises(Invalid):
            await world.authenticator.create_key(uow, name="n", roles=["system"])


@pytest.mark.anyio
async def test_the_location_of_a_new_key_shows_it_without_its_secret(factory: Tenant, world: World) -> None:
    async with factory.client() as client:
        made = await client.post("/v1/api-keys", json={"name": "k", "roles": ["operator"]})
        shown = await client.get(made.headers["location"])
        assert shown.json() == {n: v for n, v in made.json().items() if n != "secret"}
    other = (await world.tenant("Other")).client()
    assert (await other.get(made.headers["location"])).status_code == 404
