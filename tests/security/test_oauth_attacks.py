"""Attacks of RFC 9700, 6749, 7636, 9207 and OpenID Connect by name, each with the refusal that is expected.

A table a door: one tenant stands all attacks of it, so what one of them does must not open the way for the next.
"""

import base64
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
from fixtures.app import Tenant, World
from fixtures.console import browser
from fixtures.oauth import (
    CALLBACK,
    CHALLENGE,
    FORM_TOKEN,
    VERIFIER,
    Application,
    authorize,
    machine,
    query_of,
    register,
    sign_in,
)
from httpx import AsyncClient, Response

from woaas_api.console.door import safe_path

pytestmark = pytest.mark.anyio
PAGE = "page"
"""A page for the person, who is sent nowhere."""


class Attack(NamedTuple):
    """Changes to a sound authorization request; ``also`` is put behind its query."""

    name: str
    expected: str
    changes: dict[str, str | None] = {}
    also: str = ""


AT_AUTHORIZE = (
    Attack("no client", PAGE, {"client_id": None}),
    Attack("unknown client", PAGE, {"client_id": "oac_01kapxk0000000000000000000"}),
    Attack("client id of another kind", PAGE, {"client_id": "usr_01kapxk0000000000000000000"}),
    Attack("client id with SQL", PAGE, {"client_id": "' OR 1=1 --"}),
    Attack("no redirect URI", PAGE, {"redirect_uri": None}),
    Attack("redirect to another host", PAGE, {"redirect_uri": "https://evil.example/cb"}),
    Attack("redirect to a subdomain", PAGE, {"redirect_uri": "https://x.app.example/cb"}),
    Attack("redirect with a user before the host", PAGE, {"redirect_uri": "https://app.example@evil.example/cb"}),
    Attack("redirect with a suffix", PAGE, {"redirect_uri": CALLBACK + "/../evil"}),
    Attack("redirect with a query", PAGE, {"redirect_uri": CALLBACK + "?next=//evil.example"}),
    Attack("redirect with a fragment", PAGE, {"redirect_uri": CALLBACK + "#x"}),
    Attack("redirect with another case", PAGE, {"redirect_uri": "https://APP.example/cb"}),
    Attack("redirect with a port", PAGE, {"redirect_uri": "https://app.example:443/cb"}),
    Attack("redirect by plain http", PAGE, {"redirect_uri": "http://app.example/cb"}),
    Attack("redirect to a script", PAGE, {"redirect_uri": "javascript:alert(1)"}),
    Attack("redirect percent-encoded", PAGE, {"redirect_uri": "https://app.example/%63b"}),
    Attack("redirect with a line break", PAGE, {"redirect_uri": CALLBACK + "\r\nSet-Cookie: a=b"}),
    Attack("two redirect URIs", PAGE, also="redirect_uri=https://evil.example/cb"),
    Attack("two clients", PAGE, also="client_id=oac_01kapxk0000000000000000000"),
    Attack("two states", PAGE, also="state=other"),
    Attack("two challenges", PAGE, also=f"code_challenge={CHALLENGE}"),
    Attack("a state with a NUL", PAGE, {"state": "a\0b"}),
    Attack("a nonce without end", PAGE, {"nonce": "n" * 5000}),
    Attack("no response type", "unsupported_response_type", {"response_type": None}),
    Attack("implicit flow", "unsupported_response_type", {"response_type": "token"}),
    Attack("implicit ID token", "unsupported_response_type", {"response_type": "id_token"}),
    Attack("hybrid flow", "unsupported_response_type", {"response_type": "code id_token"}),
    Attack(
        "no PKCE of a confidential client", "invalid_request", {"code_challenge": None, "code_challenge_method": None}
    ),
    Attack("PKCE without a method", "invalid_request", {"code_challenge_method": None}),
    Attack("PKCE plain", "invalid_request", {"code_challenge_method": "plain", "code_challenge": VERIFIER}),
    Attack("PKCE method in another case", "invalid_request", {"code_challenge_method": "s256"}),
    Attack("PKCE method without a challenge", "invalid_request", {"code_challenge": None}),
    Attack("a challenge too short", "invalid_request", {"code_challenge": CHALLENGE[:-1]}),
    Attack("a challenge too long", "invalid_request", {"code_challenge": CHALLENGE + "A"}),
    Attack("a challenge padded", "invalid_request", {"code_challenge": CHALLENGE[:-1] + "="}),
    Attack("a scope that is not its own", "invalid_scope", {"scope": "openid billing:write"}),
    Attack("a scope that does not exist", "invalid_scope", {"scope": "openid admin"}),
    Attack("all scopes by a star", "invalid_scope", {"scope": "*"}),
    Attack("answer by fragment", "invalid_request", {"response_mode": "fragment"}),
    Attack("answer by form", "invalid_request", {"response_mode": "form_post"}),
    Attack("request object", "request_not_supported", {"request": "eyJhbGciOiJub25lIn0.e30."}),
    Attack("request object elsewhere", "request_uri_not_supported", {"request_uri": "https://evil.example/r"}),
    Attack("token for another API", "invalid_target", {"resource": "https://other.example"}),
    Attack("no prompt and a prompt", "invalid_request", {"prompt": "none login"}),
    Attack("an unknown prompt", "invalid_request", {"prompt": "never"}),
    Attack("a negative age", "invalid_request", {"max_age": "-1"}),
    Attack("an age without end", "invalid_request", {"max_age": "9" * 40}),
)


