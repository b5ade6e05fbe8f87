"""Files under orders: what is stored of them, who is told that they are there, and what they do to signatures."""

import base64
import hashlib
import io
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, person
from httpx import AsyncClient, Response

from woaas_api.app import create_app
from woaas_core.db.statements import Statement
from woaas_infra.readers import awaited

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 9_000
ORDER = {"product": "P", "quantity": "5", "release": True, "operations": [{"name": "turn"}, {"name": "mill"}]}


async def an_order(client: AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/work-orders", json={**ORDER, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def attach(
    client: AsyncClient,
    subject: str,
    content: Any = PDF,
    name: str = "plan.pdf",
    access_class: str = "general",
    media_type: str = "application/pdf",
    **headers: str,
) -> Response:
    said = {"subject": subject, "name": name, "access_class": access_class}
    return await client.post(
        "/v1/attachments", params=said, content=content, headers={"Content-Type": media_type, **headers}
    )


async def attached(client: AsyncClient, subject: str, *given: Any, **named: Any) -> dict[str, Any]:
    answer = await attach(client, subject, *given, **named)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def limited(world: World, **limits: int) -> None:
    """Have the app take no more than this."""
    settings = msgspec.structs.replace(world.settings, **limits)
    world.app = await create_app(settings, readers=awaited(settings), database=world.db)


