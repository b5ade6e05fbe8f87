"""Console sessions: signing in, the cookie with the console's header, the end."""

import pytest
from fixtures.app import Tenant, World
from fixtures.entries import BY_HAND
from httpx import AsyncClient

from woaas_core.db.statements import Statement
from woaas_core.errors import Unauthenticated
from woaas_security.identity.service import Origin, SignedIn, add_user, sign_out
from woaas_security.identity.sign_in import sign_in

pytestmark = pytest.mark.anyio
EMAIL, PASSWORD = "ann@factory.test", "correct horse battery"


@pytest.fixture
async def ann(factory: Tenant) -> Tenant:
    async with factory.world.db.unit_of_work() as uow:
        await factory.world.authenticator.as_system(uow, factory.id, "test")
        await add_user(uow, email=EMAIL, name="Ann", password=PASSWORD, roles=["planner"])
    return factory


async def token_of(world: World, email: str = EMAIL, password: str = PASSWORD) -> str:
    return (await signed_in(world, email, password)).token


async def signed_in(world: World, email: str = EMAIL, password: str = PASSWORD) -> SignedIn:
    async with world.db.unit_of_work() as uow:
        found = await sign_in(uow, world.authenticator, email, password, Origin())
    assert isinstance(found, SignedIn)
    return found


async def me(tenant: Tenant, token: str | None, **headers: str) -> int:
    async with tenant.client() as client:
        client.headers.pop("authorization")
        if token:
            client.cookies.set("woaas_session", token)
        return (await client.get("/v1/me", headers=headers)).status_code


class TestSession:
    async def test_it_counts_only_with_the_console_s_header(self, ann: Tenant) -> None:
        token = await token_of(ann.world)
        assert await me(ann, token, **{"Woaas-Console": "1"}) == 200
        assert await me(ann, token) == 401
        assert await me(ann, token + "x", **{"Woaas-Console": "1"}) == 401
        assert await me(ann, None, **{"Woaas-Console": "1"}) == 401

    async def test_it_is_the_user_with_his_roles(self, ann: Tenant) -> None:
        token = await token_of(ann.world, "  ANN@Factory.test ")
        async with AsyncClient(transport=ann.client()._transport, base_url="http://t") as client:
            client.cookies.set("woaas_session", token)
            shown = (await client.get("/v1/me", headers={"Woaas-Console": "1"})).json()
        assert (shown["type"], shown["name"], shown["roles"]) == ("user", "Ann", ["planner"])

    async def test_wrong_password_and_unknown_address_look_alike(self, ann: Tenant) -> None:
        messages = set()
        for email, password in ((EMAIL, "wrong"), ("bob@factory.test", PASSWORD), ("", ""), (EMAIL, "")):
            with pytest.raises(Unauthenticated) as caught:
                await token_of(ann.world, email, password)
            messages.add(caught.value.detail)
        assert len(messages) == 1

    async def test_one_address_in_two_tenants_opens_the_one_whose_password_it_is(
        self, world: World, ann: Tenant
    ) -> None:
        other = await world.tenant("Other")
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, other.id, "test")
            await add_user(uow, email=EMAIL, name="Ann there", password="another one", roles=["auditor"])
        assert (await signed_in(world, EMAIL, "another one")).principal.tenant_id == other.id
        assert (await signed_in(world)).principal.tenant_id == ann.id

    async def test_signing_out_ends_it(self, ann: Tenant) -> None:
        token = await token_of(ann.world)
        async with ann.world.db.unit_of_work() as uow:
            principal, session_id = await ann.world.authenticator.by_session(uow, token)
            await sign_out(uow, principal, session_id)
        assert await me(ann, token, **{"Woaas-Console": "1"}) == 401

    @pytest.mark.parametrize(
        "change",
        ["UPDATE sessions SET expires_at = now() - interval '1 second'", "UPDATE users SET state = 'suspended'"],
    )
    async def test_an_old_session_and_a_suspended_user_are_refused(self, ann: Tenant, change: str) -> None:
        token = await token_of(ann.world)
        async with ann.world.db.unit_of_work() as uow:
            await ann.world.authenticator.as_system(uow, ann.id, "test")
            await uow.execute(Statement.text(BY_HAND))
            await uow.execute(Statement.text(change))
        assert await me(ann, token, **{"Woaas-Console": "1"}) == 401

    async def test_a_suspended_user_cannot_sign_in(self, ann: Tenant) -> None:
        async with ann.world.db.unit_of_work() as uow:
            await ann.world.authenticator.as_system(uow, ann.id, "test")
            await uow.execute(Statement.text(BY_HAND))
            await uow.execute(Statement.text("UPDATE users SET state = 'suspended'"))
        with pytest.raises(Unauthenticated):
            await token_of(ann.world)

    async def test_neither_token_nor_password_is_stored(self, ann: Tenant) -> None:
        token = await token_of(ann.world)
        async with ann.world.db.unit_of_work() as uow:
            await ann.world.authenticator.as_system(uow, ann.id, "test")
            for column, table in (
                ("t::text", "sessions"),
                ("t::text", "users"),
                ("encode(payload, 'escape')", "event"),
            ):
                rows = await uow.all(Statement.text(f"SELECT {column} FROM {table} t"))
                stored = " ".join(str(r[0]) for r in rows)
                assert token not in stored
                assert PASSWORD not in stored