async def test_no_attack_on_authorize_gets_through(world: World, factory: Tenant) -> None:
    app = await register(factory)
    found = {}
    async with browser(factory) as client:
        await sign_in(factory, client)
        for attack in AT_AUTHORIZE:
            query = query_of(app.request(**attack.changes)) + (f"&{attack.also}" if attack.also else "")
            found[attack.name] = _verdict(await client.get(f"/oauth/authorize?{query}"), world)
    assert found == {attack.name: attack.expected for attack in AT_AUTHORIZE}


def _verdict(answer: Response, world: World) -> str:
    location = answer.headers.get("location")
    if location is None:
        return PAGE if answer.status_code == 400 else f"{answer.status_code}"
    told = dict(parse_qsl(urlsplit(location).query))
    # Every answer names its server (RFC 9207), comes back to the registered address and with its state.
    is_ours = location.startswith(f"{CALLBACK}?") and told.get("iss") == world.settings.url
    return told.get("error", "a code") if is_ours and told.get("state") == "s-1" else location


class Exchange(NamedTuple):
    """Changes to a sound exchange of a code, by which client it is sent, and with which credentials."""

    name: str
    expected: str
    changes: dict[str, str | None] = {}
    by: str = "app"
    headers: Callable[[Application], dict[str, str]] | None = None


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


