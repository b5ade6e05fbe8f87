"""Working with orders in the console."""

import pytest
from fixtures.app import Tenant
from fixtures.console import markup, signed_in, submit, token

pytestmark = pytest.mark.anyio

NEW = {
    "product": "CABLE-HEAD",
    "quantity": "12",
    "due_at": "2027-01-05T18:30",
    "priority": "1",
    "operation_name": "Turning",
    "operation_work_centers": "m1, m2",
    "operation_setup_minutes": "15",
    "operation_unit_minutes": "2.5",
}


class TestEntering:
    async def test_the_form_enters_what_was_typed(self, factory: Tenant) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            answer = await submit(client, "/console/orders/new", **NEW, release="1")
            assert answer.status_code == 303, answer.text
            number = answer.headers["location"].rpartition("/")[2]
            made = (await api.get(f"/v1/work-orders/{number}")).json()
            page = await client.get(answer.headers["location"])
        step = made["operations"][0]
        assert (made["state"], made["priority"], made["due_at"]) == ("released", 1, "2027-01-05T18:30:00Z")
        assert (step["work_centers"], step["setup_time"], step["unit_time"]) == (["m1", "m2"], "PT15M", "PT2M30S")
        assert f"Order {number} is entered." in page.text

    async def test_a_notice_is_shown_once(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            place = (await submit(client, "/console/orders/new", **NEW)).headers["location"]
            assert "is entered." in (await client.get(place)).text
            assert "is entered." not in (await client.get(place)).text

    @pytest.mark.parametrize(
        ("wrong", "place"),
        [({"quantity": "0"}, "/quantity"), ({"product": "no spaces"}, "/product"), ({"due_at": "soon"}, "/due_at")],
    )
    async def test_what_is_wrong_is_said_beside_what_was_typed(
        self, factory: Tenant, wrong: dict[str, str], place: str
    ) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            answer = await submit(client, "/console/orders/new", **{**NEW, **wrong})
            assert (await api.get("/v1/work-orders")).json()["data"] == []
        assert answer.status_code == 422
        assert f"<code>{place[1:]}</code>" in answer.text
        assert 'value="m1, m2"' in answer.text
        assert f'value="{wrong.get("product", "CABLE-HEAD")}"' in answer.text


class TestCommands:
    async def test_an_order_goes_all_the_way(self, factory: Tenant) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            place = (await submit(client, "/console/orders/new", **NEW)).headers["location"]
            number = place.rpartition("/")[2]

            async def send(path: str, **fields: str) -> None:
                answer = await submit(client, f"{place}{path}", place, back=place, **fields)
                assert (answer.status_code, answer.headers["location"]) == (303, place)
                assert "is-error" not in (await client.get(place)).text

            await send("/commands", command="release")
            step = (await api.get(f"/v1/work-orders/{number}")).json()["operations"][0]["id"]
            await send(f"/operations/{step}/commands", command="start", operator="ID7")
            await send(f"/operations/{step}/reports", kind="run", good="11", scrap="1", operator="ID7")
            await send(f"/operations/{step}/commands", command="complete")
            await send("/receipts", quantity="11", lot="L-1")
            await send("/commands", command="complete")
            ended = (await api.get(f"/v1/work-orders/{number}")).json()
            page = (await client.get(place)).text
        assert (ended["state"], ended["stage"], ended["operations"][0]["good"]) == ("completed", "done", "11")
        assert "Work reported" in page
        assert "L-1" in page

    async def test_a_refused_command_says_why_and_changes_nothing(self, factory: Tenant) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            place = (await submit(client, "/console/orders/new", **NEW, release="1")).headers["location"]
            path = f"{place}/commands"
            answer = await submit(client, path, place, command="complete", back=place)
            assert answer.headers["location"] == place
            page = await client.get(place)
            assert (await api.get(f"/v1/work-orders/{place.rpartition('/')[2]}")).json()["state"] == "released"
        assert 'class="notice is-error"' in page.text
        assert "not possible while released" in page.text

    async def test_a_role_without_the_command_is_refused(self, factory: Tenant) -> None:
        async with signed_in(factory) as owner, signed_in(factory, "auditor") as auditor:
            place = (await submit(owner, "/console/orders/new", **NEW)).headers["location"]
            data = {"form_token": await token(auditor, place), "command": "release"}
            assert (await auditor.post(f"{place}/commands", data=data)).status_code == 403

    async def test_a_command_that_is_none_is_not_found(self, factory: Tenant) -> None:
        async with signed_in(factory) as client:
            place = (await submit(client, "/console/orders/new", **NEW)).headers["location"]
            for command in ("", "operations", "../market/requests", "explode"):
                data = {"form_token": await token(client, place), "command": command}
                assert (await client.post(f"{place}/commands", data=data)).status_code in (404, 422), command


class TestFiles:
    async def test_they_are_listed_fetched_and_removed_by_those_who_may(self, factory: Tenant) -> None:
        async with factory.client() as api:
            order = (await api.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
            place = f"/console/orders/{order['number']}"
            files = {}
            for access_class in ("general", "confidential"):
                said = {"name": f"{access_class}.txt", "access_class": access_class}
                made = await api.post(f"/v1/work-orders/{order['id']}/attachments", params=said, content=b"hello")
                files[access_class] = made.json()["id"]
        async with signed_in(factory, "operator") as client:
            page = (await client.get(place)).text
            assert ("general.txt" in page, "confidential.txt" in page) == (True, False)
            assert 'data-upload="/v1/attachments"' in page
            assert 'value="confidential"' not in page
            assert f"/attachments/{files['general']}/remove" not in page
            path = f"/v1/attachments/{files['general']}/download"
            # A page of another site cannot send the header, so a link alone does nothing.
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"Woaas-Console": "1"})).content == b"hello"
            sent = await client.post(
                f"/v1/attachments?subject={order['id']}&name=new.txt",
                content=b"new",
                headers={"Woaas-Console": "1", "Content-Type": "text/plain"},
            )
            assert sent.status_code == 201, sent.text
        async with signed_in(factory) as client:
            removed = await submit(client, f"{place}/attachments/{files['general']}/remove", place, reason="wrong")
            assert removed.status_code == 303
            page = (await client.get(place)).text
            assert "The file is removed." in page
            assert ("general.txt" in page, "confidential.txt" in page, "new.txt" in page) == (False, True, True)


