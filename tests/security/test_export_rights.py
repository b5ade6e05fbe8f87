"""A bundle holds what its requester may see when it is written, never what he could or could not before."""

import io
import zipfile
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fixtures.app import Tenant, World

import woaas.audit
from woaas_core.clock import SystemClock
from woaas_security.audit import exporting

pytestmark = pytest.mark.anyio
ORDER = {"product": "P", "quantity": "1", "customer": "SECRET-CUSTOMER", "release": True}


async def ask(tenant: Tenant, key: str | None = None, **wanted: object) -> str:
    """Request a bundle; its address."""
    async with tenant.client(key) as client:
        asked = await client.post("/v1/audit/exports", json=wanted)
        assert asked.status_code == 202, asked.text
        return str(asked.headers["location"])


async def fetched(tenant: Tenant, where: str, key: str | None = None, **headers: str) -> Any:
    async with tenant.client(key, **headers) as client:
        return await client.get(f"{where}/download")


async def state(tenant: Tenant, where: str) -> dict[str, Any]:
    async with tenant.client() as client:
        return dict((await client.get(where)).json())


async def with_order(tenant: Tenant) -> None:
    async with tenant.client() as client:
        made = await client.post("/v1/work-orders", json=ORDER)
        assert made.status_code == 201, made.text


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


class TestPresentRights:
    async def test_a_key_revoked_meanwhile_gets_no_bundle(self, world: World, factory: Tenant) -> None:
        await with_order(factory)
        key = await factory.key("auditor")
        where = await ask(factory, key)
        async with factory.client() as client:
            keys = (await client.get("/v1/api-keys")).json()["data"]
            (own,) = (one for one in keys if one["roles"] == ["auditor"])
            assert (await client.post(f"/v1/api-keys/{own['id']}/revoke")).status_code == 200
        await world.settle(factory)
        written = await state(factory, where)
        assert (written["status"], written["sha256"]) == ("failed", None)

    async def test_a_grant_opens_its_fields_in_the_bundle_too(self, world: World, factory: Tenant) -> None:
        await with_order(factory)
        key = await factory.key("auditor")
        async with factory.client() as client:
            until = (SystemClock().now() + timedelta(days=1)).isoformat()
            grant = {"resource": "work_order", "fields": ["customer"], "to": "auditor", "purpose": "audit 2026"}
            given = await client.post("/v1/grants", json={**grant, "expires_at": until})
            assert given.status_code == 201, given.text
        where = await ask(factory, key)
        await world.settle(factory)
        assert b"SECRET-CUSTOMER" in members((await fetched(factory, where, key)).content)["openings.jsonl"]

    async def test_a_key_bound_to_another_customer_meanwhile_gets_none(self, world: World, factory: Tenant) -> None:
        key = await factory.key("auditor")
        where = await ask(factory, key)
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, factory.id, "test")
            await uow.connection.execute("UPDATE api_keys SET customer = 'C-1' WHERE roles = ARRAY['auditor']")
        await world.settle(factory)
        assert (await state(factory, where))["status"] == "failed"

    async def test_another_auditor_does_not_download_what_an_owner_asked_for(
        self, world: World, factory: Tenant
    ) -> None:
        await with_order(factory)
        where = await ask(factory)
        await world.settle(factory)
        assert (await fetched(factory, where, await factory.key("auditor"))).status_code == 404


class TestDownload:
    @pytest.fixture
    async def bundle(self, world: World, factory: Tenant, monkeypatch: pytest.MonkeyPatch) -> str:
        """The address of a bundle of several parts."""
        monkeypatch.setattr("woaas_security.audit.exports.PART_BYTES", 1_000)
        await with_order(factory)
        where = await ask(factory)
        await world.settle(factory)
        return where

    async def test_it_comes_whole_or_in_the_ranges_asked_for(self, factory: Tenant, bundle: str) -> None:
        whole = await fetched(factory, bundle)
        total = len(whole.content)
        assert total > 3_000
        assert (whole.status_code, whole.headers["content-length"]) == (200, str(total))
        digest = f"sha-256=:{b64encode(sha256(whole.content).digest()).decode()}:"
        assert whole.headers["repr-digest"] == digest
        for asked, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=999-1000", 999, 1_001),
            ("bytes=1500-", 1_500, total),
            ("bytes=-700", total - 700, total),
            (f"bytes=2000-{total + 5}", 2_000, total),
        ):
            part = await fetched(factory, bundle, Range=asked)
            assert (part.status_code, part.headers["content-range"]) == (206, f"bytes {start}-{end - 1}/{total}")
            assert (part.content, part.headers["repr-digest"]) == (whole.content[start:end], digest)

    async def test_a_range_of_another_file_or_beyond_the_end(self, factory: Tenant, bundle: str) -> None:
        whole = await fetched(factory, bundle)
        changed = await fetched(factory, bundle, **{"Range": "bytes=5-9", "If-Range": '"another"'})
        assert (changed.status_code, changed.content) == (200, whole.content)
        same = await fetched(factory, bundle, **{"Range": "bytes=5-9", "If-Range": whole.headers["etag"]})
        assert (same.status_code, same.content) == (206, whole.content[5:10])
        beyond = await fetched(factory, bundle, Range=f"bytes={len(whole.content)}-")
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
        assert (await fetched(factory, bundle, Range="lines=1-2")).status_code == 200


class TestFormats:
    @pytest.mark.parametrize(
        ("format", "file"), [("csv", "entries.csv"), ("parquet", "entries.parquet"), ("pdf", "report.pdf")]
    )
    async def test_what_is_derived_agrees_with_the_leaves(
        self, world: World, factory: Tenant, tmp_path: Path, format: str, file: str
    ) -> None:
        async with factory.client() as client:
            order = (await client.post("/v1/work-orders", json=ORDER)).json()
            await client.post(f"/v1/work-orders/{order['id']}/hold", json={"reason": "machine 4 is down"})
        where = await ask(factory, format=format)
        await world.settle(factory)
        (tmp_path / "bundle.zip").write_bytes((await fetched(factory, where)).content)
        report = woaas.audit.verify(tmp_path / "bundle.zip")
        assert report.exit_code == 0, str(report)
        assert report.checkpoints > 0
        content = members((tmp_path / "bundle.zip").read_bytes())[file]
        if format == "parquet":
            content = str(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
        if format != "pdf":
            assert b"SECRET-CUSTOMER" in content
            assert content.count(b"machine 4 is down") == 1
        else:
            assert order["id"].encode() in content


class TestProgress:
    async def test_others_see_how_far_it_is_while_it_is_written(
        self, world: World, factory: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "_PAGE", 4)
        await with_order(factory)
        where = await ask(factory)
        before = await state(factory, where)
        seen: list[dict[str, Any]] = []
        tell = exporting._tell

        async def noted(*told: Any) -> None:
            await tell(*told)
            seen.append(await state(factory, where))
            assert (await fetched(factory, where)).status_code == 503

        monkeypatch.setattr(exporting, "_tell", noted)
        await world.settle(factory)
        after = await state(factory, where)
        assert (before["status"], before["progress"], before["entries_total"]) == ("queued", "0", None)
        total = after["end_index"]
        assert {(one["status"], one["entries_total"]) for one in seen} == {("running", total)}
        assert [one["entries_done"] for one in seen] == list(range(0, total, 4))
        assert float(seen[1]["progress"]) == round(4 / total, 3)
        assert (after["status"], after["progress"], after["entries_done"]) == ("finished", "1", total)
