"""Signing in and out of the console, and what its forms accept."""

import re

import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, signed_in, submit, token

pytestmark = pytest.mark.anyio

_VARYING = re.compile(r'name="form_token" value="[^"]+"|value="[^"@]+@[^"]+"')


class TestSigningIn:
    async def test_the_session_is_out_of_reach_of_scripts_and_other_sites(self, factory: Tenant) -> None:
        email = await person(factory, "owner")
        async with browser(factory) as client:
            answer = await submit(client, "/console/sign-in", email=email, password=PASSWORD)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("woaas_session="))
        assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}

    async def test_a_wrong_password_and_an_unknown_address_look_alike(self, factory: Tenant) -> None:
        email = await person(factory, "owner")
        async with browser(factory) as client:
            wrong = await submit(client, "/console/sign-in", email=email, password="nope")
            unknown = await submit(client, "/console/sign-in", email="who@example.com", password="nope")
        assert wrong.status_code == unknown.status_code == 401
        assert _VARYING.sub("", wrong.text) == _VARYING.sub("", unknown.text)
        assert "is not right" in wrong.text

    @pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/console\\evil", "/v1/me", ""])
    async def test_it_never_leads_out_of_the_console(self, factory: Tenant, wanted: str) -> None:
        email = await person(factory, "owner")
        async with browser(factory) as client:
            answer = await submit(client, "/console/sign-in", email=email, password=PASSWORD, next=wanted)
        assert answer.headers["location"] == "/console"

    async def test_it_goes_on_where_one_wanted_to_be(self, factory: Tenant) -> None:
        email = await person(factory, "owner")
        async with browser(factory) as client:
            stopped = await client.get("/console/orders?tab=late")
            assert stopped.headers["location"] == "/console/sign-in?next=/console/orders%3Ftab%3Dlate"
            form = await token(client, stopped.headers["location"])
            data = {"form_token": form, "email": email, "password": PASSWORD, "next": "/console/orders?tab=late"}
            answer = await client.post("/console/sign-in", data=data)
        assert answer.headers["location"] == "/console/orders?tab=late"


class TestSigningOut:
    async def test_the_session_ends_on_the_server_too(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            kept = client.cookies["woaas_session"]
            answer = await submit(client, "/console/sign-out", "/console/orders")
            assert answer.status_code == 303
            assert "woaas_session" not in client.cookies
            client.cookies.set("woaas_session", kept)
            assert (await client.get("/console/orders")).headers["location"].startswith("/console/sign-in")


class TestForms:
    async def test_without_a_token_nothing_happens(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            order = {"product": "P", "quantity": "1"}
            for forged in ({}, {"form_token": ""}, {"form_token": "AAAA"}, {"form_token": "é" * 80}):
                answer = await client.post("/console/orders/new", data={**order, **forged})
                assert answer.status_code == 403
            assert "No orders yet" in (await client.get("/console/orders")).text

    async def test_a_token_of_another_session_is_refused(self, world: World, factory: Tenant) -> None:
        other = await world.tenant("Other")
        async with signed_in(factory) as mine, signed_in(other) as theirs:
            stolen = await token(theirs, "/console/orders/new")
            answer = await mine.post(
                "/console/orders/new", data={"form_token": stolen, "product": "P", "quantity": "1"}
            )
        assert answer.status_code == 403

    async def test_another_site_cannot_post_even_with_a_token(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            data = {"form_token": await token(client, "/console/orders/new"), "product": "P", "quantity": "1"}
            for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
                assert (await client.post("/console/orders/new", data=data, headers=headers)).status_code == 403
            assert (await client.post("/console/orders/new", data=data)).status_code == 303

    async def test_only_plain_forms_are_read(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            form = await token(client, "/console/orders/new")
            answer = await client.post("/console/orders/new", json={"form_token": form, "product": "P"})
        assert answer.status_code == 415

    async def test_the_session_does_not_open_the_api_to_other_sites(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            assert (await client.get("/v1/me")).status_code == 401
            assert (await client.get("/v1/me", headers={"Woaas-Console": "1"})).status_code == 200