class TestContent:
    async def test_it_comes_back_byte_by_byte_with_its_hash(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            answer = await attach(client, order["number"], name="图纸 1.pdf")
            made = answer.json()
            assert (made["version"], made["state"], made["media_type"]) == (1, "current", "application/pdf")
            assert (made["size_bytes"], made["sha256"]) == (len(PDF), hashlib.sha256(PDF).hexdigest())
            assert (await client.get(answer.headers["location"])).json() == made
            path = f"/v1/attachments/{made['id']}/download"
            whole = await client.get(path)
            assert whole.content == PDF
            digest = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
            assert whole.headers["repr-digest"] == f"sha-256=:{digest}:"
            part = await client.get(path, headers={"Range": "bytes=1048570-1048590"})
            assert (part.status_code, part.content) == (206, PDF[1048570:1048591])
            empty = await attached(client, order["id"], b"", "empty.txt", media_type="text/plain")
            assert (await client.get(f"/v1/attachments/{empty['id']}/download")).content == b""

    async def test_nothing_of_it_runs_in_a_browser(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            for name, kind, content in (
                ("a.html", "text/html", b"<html><script>alert(1)</script>"),
                ("b.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
                ("c.exe", "application/x-msdownload", b"MZ\x90\x00" + bytes(60)),
            ):
                made = await attached(client, order["id"], content, name, media_type=kind)
                answer = await client.get(f"/v1/attachments/{made['id']}/download")
                assert answer.headers["content-type"] == "application/octet-stream"
                assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["content-security-policy"].startswith("sandbox;")

    @pytest.mark.parametrize(
        ("declared", "content"),
        [
            ("image/png", b"GIF89a" + bytes(20)),
            ("application/pdf", b"hello"),
            ("text/plain", b"<!doctype html><script>"),
            ("text/csv", b"\x89PNG\r\n\x1a\n\x00\x00"),
            ("application/step", b"MZ\x90\x00" + bytes(60)),
            ("image/jpeg", b"<svg onload=alert(1)>"),
        ],
    )
    async def test_what_is_not_what_it_says_is_refused(self, factory: Tenant, declared: str, content: bytes) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            answer = await attach(client, order["id"], content, media_type=declared)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "media_type_mismatch")
            assert (await client.get("/v1/attachments")).json()["data"] == []

    @pytest.mark.parametrize(
        ("declared", "content", "kept"),
        [
            ("image/jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg"),
            ("text/csv; charset=utf-8", b"a;b\n1;2\n", "text/csv"),
            ("application/step", b"ISO-10303-21;\nHEADER;", "application/step"),
            ("model/3mf", b"PK\x03\x04" + bytes(60), "model/3mf"),
            ("", b"\x00\x01\x02\x03nothing known", "application/octet-stream"),
        ],
    )
    async def test_what_may_be_what_it_says_is_taken(
        self, factory: Tenant, declared: str, content: bytes, kept: str
    ) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            assert (await attached(client, order["id"], content, media_type=declared))["media_type"] == kept

    async def test_names_are_names_and_no_paths(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            for name in ("", "../x", "a\\b", "a\r\nSet-Cookie: x", "x" * 256):
                assert (await attach(client, order["id"], name=name)).status_code == 422
            quoted = await attached(client, order["id"], name='a"b%.pdf')
            answer = await client.get(f"/v1/attachments/{quoted['id']}/download")
            told = "attachment; filename=\"a_b_.pdf\"; filename*=UTF-8''a%22b%25.pdf"
            assert answer.headers["content-disposition"] == told

    async def test_the_same_name_is_the_next_version_and_earlier_ones_stay(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            first = await attached(client, order["id"])
            second = await attached(client, order["id"], PDF + b"2")
            assert (first["version"], second["version"]) == (1, 2)
            listed = (await client.get(f"/v1/work-orders/{order['id']}/attachments")).json()["data"]
            assert [(a["version"], a["state"]) for a in listed] == [(2, "current"), (1, "superseded")]
            assert (await client.get(f"/v1/attachments/{first['id']}/download")).content == PDF
            for subject, access_class in ((order["operations"][0]["id"], "general"), (order["id"], "confidential")):
                assert (await attached(client, subject, access_class=access_class))["version"] == 1

    async def test_a_repeated_request_is_one_file(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            key = {"Idempotency-Key": "k"}
            once = await attached(client, order["id"], **key)
            again = await attach(client, order["id"], **key)
            assert (again.json(), again.headers["idempotent-replayed"]) == (once, "true")
            assert (await attach(client, order["id"], PDF + b"x", **key)).json()["code"] == "idempotency_key_reused"


class TestLimits:
    async def test_too_large_a_file_is_refused_before_it_is_read(self, world: World, factory: Tenant) -> None:
        await limited(world, attachment_max_bytes=100_000)
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 50_000_000:
                sent += 10_000
                yield bytes(10_000)

        async with factory.client() as client:
            order = await an_order(client)
            answer = await attach(client, order["id"], endless(), media_type="")
            assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
            assert sent <= 130_000
            sent = 0
            stated = await attach(client, order["id"], endless(), media_type="", **{"Content-Length": "50000000"})
            assert (stated.status_code, sent) == (413, 0)

    async def test_who_may_not_attach_sends_nothing(self, factory: Tenant) -> None:
        sent = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal sent
            sent += 1
            yield b"x"

        async with factory.client() as client:
            order = await an_order(client)
            for headers, status in (({"Authorization": ""}, 401), ({}, 404)):
                subject = order["id"] if status == 401 else "wo_00000000000000000000000000"
                answer = await attach(client, subject, counted(), media_type="", **headers)
                assert (answer.status_code, sent) == (status, 0)
        async with factory.client(await factory.key("auditor")) as auditor:
            assert (await attach(auditor, order["id"], counted(), media_type="")).status_code == 403
            assert sent == 0

    async def test_a_tenant_s_files_have_a_limit_together(self, world: World, factory: Tenant) -> None:
        await limited(world, attachment_tenant_bytes=len(PDF) + 10)
        async with factory.client() as client:
            order = await an_order(client)
            made = await attached(client, order["id"])
            refused = await attach(client, order["id"], name="more.pdf")
            assert (refused.status_code, refused.json()["code"]) == (409, "storage_limit_reached")
            await client.post(f"/v1/attachments/{made['id']}/remove", json={})
            await attached(client, order["id"], name="more.pdf")

    async def test_a_bomb_is_what_it_weighs(self, factory: Tenant) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb", "w") as member:
            for _ in range(64):
                member.write(bytes(1 << 20))
        bomb = packed.getvalue()
        async with factory.client() as client:
            order = await an_order(client)
            await attached(client, order["id"], name="first.pdf")
            tracemalloc.start()
            made = await attached(client, order["id"], bomb, "bomb.zip", media_type="application/zip")
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert made["size_bytes"] == len(bomb) < 100_000
        assert peak < 4 << 20

    async def test_a_large_file_is_never_in_memory(self, factory: Tenant) -> None:
        block = bytes(64 << 10)

        async def many() -> AsyncIterator[bytes]:
            for _ in range(320):
                yield block

        async with factory.client() as client:
            order = await an_order(client)
            await attached(client, order["id"], name="first.pdf")
            tracemalloc.start()
            made = await attached(client, order["id"], many(), "large.bin", media_type="")
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert made["size_bytes"] == 20 << 20
        assert peak < 8 << 20


class TestReaders:
    async def test_of_a_closed_class_there_is_nothing(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            order = await an_order(owner)
            seen = await attached(owner, order["id"], name="seen.pdf")
            hidden = await attached(owner, order["id"], name="hidden.pdf", access_class="confidential")
        await factory.world.settle(factory)
        role = {"name": "Floor", "inherits": ["operator"], "permissions": [{"resource": "event", "access": "read"}]}
        async with factory.client() as owner:
            made = await owner.put("/v1/roles/floor", json=role)
            assert made.status_code == 201, made.text
        async with factory.client(await factory.key("floor")) as client:
            for path in ("/v1/attachments", f"/v1/work-orders/{order['id']}/attachments"):
                assert [a["id"] for a in (await client.get(path)).json()["data"]] == [seen["id"]]
            for tail in ("", "/download"):
                answer = await client.get(f"/v1/attachments/{hidden['id']}{tail}")
                missing = await client.get(f"/v1/attachments/att_{'0' * 26}{tail}")
                assert (answer.status_code, answer.json()["code"]) == (404, missing.json()["code"])
            told = {}
            for path in (f"/v1/work-orders/{order['id']}/timeline", "/v1/events?limit=200"):
                told[path] = (await client.get(path)).text
                assert hidden["id"] not in told[path]
                assert seen["id"] in told[path]
            evidence = (await client.get(f"/v1/work-orders/{order['id']}/evidence")).json()
            assert [a["sha256"] for a in evidence["attachments"]] == [seen["sha256"]]
            query = '{ attachments { edges { node { id } } } workOrder(id: "%s") { attachments { id } } }'
            graph = (await client.post("/graphql", json={"query": query % order["id"]})).text
            assert (hidden["id"] in graph, seen["id"] in graph) == (False, True)
            refused = await attach(client, order["id"], access_class="confidential")
            assert (refused.status_code, refused.json()["code"]) == (422, "unknown_field")
            readable_only = await attach(client, order["id"], access_class="drawing")
            assert (readable_only.status_code, readable_only.json()["code"]) == (403, "field_forbidden")

    async def test_policies_and_grants_open_and_close_classes_also_by_class_of_data(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            orders = [await an_order(owner, data_class=name) for name in ("open", "secret")]
            files = [(await attached(owner, o["id"], access_class="drawing"))["id"] for o in orders]
            policy = {"resource": "attachment_class", "field": "drawing", "role": "operator", "access": "none"}
            made = await owner.post("/v1/field-policies", json={**policy, "data_class": "secret"})
            assert made.status_code == 201, made.text
        async with factory.client(await factory.key("operator")) as client:
            assert [a["id"] for a in (await client.get("/v1/attachments")).json()["data"]] == files[:1]
            statuses = [(await client.get(f"/v1/attachments/{f}/download")).status_code for f in files]
            assert statuses == [200, 404]

    async def test_who_does_not_see_the_subject_does_not_see_its_files(self, world: World, factory: Tenant) -> None:
        open_role = {
            "name": "Guest",
            "inherits": ["partner"],
            "permissions": [
                {"resource": "attachment", "access": "read"},
                {"resource": "attachment_class", "access": "read"},
            ],
        }
        out = {"name": "paint", "sourcing": "outsource"}
        async with factory.client() as owner:
            assert (await owner.put("/v1/roles/guest", json=open_role)).status_code == 201
            north = await an_order(owner, site="NORTH", operations=[{"name": "turn"}, out])
            south = await an_order(owner, site="SOUTH", export_controlled=True, operations=[{"name": "turn"}, out])
            files = {}
            for tag, order in (("north", north), ("south", south)):
                files[tag] = [
                    (await attached(owner, subject))["id"]
                    for subject in (order["id"], *(o["id"] for o in order["operations"]))
                ]
            scoped = {"name": "k", "roles": ["supervisor"], "scope": {"sites": ["NORTH"]}}
            key = (await owner.post("/v1/api-keys", json=scoped)).json()["secret"]
        async with factory.client(key) as client:
            listed = (await client.get("/v1/attachments")).json()["data"]
            assert {a["id"] for a in listed} == set(files["north"])
            assert (await client.get(f"/v1/attachments/{files['south'][0]}")).status_code == 404
            assert (await attach(client, south["id"])).status_code == 404
        async with factory.client(await factory.key("guest")) as guest:
            assert [a["id"] for a in (await guest.get("/v1/attachments")).json()["data"]] == [files["north"][2]]
        other = await world.tenant("Other")
        async with other.client() as stranger:
            for path in (f"/v1/attachments/{files['north'][0]}", f"/v1/attachments/{files['north'][0]}/download"):
                assert (await stranger.get(path)).status_code == 404
            assert (await attach(stranger, north["id"])).status_code == 404
            stranger.headers.pop("authorization")
            assert (await stranger.get("/v1/attachments")).status_code == 401

    async def test_reading_a_restricted_class_is_on_record(self, factory: Tenant) -> None:
        async with factory.client() as owner:
            order = await an_order(owner)
            made = await attached(owner, order["id"], access_class="confidential")
            policy = {"resource": "attachment_class", "field": "confidential", "role": "supervisor", "access": "none"}
            assert (await owner.post("/v1/field-policies", json=policy)).status_code == 201
            await owner.get(f"/v1/attachments/{made['id']}/download")
            await factory.world.settle(factory)
            found = (await owner.get("/v1/audit/entries?type=attachment_class.observed")).json()["data"]
        assert [e["data"] for e in found] == [{"ids": [made["id"]], "fields": ["confidential"]}]


class TestRemoval:
    async def test_the_content_is_destroyed_and_the_rest_stays(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            made = await attached(client, order["id"])
            removed = await client.post(f"/v1/attachments/{made['id']}/remove", json={"reason": "wrong file"})
            assert (removed.status_code, removed.json()["state"]) == (200, "removed")
            assert removed.json()["sha256"] == made["sha256"]
            assert (await client.get(f"/v1/attachments/{made['id']}/download")).status_code == 410
            again = await client.post(f"/v1/attachments/{made['id']}/remove", json={})
            assert again.status_code == 409
            entries = (await client.get(f"/v1/work-orders/{order['id']}/timeline")).json()["data"]
            assert [(e["type"], e["reason"]) for e in entries][-1] == ("attachment.removed", "wrong file")
            assert (await attached(client, order["id"]))["version"] == 2
            await client.post(f"/v1/attachments/{(await attached(client, order['id']))['id']}/remove", json={})
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            parts = Statement.text("SELECT count(DISTINCT attachment_id) FROM attachment_parts")
            assert await uow.value(parts) == 1

    async def test_a_legal_hold_keeps_it(self, factory: Tenant) -> None:
        async with factory.client() as client:
            order = await an_order(client)
            made = await attached(client, order["id"])
            hold = {"subject": order["id"], "reason": "dispute"}
            held = (await client.post("/v1/legal-holds", json=hold)).json()
            remove = f"/v1/attachments/{made['id']}/remove"
            refused = await client.post(remove, json={})
            assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
            await client.post(f"/v1/legal-holds/{held['id']}/release")
            assert (await client.post(remove, json={})).status_code == 200


class TestSignatures:
    async def test_a_file_added_or_removed_later_invalidates_them(self, factory: Tenant) -> None:
        signers = [await person(factory, role) for role in ("quality", "supervisor", "owner")]
        async with factory.client() as client:
            order = await an_order(client)
            step = order["operations"][0]["id"]
            drawing = await attached(client, step, access_class="drawing")

            async def sign(signer: str) -> str:
                body = {"meaning": "released", "signer": signer, "password": PASSWORD}
                answer = await client.post(f"/v1/operations/{step}/signatures", json=body)
                assert answer.status_code == 201, answer.text
                return str(answer.json()["id"])

            async def state(signature: str) -> str:
                return str((await client.get(f"/v1/signatures/{signature}")).json()["state"])

            first = await sign(signers[0])
            await attached(client, step, name="measured.pdf", access_class="quality")
            await attached(client, order["operations"][1]["id"])
            assert await state(first) == "valid"
            added = await attach(client, step, PDF + b"2", access_class="drawing")
            assert await state(first) == "invalidated"
            second = await sign(signers[1])
            await client.post(f"/v1/attachments/{added.json()['id']}/remove", json={})
            assert await state(second) == "invalidated"
            third = await sign(signers[2])
            # A former version is of the record no more.
            await client.post(f"/v1/attachments/{drawing['id']}/remove", json={})
            assert await state(third) == "valid"
