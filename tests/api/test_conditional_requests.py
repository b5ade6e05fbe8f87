"""ETag, If-Match, If-None-Match: deciding on what one has seen."""

from typing import Any

import pytest
from fixtures.app import Tenant
from httpx import AsyncClient

pytestmark = pytest.mark.anyio
ORDER = {
    "product": "P",
    "quantity": "10.50",
    "custom_fields": {"zebra": 1, "a": None, "mould_no": "M-17", "bb": True},
    "operations": [
        {
            "name": "Turn",
            "materials": [{"material": "BAR", "quantity": "10"}],
            "custom_fields": {"b": 1, "aaa": 2},
        }
    ],
}


@pytest.fixture
async def client(factory: Tenant) -> Any:
    async with factory.client() as client:
        yield client


async def make(client: AsyncClient) -> tuple[str, str]:
    """An order's path and the tag its creation answered with."""
    answer = await client.post("/v1/work-orders", json=ORDER)
    return f"/v1/work-orders/{answer.json()['id']}", answer.headers["etag"]


class TestTags:
    async def test_a_write_answers_with_the_tag_a_read_has(self, client: AsyncClient) -> None:
        """Whatever the database does to the order of members and to decimals."""
        path, tag = await make(client)
        assert (await client.get(path)).headers["etag"] == tag
        for command in ("release", "hold", "resume"):
            tag = (await client.post(f"{path}/{command}")).headers["etag"]
            assert (await client.get(path)).headers["etag"] == tag, command
        changed = await client.patch(
            path, json={"custom_fields": {"zz": 1, "b": 2}, "due_at": "2027-01-01T08:00:00+08:00"}
        )
        assert (await client.get(path)).headers["etag"] == changed.headers["etag"]
        operation = f"/v1/operations/{changed.json()['operations'][0]['id']}"
        for command, body in (("kit", {"lots": [{"lot": "L", "quantity": "10"}]}), ("assign", {"operator": "ANN"}),
                              ("start", {}), ("pause", {}), ("resume", {})):  # fmt: skip
            answer = await client.post(f"{operation}/{command}", json=body)
            assert answer.status_code == 200, answer.text
            assert (await client.get(operation)).headers["etag"] == answer.headers["etag"], command
        patched = await client.patch(operation, json={"unit_time": "PT90M"})
        assert (await client.get(operation)).headers["etag"] == patched.headers["etag"]

    async def test_an_unchanged_object_is_not_sent_again(self, client: AsyncClient) -> None:
        path, tag = await make(client)
        answer = await client.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
        await client.patch(path, json={"priority": 1})
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 200

    async def test_it_is_of_what_the_caller_sees(self, factory: Tenant, client: AsyncClient) -> None:
        path, tag = await make(client)
        async with factory.client(await factory.key("operator")) as operator:
            assert (await operator.get(path)).headers["etag"] != tag


