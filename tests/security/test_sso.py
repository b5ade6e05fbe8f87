"""Single sign-on by OpenID Connect: who gets in by an identity provider, and who does not."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, signed_in, submit
from fixtures.entries import BY_HAND
from fixtures.providers import (
    DOMAIN,
    Claims,
    LyingProvider,
    come_back,
    connect,
    depart,
    look_up,
    open_loopback,
    provider,
    redirect_of,
    sign_in_by,
)
from httpx import AsyncClient, Response

from woaas_api.console.door import SSO_COOKIE
from woaas_api.edge import SESSION_COOKIE
from woaas_core.db.statements import Statement
from woaas_security.identity.service import add_user

pytestmark = pytest.mark.anyio
_MEMBERS = Statement.text("SELECT email, roles, state FROM users ORDER BY created_at, id")
_ENDED = Statement.text(
    "UPDATE users SET access_until = now() WHERE email LIKE 'gone@%' OR email LIKE 'asked@%' RETURNING id"
)
_EVENTS = Statement.text("SELECT type FROM event ORDER BY id")

STRANGERS: list[dict[str, Any]] = [
    {"email_verified": False},
    {"email_verified": "true"},
    {"email": "eve@rival.example"},
    {"email": f"eve@sub.{DOMAIN}"},
    {"email": f"eve@{DOMAIN}.rival.example"},
    {"email": ""},
    {"email": f"owner@{DOMAIN}"},
    {"email": f"late@{DOMAIN}"},
    {"email": f"gone@{DOMAIN}"},
    {"email": f"asked@{DOMAIN}"},
]
LIES: list[Callable[[Claims], Claims]] = [
    lambda c: c | {"nonce": "another"},
    lambda c: {n: v for n, v in c.items() if n != "nonce"},
    lambda c: c | {"aud": "somebody-else"},
    lambda c: c | {"aud": ["woaas", "somebody-else"]},
    lambda c: c | {"azp": "somebody-else"},
    lambda c: c | {"iss": "https://evil.example"},
    lambda c: c | {"iss": c["iss"] + "/"},
    lambda c: c | {"exp": c["iat"] - 3600},
    lambda c: {n: v for n, v in c.items() if n != "exp"},
    lambda c: c | {"iat": c["iat"] + 3600},
    lambda c: c | {"sub": ""},
    lambda c: c | {"sub": 7},
    lambda c: c | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
]


@pytest.fixture
async def idp() -> AsyncIterator[LyingProvider]:
    """The tenant's own identity provider."""
    async with provider() as made:
        yield made


@pytest.fixture
async def house(world: World) -> Tenant:
    """A tenant in an installation that may call the loopback."""
    await open_loopback(world)
    return await world.tenant()


def is_in(client: AsyncClient, answer: Response) -> bool:
    """Whether an answer has let somebody in; where not, it is a page that says so."""
    assert (answer.status_code == 200) == (SESSION_COOKIE in client.cookies), answer.text
    return answer.status_code == 200


async def rows(tenant: Tenant, statement: Statement) -> list[Any]:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        await uow.execute(Statement.text(BY_HAND))
        return [tuple(row) for row in await uow.all(statement)]


async def member(tenant: Tenant, email: str, *roles: str) -> None:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        await add_user(uow, email=email, name="Test", password=PASSWORD, roles=list(roles))


