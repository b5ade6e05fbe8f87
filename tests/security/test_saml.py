"""Single sign-on by SAML 2.0: who gets in, and a corpus of answers that let nobody in."""

import base64
import shutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.app import Tenant, World
from fixtures.console import browser, signed_in, submit
from fixtures.entries import BY_HAND
from fixtures.forgeries import FORGERIES
from fixtures.providers import DOMAIN, depart
from fixtures.saml import ENTITY, Forger, asked_of, bring, connect
from httpx import AsyncClient, Response

from woaas_api.app import create_app
from woaas_api.console.door import SSO_COOKIE
from woaas_api.edge import SESSION_COOKIE
from woaas_core.db.statements import Statement
from woaas_security.sso.saml import verifier as verifying
from woaas_security.sso.saml.messages import Fault, ReadMetadata
from woaas_security.sso.saml.verifier import Verifier

pytestmark = [
    pytest.mark.anyio,
    # They share the process that reads XML.
    pytest.mark.xdist_group("saml"),
    pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="no xmlsec1 here (Debian's package xmlsec1)"),
]
_MEMBERS = Statement.text("SELECT email, roles, state FROM users ORDER BY created_at, id")
_REFUSED = Statement.text(
    "SELECT convert_from(payload, 'utf-8') AS text FROM event WHERE type = 'sso_connection.refused' ORDER BY id"
)
_OTHER = "https://elsewhere.example/console"


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    """The process that reads XML."""
    made = Verifier()
    yield made
    made.close()


@pytest.fixture(scope="module")
def idp() -> Forger:
    """The tenant's own identity provider."""
    return Forger()


@pytest.fixture
async def house(world: World, verifier: Verifier) -> Tenant:
    """A tenant of an installation with SAML."""
    settings = msgspec.structs.replace(world.settings, base_url="http://woaas.test")
    world.app = await create_app(settings, database=world.db, verifier=verifier)
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


async def sign_in_by(
    client: AsyncClient, connection: dict[str, Any], idp: Forger, wanted: str = "/console/orders", **changes: Any
) -> Response:
    """There and back."""
    asked = asked_of(await depart(client, connection, wanted))
    return await bring(client, connection, idp.answer(asked, **changes), asked.relay_state)


class TestWayIn:
    async def test_who_is_new_gets_the_least_role_and_goes_on_to_what_he_wanted(
        self, house: Tenant, idp: Forger
    ) -> None:
        connection = await connect(house, idp)
        async with browser(house) as client:
            asked = asked_of(await depart(client, connection, "/console/orders?tab=late"))
            assert (asked.acs_url, asked.issuer) == (connection["redirect_uri"], connection["metadata_url"])
            assert "ForceAuthn" not in asked.text
            answer = await bring(client, connection, idp.answer(asked), asked.relay_state)
            assert is_in(client, answer)
            assert 'content="0; url=/console/orders?tab=late"' in answer.text
            assert (await client.get("/console/orders")).status_code == 200
        assert await rows(house, _MEMBERS) == [(f"ann@{DOMAIN}", ["operator"], "active")]

    async def test_who_comes_again_is_the_same_and_his_groups_stand_for_roles(self, house: Tenant, idp: Forger) -> None:
        mapped = {"role_claim": "groups", "role_map": {"planners": "planner", "qa": "quality"}}
        connection = await connect(house, idp, **mapped)
        for number, (groups, roles) in enumerate(((("planners", "qa"), ["planner", "quality"]), ((), ["operator"]))):
            async with browser(house) as client:
                email = f"ann{number}@{DOMAIN}"
                assert is_in(client, await sign_in_by(client, connection, idp, groups=groups, email=email))
            assert await rows(house, _MEMBERS) == [(f"ann0@{DOMAIN}", roles, "active")]

    async def test_an_address_may_be_the_name_itself(self, house: Tenant, idp: Forger) -> None:
        connection = await connect(house, idp)
        named = {"subject": f"Bob@{DOMAIN}", "format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"}
        async with browser(house) as client:
            assert is_in(client, await sign_in_by(client, connection, idp, **named, email=""))
        assert (await rows(house, _MEMBERS))[0][0] == f"bob@{DOMAIN}"

    async def test_the_way_back_is_open_to_forms_of_the_provider_only_where_cookies_are_safe(
        self, house: Tenant, idp: Forger, verifier: Verifier
    ) -> None:
        connection = await connect(house, idp)
        here = f"/console/sso/{connection['id']}/start"
        async with browser(house) as client:
            assert "samesite=lax" in (await client.get(here)).headers["set-cookie"].lower()
        settings = msgspec.structs.replace(house.world.settings, base_url="https://woaas.test")
        house.world.app = await create_app(settings, database=house.world.db, verifier=verifier)
        async with browser(house) as client:
            cookie = (await client.get(here)).headers["set-cookie"].lower()
            assert "samesite=none" in cookie
            assert "; secure" in cookie