class TestIfMatch:
    async def test_the_present_tag_lets_through_and_an_old_one_does_not(self, client: AsyncClient) -> None:
        path, first = await make(client)
        second = (await client.patch(path, json={"priority": 1}, headers={"If-Match": first})).headers["etag"]
        for method, where, body in (
            ("PATCH", path, {"priority": 2}),
            ("POST", f"{path}/release", {}),
        ):
            answer = await client.request(method, where, json=body, headers={"If-Match": first})
            assert (answer.status_code, answer.json()["code"]) == (412, "stale_etag"), where
        assert (await client.post(f"{path}/release", headers={"If-Match": second})).status_code == 200

    async def test_a_star_and_a_list_of_tags_are_understood(self, client: AsyncClient) -> None:
        path, tag = await make(client)
        assert (await client.patch(path, json={"priority": 1}, headers={"If-Match": "*"})).status_code == 200
        tag = (await client.get(path)).headers["etag"]
        both = {"If-Match": f'"other", {tag}'}
        assert (await client.patch(path, json={"priority": 2}, headers=both)).status_code == 200
        assert (await client.patch(path, json={"priority": 3}, headers={"If-Match": '"other"'})).status_code == 412
        assert (await client.patch(path, json={"priority": 3}, headers={"If-Match": tag.strip('"')})).status_code == 412

    async def test_on_operations(self, client: AsyncClient) -> None:
        path, _ = await make(client)
        order = (await client.post(f"{path}/release")).json()
        operation = f"/v1/operations/{order['operations'][0]['id']}"
        tag = (await client.get(operation)).headers["etag"]
        assert (await client.post(f"{operation}/kit", headers={"If-Match": tag})).status_code == 200
        for method, where in (("POST", f"{operation}/start"), ("PATCH", operation)):
            answer = await client.request(method, where, json={}, headers={"If-Match": tag})
            assert answer.status_code == 412, where

    async def test_on_master_data(self, client: AsyncClient) -> None:
        path = "/v1/work-centers/M1"
        made = await client.put(path, json={"name": "One", "site": "S"})
        tag = made.headers["etag"]
        assert (await client.get(path)).headers["etag"] == tag
        assert (await client.put(path, json={"name": "Two"}, headers={"If-Match": tag})).status_code == 200
        assert (await client.put(path, json={"name": "Three"}, headers={"If-Match": tag})).status_code == 412
        assert (await client.post(f"{path}/archive", headers={"If-Match": tag})).status_code == 412
        assert (await client.get(path)).json()["name"] == "Two"

    async def test_where_there_is_nothing_nothing_matches(self, client: AsyncClient) -> None:
        for tag in ('"x"', "*"):
            answer = await client.put("/v1/work-centers/NEW", json={"name": "N"}, headers={"If-Match": tag})
            assert (answer.status_code, answer.json()["code"]) == (412, "stale_etag")

    async def test_a_stale_one_changes_nothing(self, factory: Tenant, client: AsyncClient) -> None:
        path, _ = await make(client)
        before = (await client.get(path)).json()
        await client.patch(path, json={"title": "x"}, headers={"If-Match": '"old"'})
        await client.post(f"{path}/release", headers={"If-Match": '"old"'})
        assert (await client.get(path)).json() == before


class TestCreateOnly:
    async def test_a_star_in_if_none_match_never_replaces(self, client: AsyncClient) -> None:
        only = {"If-None-Match": "*"}
        assert (await client.put("/v1/sites/S1", json={"name": "One"}, headers=only)).status_code == 201
        again = await client.put("/v1/sites/S1", json={"name": "Two"}, headers=only)
        assert (again.status_code, again.json()["code"]) == (412, "stale_etag")
        assert (await client.get("/v1/sites/S1")).json()["name"] == "One"


class TestIfNoneMatch:
    async def test_a_weakened_tag_one_of_several_and_any_are_304(self, factory: Tenant) -> None:
        async with factory.client() as client:
            tag = (await client.get("/v1/me")).headers["etag"]
            for sent in (tag, f"W/{tag}", f'"other", W/{tag}', "*"):
                assert (await client.get("/v1/me", headers={"If-None-Match": sent})).status_code == 304, sent
            assert (await client.get("/v1/me", headers={"If-None-Match": '"other"'})).status_code == 200


class TestBodiesNameWhatIsNotWritten:
    async def test_a_field_that_is_seen_is_403_and_one_that_is_not_422(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
            for path, name in ((f"/v1/work-orders/{order['id']}", "state"), (f"/v1/work-orders/{order['id']}", "id")):
                answer = await client.patch(path, json={name: "running"})
                assert (answer.status_code, answer.json()["code"]) == (403, "field_forbidden")
                assert answer.json()["errors"][0]["pointer"] == f"/{name}"
            assert (await client.put("/v1/materials/M", json={"version": 2})).status_code == 403
            assert (await client.post("/v1/work-orders", json={"number": "7"})).status_code == 403
            for name in ("nothing", "tenant_id"):
                answer = await client.patch(f"/v1/work-orders/{order['id']}", json={name: 1})
                assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
        async with factory.client(await factory.key("customer", customer="ACME")) as guest:
            answer = await guest.patch(f"/v1/work-orders/{order['id']}", json={"stages": []})
            assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")

    async def test_a_hidden_field_is_unknown_whatever_is_written_into_it(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).json()
        async with factory.client(await factory.key("operator")) as operator:
            for value in ("ACME", 5, None, {"deep": 1}, "x" * 100):
                answer = await operator.patch(f"/v1/work-orders/{order['id']}", json={"customer": value})
                shown = (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["pointer"])
                assert shown == (422, "unknown_field", "/customer"), value
            answer = await operator.patch(f"/v1/work-orders/{order['id']}", json={"title": 5})
            assert answer.json()["code"] == "invalid"