class TestWayIn:
    async def test_an_address_leads_to_the_provider_and_back_to_the_page_that_was_wanted(
        self, house: Tenant, idp: LyingProvider
    ) -> None:
        connection = await connect(house, idp.issuer)
        async with browser(house) as client:
            asked = await submit(client, "/console/sign-in", email=f"Ann@{DOMAIN}", next="/console/orders?tab=late")
            target = re.search(r'url=([^"]+)"', asked.text)
            assert target, asked.text
            sent = await client.get(target[1].replace("&amp;", "&"))
            request = idp.authorize(sent.headers["location"])
            assert redirect_of(sent.headers["location"]) == connection["redirect_uri"]
            assert idp.asked[0]["code_challenge_method"] == "S256"
            answer = await come_back(client, connection, request)
            assert is_in(client, answer)
            assert 'content="0; url=/console/orders?tab=late"' in answer.text
            assert (await client.get("/console/orders")).status_code == 200
            sessions = await client.get("/console/account")
            assert sessions.status_code == 200
        assert (await rows(house, _MEMBERS)) == [(f"ann@{DOMAIN}", ["operator"], "active")]
        assert [e[0] for e in await rows(house, _EVENTS)][-3:] == [
            "member.joined",
            "user.identity_linked",
            "session.started",
        ]

    async def test_who_comes_again_is_the_same_person_whatever_his_address_is_by_then(
        self, house: Tenant, idp: LyingProvider
    ) -> None:
        connection = await connect(house, idp.issuer)
        for email in (f"ann@{DOMAIN}", "ann@elsewhere.example"):
            async with browser(house) as client:
                assert is_in(client, await sign_in_by(client, connection, idp, email=email))
        assert len(await rows(house, _MEMBERS)) == 1

    async def test_a_member_is_found_by_his_address_once_and_an_invited_one_joins(
        self, house: Tenant, idp: LyingProvider
    ) -> None:
        connection = await connect(house, idp.issuer)
        await member(house, f"ann@{DOMAIN}", "planner")
        async with house.client() as api:
            bob = {"email": f"bob@{DOMAIN}", "name": "Bob", "roles": ["quality"]}
            assert (await api.post("/v1/members", json=bob)).status_code == 201
        for name in ("ann", "bob"):
            async with browser(house) as client:
                answer = await sign_in_by(client, connection, idp, sub=name, email=f"{name}@{DOMAIN}")
                assert is_in(client, answer)
        found = [(f"ann@{DOMAIN}", ["planner"], "active"), (f"bob@{DOMAIN}", ["quality"], "active")]
        assert await rows(house, _MEMBERS) == found
        async with browser(house) as client:
            another = await sign_in_by(client, connection, idp, sub="ann-2", email=f"ann@{DOMAIN}")
            assert not is_in(client, another)

    async def test_groups_stand_for_roles_anew_each_time(self, house: Tenant, idp: LyingProvider) -> None:
        mapped = {"planners": "planner", "qa": "quality"}
        connection = await connect(house, idp.issuer, role_claim="groups", role_map=mapped)
        told = ((["planners", "qa", "x"], ["planner", "quality"]), ("qa", ["quality"]), ([], ["operator"]))
        for groups, roles in told:
            async with browser(house) as client:
                assert is_in(client, await sign_in_by(client, connection, idp, groups=groups))
            assert (await rows(house, _MEMBERS))[0][1] == roles

    async def test_who_was_removed_stays_out_until_he_is_invited(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        async with browser(house) as client:
            assert is_in(client, await sign_in_by(client, connection, idp))
        async with house.client() as api:
            found = (await api.get("/v1/members")).json()["data"][0]
            assert (await api.delete(f"/v1/members/{found['id']}")).status_code in (200, 204)
            async with browser(house) as client:
                assert not is_in(client, await sign_in_by(client, connection, idp))
            again = {"email": found["email"], "name": "Ann", "roles": ["quality"]}
            assert (await api.post("/v1/members", json=again)).status_code == 201
        async with browser(house) as client:
            assert is_in(client, await sign_in_by(client, connection, idp))
        assert await rows(house, _MEMBERS) == [(found["email"], ["quality"], "active")]


class TestNotIn:
    async def test_whoever_the_provider_may_not_vouch_for(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        await member(house, f"owner@{DOMAIN}", "owner")
        await member(house, f"late@{DOMAIN}", "planner")
        async with house.client() as api:
            found = (await api.get("/v1/members")).json()["data"]
            late = next(m for m in found if m["email"].startswith("late"))
            await api.post(f"/v1/members/{late['id']}/suspend")
            asked = {
                "email": f"asked@{DOMAIN}",
                "name": "Ann",
                "roles": ["auditor"],
                "access_until": "2090-01-01T00:00:00Z",
            }
            assert (await api.post("/v1/members", json=asked)).status_code == 201
        await member(house, f"gone@{DOMAIN}", "auditor")
        await rows(house, _ENDED)
        before = await rows(house, _MEMBERS)
        for told in STRANGERS:
            async with browser(house) as client:
                assert not is_in(client, await sign_in_by(client, connection, idp, **told)), told
        assert (await rows(house, _EVENTS)).count(("sso_connection.refused",)) == len(STRANGERS)
        assert await rows(house, _MEMBERS) == before

    async def test_by_an_id_token_that_is_not_of_this_request(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        for number, change in enumerate(LIES):
            idp.change = change
            async with browser(house) as client:
                assert not is_in(client, await sign_in_by(client, connection, idp)), number
        for sign in (LyingProvider.unsigned, LyingProvider.signed_by_public_key):
            idp.change, idp.sign = None, sign
            async with browser(house) as client:
                assert not is_in(client, await sign_in_by(client, connection, idp)), sign
        idp.sign = None
        async with browser(house) as client:
            assert is_in(client, await sign_in_by(client, connection, idp))

    async def test_by_an_answer_that_was_used_or_is_of_another_browser(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        async with browser(house) as client:
            answer = idp.authorize(await depart(client, connection))
            kept = client.cookies[SSO_COOKIE]
            async with browser(house) as other:
                assert not is_in(other, await come_back(other, connection, answer))
            assert not is_in(client, await come_back(client, connection, answer | {"state": "guessed"}))
            client.cookies.set(SSO_COOKIE, kept)
            request, told = idp.codes[answer["code"]]
            assert is_in(client, await come_back(client, connection, answer))
            client.cookies.delete(SESSION_COOKIE)
            client.cookies.set(SSO_COOKIE, kept)
            # Even a provider that would take its code twice.
            idp.codes[answer["code"]] = (request, told)
            assert not is_in(client, await come_back(client, connection, answer))

    async def test_by_an_answer_of_another_provider(self, house: Tenant, idp: LyingProvider) -> None:
        """The mix-up: two connections, an answer of one brought to the other's callback, or under the other's name."""
        async with provider() as evil:
            honest, other = await connect(house, idp.issuer), await connect(house, evil.issuer, domains=[])
            async with browser(house) as client:
                answer = idp.authorize(await depart(client, honest))
                assert not is_in(client, await come_back(client, other, answer))
            async with browser(house) as client:
                answer = idp.authorize(await depart(client, honest)) | {"iss": evil.issuer}
                assert not is_in(client, await come_back(client, honest, answer))
            idp.metadata = {"authorization_response_iss_parameter_supported": True}
            async with browser(house) as client:
                answer = idp.authorize(await depart(client, honest))
                del answer["iss"]
                assert not is_in(client, await come_back(client, honest, answer))

    async def test_by_a_provider_whose_document_leads_astray(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        for metadata in (
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://10.0.0.1/token"},
            {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
            {"authorization_endpoint": "javascript:alert(1)"},
        ):
            idp.metadata = {}
            async with browser(house) as client:
                answer = idp.authorize(await depart(client, connection))
                idp.metadata = metadata
                assert not is_in(client, await come_back(client, connection, answer)), metadata

    async def test_nowhere_else_is_gone_to_afterwards(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        for wanted in ("https://evil.example/console", "//evil.example", "/console\\@evil"):
            async with browser(house) as client:
                answer = await sign_in_by(client, connection, idp, wanted)
                assert is_in(client, answer)
                assert 'content="0; url=/console"' in answer.text

    async def test_while_the_connection_is_off(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        async with browser(house) as client:
            answer = idp.authorize(await depart(client, connection))
            async with house.client() as api:
                await api.patch(f"/v1/sso-connections/{connection['id']}", json={"enabled": False})
            assert not is_in(client, await come_back(client, connection, answer))


class TestDomains:
    async def test_until_its_record_is_there_a_domain_leads_nobody(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer, is_verified=False)
        record = connection["domains"][0]["record"]
        for records in ({}, {f"_woaas.{DOMAIN}": ["woaas-verification=other"]}, {DOMAIN: [record]}):
            await look_up(house, records)
            async with browser(house) as client:
                asked = await submit(client, "/console/sign-in", email=f"ann@{DOMAIN}")
                assert 'name="password"' in asked.text
                assert not is_in(client, await sign_in_by(client, connection, idp))

    async def test_the_record_of_one_tenant_verifies_no_other(self, house: Tenant, idp: LyingProvider) -> None:
        thief = await house.world.tenant("Thief")
        mine = await connect(house, idp.issuer, is_verified=False)
        theirs = await connect(thief, idp.issuer, is_verified=False)
        records = {f"_woaas.{DOMAIN}": [mine["domains"][0]["record"]]}
        for tenant, connection, expected in ((thief, theirs, False), (house, mine, True)):
            await look_up(tenant, records)
            async with tenant.client() as api:
                found = (await api.get(f"/v1/sso-connections/{connection['id']}")).json()
            assert bool(found["domains"][0]["verified_at"]) == expected

    async def test_a_domain_taken_out_leads_nobody_and_comes_back_unverified(
        self, house: Tenant, idp: LyingProvider
    ) -> None:
        connection = await connect(house, idp.issuer)
        path = f"/v1/sso-connections/{connection['id']}"
        async with house.client() as api:
            await api.patch(path, json={"domains": ["other.example"]})
            back = (await api.patch(path, json={"domains": [DOMAIN]})).json()
        assert back["domains"][0]["verified_at"] is None
        assert back["domains"][0]["record"] != connection["domains"][0]["record"]


class TestEnforced:
    async def test_passwords_open_nothing_but_for_owners(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        planner, owner = await person(house, "planner"), await person(house, "owner")
        path = f"/v1/sso-connections/{connection['id']}"
        async with house.client() as api:
            assert (await api.patch(path, json={"enforced": True})).status_code == 200
        for email, status in ((planner, 401), (owner, 303)):
            async with browser(house) as client:
                answer = await submit(client, "/console/sign-in", email=email, password=PASSWORD)
                assert answer.status_code == status
        async with house.client() as api:
            await api.patch(path, json={"enforced": False})
        async with browser(house) as client:
            assert (await submit(client, "/console/sign-in", email=planner, password=PASSWORD)).status_code == 303

    async def test_it_takes_a_verified_domain(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer, is_verified=False)
        async with house.client() as api:
            refused = await api.patch(f"/v1/sso-connections/{connection['id']}", json={"enforced": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


class TestConsole:
    async def test_an_owner_sets_it_up(self, house: Tenant, idp: LyingProvider) -> None:
        async with signed_in(house, "owner") as client:
            typed = {"name": "Factory", "issuer": idp.issuer, "client_id": "woaas", "client_secret": "hush-hush"}
            groups = {"domains": DOMAIN, "role_claim": "groups", "role_map": "planners = planner"}
            answer = await submit(client, "/console/sso", back="/console/sso", **typed, **groups)
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/sso")
            page = (await client.get("/console/sso")).text
            assert f"_woaas.{DOMAIN} TXT woaas-verification=" in page
            assert "planners = planner" in page
            assert "/callback</dd>" in page
            assert "hush-hush" not in page
            key = re.search(r'action="/console/sso/(sso_\w+)/remove"', page)
            assert key, page
            here = f"/console/sso/{key[1]}"
            await submit(client, f"{here}/enforce", "/console/sso", back="/console/sso")
            assert "verify a domain" in (await client.get("/console/sso")).text
            await submit(client, f"{here}/disable", "/console/sso", back="/console/sso")
            assert "Switched off" in (await client.get("/console/sso")).text
            await submit(client, f"{here}/remove", "/console/sso", back="/console/sso")
            assert "No identity provider yet" in (await client.get("/console/sso")).text


class TestDoor:
    async def test_it_is_closed_to_strangers_and_shows_no_secret(self, house: Tenant, idp: LyingProvider) -> None:
        connection = await connect(house, idp.issuer)
        path = f"/v1/sso-connections/{connection['id']}"
        rival = await house.world.tenant("Rival")
        async with house.client() as api, rival.client() as theirs, house.client(await house.key("planner")) as planner:
            assert (await api.get(path, headers={"Authorization": ""})).status_code == 401
            for method in ("GET", "PATCH", "DELETE"):
                assert (await theirs.request(method, path, json={})).status_code == 404
            assert (await planner.get("/v1/sso-connections")).status_code == 403
            shown = (await api.get("/v1/sso-connections")).text
            assert connection["id"] in shown
            assert "secret" not in shown

    async def test_issuers_are_guarded(self, house: Tenant) -> None:
        body = {"name": "x", "client_id": "c", "client_secret": "s"}
        async with house.client() as api:
            for issuer in ("http://169.254.169.254/", "http://10.0.0.1", "ftp://idp.example", "https://a@b.example"):
                refused = await api.post("/v1/sso-connections", json={**body, "issuer": issuer})
                assert refused.json()["code"] == "ssrf_blocked", issuer

    async def test_nobody_hands_out_owners_or_more_than_he_has(self, house: Tenant, idp: LyingProvider) -> None:
        body = {"name": "x", "issuer": idp.issuer, "client_id": "c", "client_secret": "s"}
        async with house.client() as api:
            for roles in ({"roles": ["owner"]}, {"role_map": {"admins": "owner"}}):
                assert (await api.post("/v1/sso-connections", json=body | roles)).status_code == 422
            permission = {"resource": "sso_connection", "access": "write", "actions": ["create"]}
            role = {"name": "Desk", "inherits": ["operator"], "permissions": [permission]}
            made = await api.put("/v1/roles/desk", json=role)
            assert made.status_code == 201, made.text
        async with house.client(await house.key("desk")) as desk:
            assert (await desk.post("/v1/sso-connections", json=body)).status_code == 201
            for roles in ({"roles": ["planner"]}, {"role_map": {"p": "planner"}}):
                assert (await desk.post("/v1/sso-connections", json=body | roles)).status_code == 403
