"""People who joined by single sign-on sign electronically: their identity provider asks them anew."""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fixtures import saml
from fixtures.app import Tenant, World
from fixtures.console import browser, submit
from fixtures.providers import DOMAIN, LyingProvider, come_back, connect, open_loopback, provider, sign_in_by
from httpx import AsyncClient, Response

from woaas_api.console.page import PROOF_COOKIE
from woaas_core.clock import SystemClock

pytestmark = pytest.mark.anyio


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


@pytest.fixture
async def order(house: Tenant) -> str:
    async with house.client() as client:
        return str((await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()["id"])


def now(**ago: int) -> int:
    return int((SystemClock().now() - timedelta(**ago)).timestamp())


async def ask(client: AsyncClient, order: str, meaning: str = "released") -> Response:
    """Begin to sign on the order's page; the answer that leads to the provider."""
    here = f"/console/orders/{order}"
    page = await submit(client, f"{here}/signatures/confirm", here, back=here, subject=order, meaning=meaning)
    found = re.search(r'url=([^"]+)"', page.text)
    assert found, page.text
    return await client.get(found[1].replace("&amp;", "&"))


async def sign(client: AsyncClient, order: str) -> str:
    """Press the last button; what the page says then."""
    here = f"/console/orders/{order}"
    await submit(client, f"{here}/signatures", here, back=here, subject=order, meaning="released")
    return (await client.get(here)).text


async def joined(house: Tenant, idp: LyingProvider) -> dict[str, Any]:
    return await connect(house, idp.issuer, roles=["quality"])


class TestByOpenIDConnect:
    async def test_who_was_asked_anew_signs_and_the_proof_counts_once(
        self, house: Tenant, idp: LyingProvider, order: str
    ) -> None:
        connection = await joined(house, idp)
        async with browser(house) as client:
            await sign_in_by(client, connection, idp)
            assert 'name="password"' not in (await client.get(f"/console/orders/{order}")).text
            location = (await ask(client, order)).headers["location"]
            asked = parse_qs(urlsplit(location).query)
            assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
            back = await come_back(client, connection, idp.authorize(location, auth_time=now()))
            assert f"url=/console/orders/{order}/signatures/confirmed?" in back.text.replace("&amp;", "&")
            proof = client.cookies[PROOF_COOKIE]
            assert "Signed." in await sign(client, order)
            client.cookies.set(PROOF_COOKIE, proof, domain="woaas.test")
            assert "sign anew" in await sign(client, order)
        async with house.client() as api:
            (signature,) = (await api.get(f"/v1/work-orders/{order}")).json()["signatures"]
        assert (signature["method"], signature["signer_name"], signature["state"]) == ("single_sign_on", "Ann", "valid")

    async def test_nobody_gets_a_proof_who_was_not_asked_or_is_somebody_else(
        self, house: Tenant, idp: LyingProvider, order: str
    ) -> None:
        connection = await joined(house, idp)
        wrong: list[dict[str, Any]] = [
            {},
            {"auth_time": now(hours=1)},
            {"auth_time": True},
            {"auth_time": now(), "sub": "bob", "email": f"bob@{DOMAIN}"},
        ]
        async with browser(house) as client:
            await sign_in_by(client, connection, idp)
            for told in wrong:
                answer = idp.authorize((await ask(client, order)).headers["location"], **told)
                assert (await come_back(client, connection, answer)).status_code == 403, told
                assert PROOF_COOKIE not in client.cookies
            assert "sign anew" in await sign(client, order)

    async def test_a_proof_is_for_one_record_as_it_was_and_for_one_session(
        self, house: Tenant, idp: LyingProvider, order: str
    ) -> None:
        connection = await joined(house, idp)
        async with browser(house) as client, house.client() as api:
            other = str((await api.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()["id"])
            await sign_in_by(client, connection, idp)

            async def prove() -> str:
                location = (await ask(client, order)).headers["location"]
                await come_back(client, connection, idp.authorize(location, auth_time=now()))
                return client.cookies[PROOF_COOKIE]

            proof = await prove()
            assert "sign anew" in await sign(client, other)
            async with browser(house) as elsewhere:
                await sign_in_by(elsewhere, connection, idp)
                elsewhere.cookies.set(PROOF_COOKIE, proof, domain="woaas.test")
                assert "sign anew" in await sign(elsewhere, order)
            assert (await api.patch(f"/v1/work-orders/{order}", json={"quantity": "2"})).status_code == 200
            client.cookies.set(PROOF_COOKIE, proof, domain="woaas.test")
            assert "sign anew" in await sign(client, order)
            body = {"subject": order, "meaning": "released", "proof": await prove()}
            assert (await api.post("/v1/signatures", json=body)).status_code == 401
            assert "Signed." in await sign(client, order)

    async def test_the_way_to_the_provider_is_of_the_session_it_was_made_for(
        self, house: Tenant, idp: LyingProvider, order: str
    ) -> None:
        connection = await joined(house, idp)
        async with browser(house) as client, browser(house) as thief:
            await sign_in_by(client, connection, idp)
            here = f"/console/orders/{order}"
            page = await submit(client, f"{here}/signatures/confirm", here, subject=order, meaning="x")
            found = re.search(r'url=([^"]+)"', page.text)
            assert found
            assert (await thief.get(found[1])).status_code == 401
            await sign_in_by(thief, connection, idp, sub="bob", email=f"bob@{DOMAIN}")
            assert (await thief.get(found[1])).status_code == 403
            assert (await client.get(found[1][:-4] + "AAAA")).status_code == 403


@pytest.mark.xdist_group("saml")
@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="no xmlsec1 here (Debian's package xmlsec1)")
async def test_by_saml_the_provider_is_told_to_ask_and_must_have(house: Tenant, order: str) -> None:
    forger = saml.Forger()
    connection = await saml.connect(house, forger, roles=["quality"])
    async with browser(house) as client:
        asked = saml.asked_of((await client.get(f"/console/sso/{connection['id']}/start")).headers["location"])
        await saml.bring(client, connection, forger.answer(asked), asked.relay_state)
        for authenticated, is_signed in ((now(hours=1), False), (now(), True)):
            asked = saml.asked_of((await ask(client, order)).headers["location"])
            assert 'ForceAuthn="true"' in asked.text
            answer = forger.answer(asked, authenticated=authenticated)
            await saml.bring(client, connection, answer, asked.relay_state)
            assert ("Signed." in await sign(client, order)) == is_signed