class TestList:
    async def test_pages_and_filters_come_as_parts(self, factory: Tenant) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            for i in range(33):
                body = {"product": "P", "quantity": "1", "title": f"Piece {i}", "release": i % 2 == 0}
                assert (await api.post("/v1/work-orders", json=body)).status_code == 201
            first = await client.get("/console/orders")
            more = next(link for link in markup(first).links if "cursor=" in link)
            rest = await client.get(more, headers={"HX-Request": "true", "HX-Target": "more"})
            drafts = await client.get(
                "/console/orders?tab=draft", headers={"HX-Target": "orders", "HX-Request": "true"}
            )
            found = await client.get("/console/orders?q=Piece+7")
        assert first.text.count('class="cover"') == 30
        assert rest.text.count('class="cover"') == 3
        assert "<html" not in rest.text
        assert (drafts.text.count('class="cover"'), "<html" in drafts.text) == (16, False)
        assert found.text.count('class="cover"') == 1

    async def test_late_ones_are_those_past_their_due_time(self, factory: Tenant) -> None:
        async with signed_in(factory) as client, factory.client() as api:
            for title, due in (("Too late", "2020-01-01T00:00:00Z"), ("In time", "2090-01-01T00:00:00Z")):
                body = {"product": "P", "quantity": "1", "title": title, "due_at": due, "release": True}
                assert (await api.post("/v1/work-orders", json=body)).status_code == 201
            text = (await client.get("/console/orders?tab=late")).text
        assert "Too late" in text
        assert "In time" not in text