class TestNotIn:
    async def test_by_a_forged_answer(self, house: Tenant, idp: Forger) -> None:
        connection = await connect(house, idp)
        for name, (forge, reason) in FORGERIES.items():
            async with browser(house) as client:
                asked = asked_of(await depart(client, connection))
                answer = await bring(client, connection, forge(idp, asked), asked.relay_state)
                assert not is_in(client, answer), name
            found = (await rows(house, _REFUSED))[-1][0]
            assert reason in found, (name, found)
        assert len(await rows(house, _REFUSED)) == len(FORGERIES) >= 40
        assert await rows(house, _MEMBERS) == []
        async with browser(house) as client:
            assert is_in(client, await sign_in_by(client, connection, idp))

    async def test_by_an_answer_that_was_used_or_is_of_another_browser(self, house: Tenant, idp: Forger) -> None:
        connection = await connect(house, idp)
        async with browser(house) as client:
            asked = asked_of(await depart(client, connection))
            answer, kept = idp.answer(asked, id="_same"), client.cookies[SSO_COOKIE]
            async with browser(house) as other:
                # Also what a provider sends by itself: nobody has begun.
                assert not is_in(other, await bring(other, connection, answer, asked.relay_state))
                begun = asked_of(await depart(other, connection))
                assert not is_in(other, await bring(other, connection, answer, begun.relay_state))
            assert not is_in(client, await bring(client, connection, answer, "guessed"))
            client.cookies.set(SSO_COOKIE, kept)
            assert is_in(client, await bring(client, connection, answer, asked.relay_state))
            client.cookies.delete(SESSION_COOKIE)
            client.cookies.set(SSO_COOKIE, kept)
            assert not is_in(client, await bring(client, connection, answer, asked.relay_state))
        async with browser(house) as client:
            # A provider that gives its IDs twice.
            assert not is_in(client, await sign_in_by(client, connection, idp, id="_same"))
        reasons = [text for (text,) in await rows(house, _REFUSED)]
        assert len(reasons) == 3
        assert ["another request" in reasons[0], *("used before" in r for r in reasons[1:])] == [True] * 3

    async def test_whoever_the_provider_may_not_vouch_for(self, house: Tenant, idp: Forger) -> None:
        connection = await connect(house, idp)
        strangers = ("eve@rival.example", f"eve@sub.{DOMAIN}", f"eve@{DOMAIN}.rival.example", "")
        for number, email in enumerate(strangers):
            async with browser(house) as client:
                answer = await sign_in_by(client, connection, idp, email=email, id=f"_s{number}")
                assert not is_in(client, answer), email
        assert len(await rows(house, _REFUSED)) == len(strangers)
        assert await rows(house, _MEMBERS) == []

    async def test_by_an_answer_of_another_connection(self, house: Tenant, idp: Forger) -> None:
        mine, other = await connect(house, idp), await connect(house, Forger(entity_id=_OTHER), domains=[])
        async with browser(house) as client:
            asked = asked_of(await depart(client, mine))
            assert not is_in(client, await bring(client, other, idp.answer(asked), asked.relay_state))
        async with browser(house) as client:
            asked = asked_of(await depart(client, other))
            assert not is_in(client, await bring(client, other, idp.answer(asked), asked.relay_state))


