"""Single sign-on by SAML 2.0: who gets in, and a corpus of answers that let nobody in."""

import base64
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fixtures.app import Tenant, World
from fixtures.console import browser, signed_in, submit
from fixtures.entries import BY_HAND
from fixtures.providers import DOMAIN, depart
from fixtures.saml import ENTITY, RSA_SHA256, Asked, Forger, asked_of, assertion_of, bring, connect, id_of
from httpx import AsyncClient, Response

from woaas_api.app import create_app
from woaas_api.console.door import SSO_COOKIE
from woaas_api.edge import SESSION_COOKIE
from woaas_core.clock import SystemClock
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
Forge = Callable[[Forger, Asked], str | bytes]

_NOW = SystemClock().now()
_PAST, _FUTURE = _NOW - timedelta(hours=1), _NOW + timedelta(hours=1)
_RSA_SHA1, _SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"
_OTHER = "https://elsewhere.example/console"
_SIGNATURE_END = "</ds:Signature>"


def told(**changes: Any) -> Forge:
    """An answer that is rightly signed and says something wrong."""
    return lambda idp, asked: idp.answer(asked, **changes)


def evil(idp: Forger, asked: Asked) -> str:
    """An assertion that nobody has signed."""
    made = assertion_of(idp.response(asked, id="_evil", subject="eve", email=f"boss@{DOMAIN}"))
    head, _, rest = made.partition("<ds:Signature")
    return head + rest.partition(_SIGNATURE_END)[2]


def bare(assertion: str) -> str:
    """An assertion without its signature."""
    head, _, rest = assertion.partition("<ds:Signature")
    return head + rest.partition(_SIGNATURE_END)[2]


def wrapped(how: Callable[[str, str, str], str]) -> Forge:
    """A good answer, rearranged around one that nobody has signed; ``how`` gets answer, assertion and the other."""

    def forge(idp: Forger, asked: Asked) -> str:
        answer = idp.answer(asked)
        return how(answer, assertion_of(answer), evil(idp, asked))

    return forge


def _xsw1(answer: str, good: str, bad: str) -> str:
    inner = answer[answer.index("<samlp:Response") :].replace('ID="_r1"', 'ID="_r2"')
    moved = good.replace(_SIGNATURE_END, f"<ds:Object>{inner.replace(good, bare(good))}</ds:Object>{_SIGNATURE_END}")
    signature = moved[moved.index("<ds:Signature") : moved.rindex(_SIGNATURE_END) + len(_SIGNATURE_END)]
    return answer.replace(good, bad).replace("<samlp:Status>", f"{signature}<samlp:Status>", 1)


def _xsw2(answer: str, good: str, bad: str) -> str:
    inner = answer[answer.index("<samlp:Response") :].replace('ID="_r1"', 'ID="_r2"')
    return answer.replace(good, bad).replace("<samlp:Status>", f"{inner}<samlp:Status>", 1)


def _signature(good: str) -> str:
    return good[good.index("<ds:Signature") : good.index(_SIGNATURE_END) + len(_SIGNATURE_END)]


def _carrying(good: str, bad: str) -> str:
    """The unsigned assertion with the signed one's signature, and the signed one within that."""
    signature = _signature(good).replace(_SIGNATURE_END, f"<ds:Object>{bare(good)}</ds:Object>{_SIGNATURE_END}")
    return bad.replace("<saml:Subject>", f"{signature}<saml:Subject>", 1)