MACHINE: dict[str, str | None] = {"grant_type": "client_credentials"}
REFRESH: dict[str, str | None] = {"grant_type": "refresh_token"}
IN_FORM: dict[str, str | None] = {"client_id": "app", "client_secret": "x"}
AT_TOKEN = (
    Exchange("no grant type", "unsupported_grant_type", {"grant_type": None}),
    Exchange("password grant", "unsupported_grant_type", {"grant_type": "password"}),
    Exchange("unknown grant", "unsupported_grant_type", {"grant_type": "urn:evil"}),
    Exchange("no code", "invalid_request", {"code": None}),
    Exchange("an invented code", "invalid_grant", {"code": "x" * 43}),
    Exchange("no verifier", "invalid_request", {"code_verifier": None}),
    Exchange("another verifier", "invalid_grant", {"code_verifier": VERIFIER[::-1]}),
    Exchange("the challenge as verifier", "invalid_grant", {"code_verifier": CHALLENGE}),
    Exchange("a verifier too short", "invalid_request", {"code_verifier": "abc"}),
    Exchange("another redirect URI", "invalid_grant", {"redirect_uri": "https://evil.example/cb"}),
    Exchange("no redirect URI", "invalid_grant", {"redirect_uri": None}),
    Exchange("a code of another client", "invalid_grant", by="other"),
    Exchange("a code of another client, public", "invalid_grant", by="public"),
    Exchange("no credentials", "invalid_client", headers=lambda app: {}),
    Exchange("client id alone", "invalid_client", {"client_id": "app"}, headers=lambda app: {}),
    Exchange("a wrong secret", "invalid_client", headers=lambda app: basic(app.id, "woaas_secret_x")),
    Exchange("an empty secret", "invalid_client", headers=lambda app: basic(app.id, "")),
    Exchange("an unknown client", "invalid_client", headers=lambda app: basic("oac_x", "x")),
    Exchange("credentials that are no base64", "invalid_request", headers=lambda app: {"Authorization": "Basic ***"}),
    Exchange("credentials that are no text", "invalid_request", headers=lambda app: {"Authorization": "Basic //79"}),
    Exchange("credentials twice", "invalid_request", {"client_secret": "x"}),
    Exchange("credentials of one, id of another", "invalid_request", {"client_id": "oac_x"}),
    Exchange("a wrong secret by form", "invalid_client", IN_FORM, headers=lambda app: {}),
    Exchange("a secret of a public client", "invalid_client", {"client_secret": "x"}, by="public"),
    Exchange("a machine grant of an app for people", "unauthorized_client", MACHINE),
    Exchange("a machine grant of a public client", "invalid_client", MACHINE, by="public"),
    Exchange("a code grant of a machine", "unauthorized_client", by="machine"),
    Exchange("a machine beyond its scopes", "invalid_scope", MACHINE | {"scope": "billing:write"}, by="machine"),
    Exchange("a machine that wants to be a person", "invalid_scope", MACHINE | {"scope": "openid"}, by="machine"),
    Exchange("no refresh token", "invalid_request", REFRESH),
    Exchange("an invented refresh token", "invalid_grant", REFRESH | {"refresh_token": "woaas_refresh_x"}),
    Exchange("a code as refresh token", "invalid_grant", REFRESH | {"refresh_token": "CODE"}),
    Exchange("a retired client", "invalid_client", by="retired"),
)  # fmt: skip


async def test_no_attack_on_the_token_endpoint_gets_through(factory: Tenant) -> None:
    """The code that all of them are after is still good in the end, and only for its own client with all it takes."""
    clients = {
        "app": await register(factory),
        "other": await register(factory),
        "public": await register(factory, type="public"),
        "machine": await machine(factory, "planner"),
        "retired": await register(factory),
    }
    async with factory.client() as owner:
        assert (await owner.post(f"/v1/oauth-clients/{clients['retired'].id}/archive")).status_code == 200
    found = {}
    async with browser(factory) as client:
        await sign_in(factory, client)
        code = (await authorize(client, clients["app"]))["code"]
        for attack in AT_TOKEN:
            app = clients[attack.by]
            form = app.exchange(code, **attack.changes)
            form = {n: {"CODE": code, "app": app.id}.get(v, v) for n, v in form.items()}
            options = {} if attack.headers is None else {"auth": None, "headers": attack.headers(app)}
            answer = await app.post(client, "/oauth/token", form, **options)
            found[attack.name] = answer.json().get("error", "tokens")
            assert "no-store" in answer.headers.get("cache-control", ""), attack.name
        sound = await clients["app"].post(client, "/oauth/token", clients["app"].exchange(code))
    assert found == {attack.name: attack.expected for attack in AT_TOKEN}
    assert sound.status_code == 200


