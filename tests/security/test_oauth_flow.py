"""Signing a person in, a machine by itself, and what their tokens open and when they are over."""

from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser
from fixtures.oauth import (
    CALLBACK,
    SCOPES,
    answered,
    authorize,
    consent,
    machine,
    machine_token,
    register,
    sign_in,
    tokens,
)
from httpx import ASGITransport, AsyncClient
from joserfc import jwt
from joserfc.jwk import KeySet

from woaas_api.app import create_app
from woaas_api.subjects import REGISTRY
from woaas_core.db.statements import Statement
from woaas_security.oauth.scopes import family_of
from woaas_security.oauth.signing import rotate
from woaas_security.oauth.tokens import half_hash

pytestmark = pytest.mark.anyio


@pytest.fixture
async def anybody(factory: Tenant) -> AsyncIterator[AsyncClient]:
    async with browser(factory) as client:
        yield client


async def status(tenant: Tenant, token: str, path: str = "/v1/work-orders") -> int:
    async with tenant.client(token) as client:
        return (await client.get(path)).status_code


class TestPerson:
    async def test_the_whole_flow_gives_tokens_that_verify_by_the_published_keys(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await register(factory)
        got = await tokens(app)
        assert got["token_type"] == "Bearer"
        assert got["expires_in"] == 600
        assert got["scope"].split() == SCOPES
        keys = KeySet.import_key_set((await anybody.get("/.well-known/jwks.json")).json())
        issuer = factory.world.settings.url
        access = jwt.decode(got["access_token"], keys, algorithms=["ES256"])
        assert access.header["typ"] == "at+jwt"
        assert access.header["kid"]
        assert (access.claims["iss"], access.claims["aud"], access.claims["client_id"]) == (issuer, issuer, app.id)
        assert access.claims["tenant"].startswith("ten_")
        identity = jwt.decode(got["id_token"], keys, algorithms=["ES256"]).claims
        assert (identity["iss"], identity["aud"], identity["nonce"]) == (issuer, app.id, "n-1")
        assert identity["sub"] == access.claims["sub"]
        assert identity["at_hash"] == half_hash(got["access_token"])
        assert identity["auth_time"] <= identity["iat"] < identity["exp"]
        assert identity["name"] == "Test"
        assert "@" in identity["email"]

    async def test_the_answer_names_state_and_issuer(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        got = await authorize(anybody, app)
        assert got.keys() == {"code", "state", "iss"}
        assert (got["state"], got["iss"]) == ("s-1", factory.world.settings.url)

    async def test_userinfo_tells_what_was_granted_and_no_more(self, factory: Tenant) -> None:
        app = await register(factory)
        got = await tokens(app, scope="openid profile")
        async with factory.client(got["access_token"]) as client:
            told = (await client.get("/oauth/userinfo")).json()
            assert told.keys() == {"sub", "name"}
            assert (await client.post("/oauth/userinfo")).json() == told
        async with factory.client() as client:
            assert (await client.get("/oauth/userinfo")).status_code == 403

    async def test_a_token_has_the_user_s_rights_within_its_scopes(self, factory: Tenant) -> None:
        app = await register(factory, scopes=["work_orders:read", "work_orders:write", "market:read"])
        order = {"product": "P", "quantity": "1"}
        reading = (await tokens(app, "owner", scope="work_orders:read"))["access_token"]
        async with factory.client(reading) as client:
            me = (await client.get("/v1/me")).json()
            assert (me["type"], me["roles"], me["scopes"]) == ("user", ["owner"], ["work_orders:read"])
            assert set(me["permissions"]) == {n for n in REGISTRY if family_of()[n] == "work_orders"}
            assert me["permissions"]["work_order"]["writable"] == []
            assert me["permissions"]["work_order"]["actions"] == ["read"]
            assert (await client.get("/v1/work-orders")).status_code == 200
            assert (await client.post("/v1/work-orders", json=order)).status_code == 403
            for path in ("/v1/api-keys", "/v1/events", "/v1/roles", "/v1/oauth-clients"):
                assert (await client.get(path)).status_code == 403, path
            made = await client.post("/v1/api-keys", json={"name": "n", "roles": ["operator"]})
            assert made.status_code == 403
        writing = (await tokens(app, "supervisor", scope="work_orders:write"))["access_token"]
        async with factory.client(writing) as client:
            shown = (await client.get("/v1/me")).json()["permissions"]["work_order"]
        async with factory.client(await factory.key("supervisor")) as client:
            assert shown == (await client.get("/v1/me")).json()["permissions"]["work_order"]

    async def test_what_a_person_denies_is_told_and_nothing_kept(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        shown = await anybody.get("/oauth/authorize", params=app.request())
        got = answered(await consent(anybody, shown, "deny"))
        assert (got["error"], got["state"]) == ("access_denied", "s-1")
        assert got["iss"]
        assert "code" not in got

    async def test_who_was_asked_once_is_asked_again_for_more_only(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        await authorize(anybody, app, scope="openid profile")
        less = await anybody.get("/oauth/authorize", params=app.request(scope="openid"))
        assert "code" in answered(less)
        for asks in (app.request(), app.request(scope="openid", prompt="consent")):
            assert "<form" in (await anybody.get("/oauth/authorize", params=asks)).text
        public = await register(factory, type="public")
        await authorize(anybody, public)
        assert (await anybody.get("/oauth/authorize", params=public.request())).status_code == 200
        own = await register(factory, first_party=True)
        assert "code" in answered(await anybody.get("/oauth/authorize", params=own.request()))

    async def test_who_is_not_signed_in_comes_back_to_the_request(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        first = await anybody.get("/oauth/authorize", params=app.request())
        assert first.status_code == 303
        assert first.headers["location"].startswith("/console/sign-in?next=/oauth/authorize")
        await sign_in(factory, anybody)
        back = await anybody.get(first.headers["location"])
        assert back.status_code == 303
        shown = await anybody.get(back.headers["location"])
        assert "code" in answered(await consent(anybody, shown))

    @pytest.mark.parametrize("asks", [{"prompt": "login"}, {"prompt": "select_account consent"}, {"max_age": "0"}])
    async def test_an_application_may_want_a_fresh_sign_in(
        self, factory: Tenant, anybody: AsyncClient, asks: dict[str, str]
    ) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        answer = await anybody.get("/oauth/authorize", params=app.request(**asks))
        wanted = unquote(answer.headers["location"].removeprefix("/console/sign-in?next="))
        assert wanted.startswith("/oauth/authorize?")
        assert (await anybody.get("/console/orders")).headers["location"].startswith("/console/sign-in")
        await sign_in(factory, anybody, "supervisor")
        # Who has signed in for it is not sent away again.
        assert "code" in answered(await consent(anybody, await anybody.get(wanted)))

    async def test_without_a_question_to_anybody(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        silent = app.request(prompt="none")
        assert answered(await anybody.get("/oauth/authorize", params=silent))["error"] == "login_required"
        await sign_in(factory, anybody)
        assert answered(await anybody.get("/oauth/authorize", params=silent))["error"] == "consent_required"
        await authorize(anybody, app)
        assert "code" in answered(await anybody.get("/oauth/authorize", params=silent))

    async def test_a_person_of_another_organisation_is_not_asked(self, world: World, factory: Tenant) -> None:
        app = await register(factory)
        other = await world.tenant("Other")
        async with browser(other) as client:
            await sign_in(other, client)
            answer = await client.get("/oauth/authorize", params=app.request())
            assert answer.status_code == 403
            assert "location" not in answer.headers

    async def test_from_another_site_the_cookie_comes_with_the_second_step(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await register(factory)
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = await anybody.get("/oauth/authorize", params=app.request(), headers=headers)
        assert answer.status_code == 200
        assert 'http-equiv="refresh"' in answer.text
        assert 'content="0; url=/oauth/authorize?' in answer.text

    async def test_the_consent_page_may_lead_to_the_application_and_nowhere_else(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await register(factory, name="<b>Evil</b>")
        await sign_in(factory, anybody)
        shown = await anybody.get("/oauth/authorize", params=app.request(), headers={"Accept-Language": "zh-CN"})
        policy = shown.headers["content-security-policy"]
        assert "form-action 'self' https://app.example;" in policy
        assert "frame-ancestors 'none'" in policy
        assert "<b>Evil</b>" not in shown.text
        assert "允许" in shown.text


class TestMachine:
    async def test_it_acts_in_its_own_name_with_its_roles(self, factory: Tenant) -> None:
        app = await machine(factory, "planner", scopes=["work_orders:read", "work_orders:write"])
        got = await machine_token(app)
        assert got["expires_in"] == 900
        assert got.keys() == {"access_token", "token_type", "expires_in", "scope"}
        async with factory.client(got["access_token"]) as client:
            me = (await client.get("/v1/me")).json()
            assert (me["id"], me["type"], me["roles"]) == (app.id, "oauth_client", ["planner"])
            made = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
            assert made.status_code == 201
        less = await machine_token(app, scope="work_orders:read")
        async with factory.client(less["access_token"]) as client:
            assert (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).status_code == 403

    async def test_it_never_has_more_than_who_registered_it(self, factory: Tenant) -> None:
        async with factory.client() as client:
            lines = [
                {"resource": "oauth_client", "access": "write"},
                {"resource": "oauth_client", "actions": ["create"]},
            ]
            role = {"name": "Registrar", "inherits": ["operator"], "permissions": lines}
            assert (await client.put("/v1/roles/registrar", json=role)).status_code == 201
        body = {"name": "m", "type": "confidential", "scopes": ["work_orders:write"]}
        async with factory.client(await factory.key("registrar")) as client:
            refused = await client.post("/v1/oauth-clients", json={**body, "roles": ["owner"]})
            assert refused.status_code == 403
            allowed = await client.post("/v1/oauth-clients", json={**body, "roles": ["operator"]})
            assert allowed.status_code == 201, allowed.text


class TestTheEnd:
    async def test_a_revoked_token_is_refused_with_the_next_request(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        app = await machine(factory, "planner")
        token = (await machine_token(app))["access_token"]
        assert await status(factory, token) == 200
        assert (await app.post(anybody, "/oauth/revoke", {"token": token})).status_code == 200
        assert await status(factory, token) == 401
        told = await app.post(anybody, "/oauth/introspect", {"token": token})
        assert told.json() == {"active": False}

    async def test_revoking_the_refresh_token_ends_the_family(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        got = await tokens(app)
        told = (await app.post(anybody, "/oauth/introspect", {"token": got["access_token"]})).json()
        assert (told["active"], told["client_id"], told["scope"]) == (True, app.id, got["scope"])
        await app.post(anybody, "/oauth/revoke", {"token": got["refresh_token"]})
        assert await status(factory, got["access_token"]) == 401
        again = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
        assert (await app.post(anybody, "/oauth/token", again)).json()["error"] == "invalid_grant"

    async def test_a_code_that_comes_twice_ends_what_came_of_it(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        form = app.exchange((await authorize(anybody, app))["code"])
        first = (await app.post(anybody, "/oauth/token", form)).json()
        assert await status(factory, first["access_token"]) == 200
        assert (await app.post(anybody, "/oauth/token", form)).json()["error"] == "invalid_grant"
        assert await status(factory, first["access_token"]) == 401

    async def test_another_application_neither_revokes_nor_introspects(
        self, factory: Tenant, anybody: AsyncClient
    ) -> None:
        mine, theirs = await machine(factory, "planner"), await machine(factory, "planner")
        token = (await machine_token(mine))["access_token"]
        assert (await theirs.post(anybody, "/oauth/introspect", {"token": token})).json() == {"active": False}
        await theirs.post(anybody, "/oauth/revoke", {"token": token})
        assert await status(factory, token) == 200

    async def test_tokens_end_with_their_application_and_their_user(self, factory: Tenant) -> None:
        app, other = await register(factory), await register(factory)
        token, theirs = (await tokens(app))["access_token"], (await tokens(other, "operator"))["access_token"]
        async with factory.client() as client:
            members = (await client.get("/v1/members")).json()["data"]
            person = next(member["id"] for member in members if member["roles"] == ["planner"])
            assert (await client.post(f"/v1/members/{person}/suspend", json={})).status_code == 200
            assert await status(factory, token) == 401
            assert await status(factory, theirs) == 200
            assert (await client.post(f"/v1/oauth-clients/{other.id}/archive")).status_code == 200
        assert await status(factory, theirs) == 401

    async def test_no_secret_code_or_token_is_stored_in_clear(self, factory: Tenant, anybody: AsyncClient) -> None:
        app = await register(factory)
        await sign_in(factory, anybody)
        code = (await authorize(anybody, app))["code"]
        got = (await app.post(anybody, "/oauth/token", app.exchange(code))).json()
        secrets = [app.secret or "", code, got["access_token"], got["refresh_token"], got["id_token"]]
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            tables = ("oauth_clients", "oauth_grants", "oauth_tokens", "event", "idempotency")
            rows = [await uow.all(Statement.text(f"SELECT row_to_json(t)::text FROM {t} t")) for t in tables]
            payloads = await uow.all(Statement.text("SELECT encode(payload, 'escape') FROM event"))
        stored = " ".join(str(row[0]) for found in (*rows, payloads) for row in found)
        assert "oauth_grant.created" in stored
        assert not [secret for secret in secrets if secret in stored]


async def test_the_two_documents_tell_of_the_same_server(factory: Tenant, anybody: AsyncClient) -> None:
    told = (await anybody.get("/.well-known/openid-configuration")).json()
    assert (await anybody.get("/.well-known/oauth-authorization-server")).json() == told
    assert told["issuer"] == factory.world.settings.url
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    keys = (await anybody.get("/.well-known/jwks.json")).json()["keys"]
    assert len(keys) == 2
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)


async def test_a_request_by_a_form_is_answered_as_one_by_a_link(factory: Tenant, anybody: AsyncClient) -> None:
    app = await register(factory)
    sent = await anybody.post("/oauth/authorize", data=app.request())
    assert sent.status_code == 303
    linked = await anybody.get("/oauth/authorize", params=app.request())
    assert (await anybody.get(sent.headers["location"])).headers["location"] == linked.headers["location"]
    assert CALLBACK not in sent.headers["location"].partition("?")[0]


async def test_no_request_fails_while_keys_rotate(factory: Tenant, anybody: AsyncClient) -> None:
    """Nor in another process, which is told of nothing."""
    app = await machine(factory, "planner")
    world = factory.world
    other = await create_app(world.settings, database=world.db)
    tokens_so_far = []
    async with AsyncClient(transport=ASGITransport(app=other), base_url="http://woaas.test") as elsewhere:
        for _ in range(4):
            for client in (anybody, elsewhere):
                answer = await app.post(client, "/oauth/token", {"grant_type": "client_credentials"})
                tokens_so_far.append(answer.json()["access_token"])
            rotate(world.settings.token_keys_path, world.db.clock, at_once=True)
            for client in (elsewhere, anybody):
                for token in tokens_so_far:
                    headers = {"Authorization": f"Bearer {token}"}
                    assert (await client.get("/v1/me", headers=headers)).status_code == 200
        published = [(await c.get("/.well-known/jwks.json")).json() for c in (anybody, elsewhere)]
    assert published[0] == published[1]
    assert len({key["kid"] for key in published[0]["keys"]}) == 6


async def test_graphql_takes_a_token_within_its_scopes(factory: Tenant) -> None:
    app = await machine(factory, "owner", scopes=["work_orders:read"])
    token = (await machine_token(app))["access_token"]
    async with factory.client(token) as client:
        asked = "{ workOrders(first: 1) { edges { node { id } } } }"
        seen = (await client.post("/graphql", json={"query": asked})).json()
        assert seen["data"]["workOrders"] == {"edges": []}
        made = 'mutation { workOrderCreate(input: {product: "P", quantity: "1"}) { id } }'
        refused = (await client.post("/graphql", json={"query": made})).json()
        assert refused["errors"][0]["extensions"]["code"] == "forbidden"