WRAPPINGS: dict[str, tuple[Forge, str]] = {
    "XSW1": (wrapped(_xsw1), "one response"),
    "XSW2": (wrapped(_xsw2), "one response"),
    "XSW3": (wrapped(lambda a, good, bad: a.replace(good, bad + good)), "exactly one assertion"),
    "XSW4": (
        wrapped(lambda a, good, bad: a.replace(good, bad.replace("</saml:Assertion>", f"{good}</saml:Assertion>"))),
        "exactly one assertion",
    ),
    "XSW5": (
        wrapped(
            lambda a, good, _: a.replace(
                good, good.replace(">ann<", ">eve<", 1) + bare(good).replace(' ID="_a', ' ID="_b')
            )
        ),
        "exactly one assertion",
    ),
    "XSW6": (wrapped(lambda a, good, bad: a.replace(good, _carrying(good, bad))), "exactly one assertion"),
    "XSW7": (
        wrapped(
            lambda a, good, bad: a.replace(
                "<samlp:Status>", f"<samlp:Extensions>{bad}</samlp:Extensions><samlp:Status>"
            )
        ),
        "exactly one assertion",
    ),
    "XSW8": (
        wrapped(
            lambda a, good, bad: a.replace(
                good, good.replace(_SIGNATURE_END, f"<ds:Object>{bad}</ds:Object>{_SIGNATURE_END}")
            )
        ),
        "exactly one assertion",
    ),
    "a signature of another element": (
        wrapped(
            lambda a, good, bad: a.replace(good, bad.replace("<saml:Subject>", _signature(good) + "<saml:Subject>", 1))
        ),
        "of something else",
    ),
    "one ID twice": (
        wrapped(lambda a, _, __: a.replace('ID="_r1"', f'ID="{id_of(a)}"')),
        "one ID twice",
    ),
    "an object in the signature": (
        wrapped(lambda a, _, __: a.replace(_SIGNATURE_END, f"<ds:Object>x</ds:Object>{_SIGNATURE_END}")),
        "something of its own",
    ),
}
FORGERIES: dict[str, tuple[Forge, str]] = {
    **WRAPPINGS,
    "unsigned": (
        lambda idp, asked: idp.response(asked).replace(assertion_of(idp.response(asked)), evil(idp, asked)),
        "no signature",
    ),
    "an empty signature": (lambda idp, asked: idp.response(asked), "cannot be believed"),
    "another's key": (
        lambda idp, asked: idp.sign(idp.response(asked), key=rsa.generate_private_key(65537, 2048)),
        "cannot be believed",
    ),
    "changed after it was signed": (
        lambda idp, asked: idp.answer(asked).replace(f"ann@{DOMAIN}", f"boss@{DOMAIN}"),
        "cannot be believed",
    ),
    "no assertion": (
        lambda idp, asked: idp.answer(asked).replace(assertion_of(idp.answer(asked)), ""),
        "exactly one assertion",
    ),
    "two assertions": (
        lambda idp, asked: (good := idp.answer(asked)).replace(
            assertion_of(good), assertion_of(good) + assertion_of(idp.answer(asked, id="_a2"))
        ),
        "exactly one assertion",
    ),
    "signed by SHA-1": (told(signature_method=_RSA_SHA1), "algorithms"),
    "digested by SHA-1": (told(digest=_SHA1), "algorithms"),
    "alg none": (
        lambda idp, asked: idp.answer(asked).replace(RSA_SHA256, "none"),
        "algorithms",
    ),
    "signed by HMAC": (
        lambda idp, asked: idp.answer(asked).replace(RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        "algorithms",
    ),
    "a transform that hides": (
        lambda idp, asked: idp.answer(asked).replace(
            'Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"',
            'Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"',
        ),
        "algorithms",
    ),
    "encrypted": (
        lambda idp, asked: (good := idp.answer(asked)).replace(
            assertion_of(good), f"<saml:EncryptedAssertion>{assertion_of(good)}</saml:EncryptedAssertion>"
        ),
        "encrypted",
    ),
    "expired": (told(since=_PAST - timedelta(minutes=5), until=_PAST), "time is over"),
    "confirmed for too short": (told(confirmed_until=_PAST), "time is over"),
    "not yet": (told(since=_FUTURE, until=_FUTURE + timedelta(minutes=5)), "has not come"),
    "issued long ago": (told(issued=_PAST), "not issued now"),
    "another audience": (told(audience=_OTHER), "another audience"),
    "another recipient": (told(recipient=_OTHER), "another recipient"),
    "another destination": (told(destination=_OTHER), "sent to somebody else"),
    "another issuer": (told(issuer=f"{ENTITY}/other"), "another provider's"),
    "another issuer of the response": (told(response_issuer=_OTHER), "another provider's"),
    "another request": (told(in_response_to="_guess"), "another request"),
    "an assertion for another request": (told(confirmed_for="_guess"), "another request"),
    "confirmed by holder of key": (told(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), "is confirmed"),
    "not let in": (told(status="urn:oasis:names:tc:SAML:2.0:status:Responder"), "did not let him in"),
    "a name of this time only": (told(format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), "transient"),
    "nobody": (told(subject=""), "names nobody"),
    "a comment in the NameID": (
        lambda idp, asked: idp.answer(asked, subject=f"boss@{DOMAIN}.rival.example").replace(
            f"{DOMAIN}.rival", f"{DOMAIN}<!---->.rival"
        ),
        "a comment",
    ),
    "an element in the NameID": (told(subject=f"boss@{DOMAIN}<x/>.rival.example"), "plain text"),
    "a document type": (
        lambda idp, asked: '<!DOCTYPE x SYSTEM "https://evil.example/x.dtd">' + idp.response(asked),
        "document type",
    ),
    "an external entity": (
        lambda idp, asked: (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + idp.response(asked, subject="&e;")
        ),
        "document type",
    ),
    "billions of laughs": (
        lambda idp, asked: (
            "<!DOCTYPE x ["
            + '<!ENTITY a0 "ha">'
            + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
            + "]>"
            + idp.response(asked, subject="&a9;")
        ),
        "document type",
    ),
    "a processing instruction": (
        lambda idp, asked: '<?xml-stylesheet href="https://evil.example/x.xsl"?>' + idp.response(asked),
        "processing instruction",
    ),
    "another encoding": (lambda idp, asked: idp.response(asked).encode("utf-16"), "UTF-8"),
    "an encoding that is only said": (
        lambda idp, asked: '<?xml version="1.0" encoding="utf-7"?>' + idp.response(asked),
        "UTF-8",
    ),
    "nested without end": (lambda _, __: "<a>" * 10_000 + "</a>" * 10_000, "too deeply"),
    "too long": (lambda idp, asked: idp.answer(asked) + " " * 300_000, "too long"),
    "no XML": (lambda _, __: "hello", "not XML"),
    "nothing": (lambda _, __: "", "no answer"),
}


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