async def test_requests_that_are_no_forms_are_refused(factory: Tenant) -> None:
    app = await machine(factory, "planner")
    form = {"grant_type": "client_credentials"}
    async with browser(factory) as client:
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
            assert (await client.get(path)).status_code == 405, path
            as_json = await client.post(path, json=form, auth=app.credentials)
            in_query = await client.post(path, params=form, data=form, auth=app.credentials)
            twice = b"grant_type=client_credentials&grant_type=client_credentials&token=a&token=b"
            header = {"Content-Type": "application/x-www-form-urlencoded"}
            repeated = await client.post(path, content=twice, headers=header, auth=app.credentials)
            for answer in (as_json, in_query, repeated):
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), path
        for path in ("/oauth/revoke", "/oauth/introspect"):
            assert (await client.post(path, data={"token": "x"})).json()["error"] == "invalid_client"
            assert (await client.post(path, data={}, auth=app.credentials)).json()["error"] == "invalid_request"


async def test_a_consent_that_the_person_did_not_give_is_none(factory: Tenant) -> None:
    """A form of another site, another session, or of nobody."""
    app = await register(factory)
    asked = query_of(app.request())
    async with browser(factory) as victim, browser(factory) as attacker:
        forged = {"request": asked, "decision": "allow"}
        assert (await victim.post("/oauth/consent", data=forged)).status_code == 403
        await sign_in(factory, victim)
        await sign_in(factory, attacker, "operator")
        token = await _form_token(attacker, app)
        for form, headers in (
            (forged, {}),
            ({**forged, "form_token": token}, {}),
            ({**forged, "form_token": await _form_token(victim, app)}, {"Sec-Fetch-Site": "cross-site"}),
            ({**forged, "form_token": await _form_token(victim, app)}, {"Origin": "https://evil.example"}),
        ):
            answer = await victim.post("/oauth/consent", data=form, headers=headers)
            assert (answer.status_code, answer.headers.get("location")) == (403, None)
        changed = query_of(app.request(redirect_uri="https://evil.example/cb"))
        form = {"form_token": await _form_token(victim, app), "request": changed, "decision": "allow"}
        answer = await victim.post("/oauth/consent", data=form)
        assert (answer.status_code, answer.headers.get("location")) == (400, None)


async def _form_token(client: AsyncClient, app: Application) -> str:
    found = FORM_TOKEN.search((await client.get("/oauth/authorize", params=app.request())).text)
    assert found
    return found[1]


REDIRECTS = {
    "https://app.example/cb": True,
    "http://127.0.0.1:8123/cb": True,
    "http://[::1]/cb": True,
    "http://app.example/cb": False,
    "https://*.example/cb": False,
    "https://app.example/cb#x": False,
    "https://user@app.example/cb": False,
    "https://app.example/../cb": False,
    "https:///cb": False,
    "https://app.example:x/cb": False,
    "/cb": False,
    "javascript:alert(1)": False,
    "data:text/html,x": False,
    "app:/cb": False,
    "com.example.app:/cb": False,
    "https://app.example/ cb": False,
    "https://app.example/\\evil.example": False,
}


async def test_only_addresses_that_cannot_be_confused_are_registered(factory: Tenant) -> None:
    body = {"name": "n", "type": "confidential", "scopes": ["openid"]}
    async with factory.client() as client:
        for uri, is_good in REDIRECTS.items():
            answer = await client.post("/v1/oauth-clients", json={**body, "redirect_uris": [uri]})
            assert answer.status_code == (201 if is_good else 422), uri
            if not is_good:
                assert answer.json()["errors"][0]["pointer"] == "/redirect_uris/0"
        native = {**body, "type": "public", "redirect_uris": ["com.example.app:/cb"]}
        assert (await client.post("/v1/oauth-clients", json=native)).status_code == 201


@pytest.mark.parametrize(
    ("path", "is_kept"),
    [
        ("/oauth/authorize?client_id=x", True),
        ("/oauth/authorizeevil", False),
        ("//evil.example/oauth/authorize", False),
        ("https://evil.example/oauth/authorize", False),
        ("/oauth/token", False),
        ("/oauth/authorize\\@evil.example", False),
    ],
)
def test_after_signing_in_nobody_is_led_astray(path: str, is_kept: bool) -> None:
    assert (safe_path(path) == path) is is_kept