class TestMetadata:
    async def test_ours_tells_where_answers_go_and_that_they_are_signed(self, house: Tenant, idp: Forger) -> None:
        connection = await connect(house, idp)
        async with browser(house) as client:
            answer = await client.get(f"/console/sso/{connection['id']}/metadata")
            assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
            for part in (connection["redirect_uri"], connection["metadata_url"], 'WantAssertionsSigned="true"'):
                assert part in answer.text
            assert (await client.get(f"/console/sso/{connection['id'][:-2]}aa/metadata")).status_code == 404

    async def test_theirs_that_cannot_be_used_is_refused_where_it_was_given(self, house: Tenant, idp: Forger) -> None:
        good = idp.metadata()
        weak = Forger(key=rsa.generate_private_key(65537, 1024)).certificate
        wrong = {
            "not XML": "hello",
            "document type": '<!DOCTYPE x [<!ENTITY e "x">]>' + good.partition("?>")[2],
            "too short": idp.metadata(certificate=weak),
            "cannot be read": idp.metadata(certificate=base64.b64encode(b"x").decode()),
            "exactly one": idp.metadata(protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"),
            "no longer valid": idp.metadata(validUntil="2020-01-01T00:00:00Z"),
            "by redirect": good.replace("HTTP-Redirect", "HTTP-POST"),
            "no certificate": good.replace('use="signing"', 'use="encryption"'),
        }
        async with house.client() as api:
            for reason, text in wrong.items():
                body = {"name": "x", "protocol": "saml", "metadata": text}
                refused = await api.post("/v1/sso-connections", json=body)
                assert refused.status_code == 422, reason
                found = refused.json()["errors"][0]
                assert found["pointer"] == "/metadata"
                assert reason in found["detail"], found
            for place in ("http://10.0.0.1/sso", "javascript:alert(1)", "https://a@b.example/"):
                body = {"name": "x", "protocol": "saml", "metadata": idp.metadata(sign_on=place)}
                assert (await api.post("/v1/sso-connections", json=body)).json()["code"] == "ssrf_blocked"

    async def test_new_certificates_come_with_new_metadata_of_the_same_provider(
        self, house: Tenant, idp: Forger
    ) -> None:
        connection, renewed = await connect(house, idp), Forger()
        path = f"/v1/sso-connections/{connection['id']}"
        async with house.client() as api:
            other = await api.patch(path, json={"metadata": Forger(entity_id=_OTHER).metadata()})
            assert other.json()["errors"][0]["pointer"] == "/metadata"
            assert (await api.patch(path, json={"metadata": renewed.metadata()})).status_code == 200
        for by, gets_in in ((idp, False), (renewed, True)):
            async with browser(house) as client:
                assert is_in(client, await sign_in_by(client, connection, by)) == gets_in


class TestDoor:
    async def test_each_protocol_has_its_own_members(self, house: Tenant, idp: Forger) -> None:
        oidc = {"issuer": "https://idp.example", "client_id": "c", "client_secret": "s"}
        wrong = (
            ({"protocol": "saml"}, "/metadata"),
            ({"protocol": "saml", "metadata": idp.metadata(), **oidc}, "/issuer"),
            ({**oidc, "metadata": idp.metadata()}, "/metadata"),
            ({"issuer": "https://idp.example", "client_id": "c"}, "/client_secret"),
        )
        async with house.client() as api:
            for body, pointer in wrong:
                refused = await api.post("/v1/sso-connections", json={"name": "x", **body})
                assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_it_is_closed_to_strangers(self, house: Tenant, idp: Forger) -> None:
        path = f"/v1/sso-connections/{(await connect(house, idp))['id']}"
        rival = await house.world.tenant("Rival")
        async with house.client() as api, rival.client() as theirs, house.client(await house.key("planner")) as planner:
            assert (await api.get(path, headers={"Authorization": ""})).status_code == 401
            assert (await theirs.patch(path, json={"metadata": idp.metadata()})).status_code == 404
            assert (await planner.get(path)).status_code == 403

    async def test_without_it_the_rest_works(self, house: Tenant, idp: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
        connection = await connect(house, idp)
        async with browser(house) as client, house.client() as api:
            asked = asked_of(await depart(client, connection))
            monkeypatch.setattr(verifying.shutil, "which", lambda _: None)
            refused = await api.post("/v1/sso-connections", json={"name": "x", "protocol": "saml", "metadata": "x"})
            assert (refused.status_code, refused.json()["code"]) == (409, "saml_missing")
            answer = await bring(client, connection, idp.answer(asked), asked.relay_state)
            assert (answer.status_code, "SAML is not installed here" in answer.text) == (409, True)
            assert (await api.get("/v1/sso-connections")).status_code == 200


class TestConsole:
    async def test_an_owner_sets_it_up(self, house: Tenant, idp: Forger) -> None:
        async with signed_in(house, "owner") as client:
            typed = {"name": "Factory", "protocol": "saml", "metadata": idp.metadata(), "domains": DOMAIN}
            answer = await submit(client, "/console/sso", back="/console/sso", **typed)
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/sso")
            page = (await client.get("/console/sso")).text
            for part in (ENTITY, "/acs", "/metadata", "SAML 2.0"):
                assert part in page, part


class TestProcess:
    async def test_it_comes_back_after_it_has_died(self, verifier: Verifier) -> None:
        question = ReadMetadata("x", 0.0)
        assert await verifier.ask(question) == Fault("It is not XML.")
        assert verifier._process is not None  # nothing else can kill it
        verifier._process.kill()
        verifier._process.wait()
        assert await verifier.ask(question) == Fault("It is not XML.")
