"""The developers' pages work offline: all they load comes from this server, kept for ever under its present name."""

import re

import pytest
from fixtures.app import Tenant

from woaas_api import openapi
from woaas_api.static_files import StaticFiles

pytestmark = pytest.mark.anyio


class TestPages:
    @pytest.mark.parametrize(("path", "library"), [("/docs", "docs"), ("/graphql", "explorer")])
    async def test_a_page_loads_its_library_from_here(self, factory: Tenant, path: str, library: str) -> None:
        if StaticFiles().find(f"dist/{library}.js") is None:
            pytest.skip("the browser libraries are not bundled: run `bash api/bundle.sh`")
        async with factory.client() as client:
            page = await client.get(path, headers={"Authorization": ""})
            assert page.status_code == 200
            policy = page.headers["content-security-policy"]
            assert "script-src 'self';" in policy
            assert "default-src 'none'" in policy
            links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert len(links) == 2
            for link in links:
                file = await client.get(link, headers={"Accept-Encoding": "gzip"})
                assert file.status_code == 200
                assert "immutable" in file.headers["cache-control"]
                assert file.headers["content-encoding"] == "gzip"
                assert len(file.content) > 10_000

    async def test_the_document_is_served_as_committed(self, factory: Tenant) -> None:
        async with factory.client() as client:
            served = await client.get("/openapi.json")
        assert served.headers["content-type"] == "application/json"
        assert served.content == openapi.COMMITTED.read_bytes()

    async def test_a_path_outside_of_the_files_is_not_found(self, factory: Tenant) -> None:
        async with factory.client() as client:
            for name in ("dist/../../assets.py", "%2e%2e/page.py", "nothing.js", "dist/.stamp"):
                assert (await client.get(f"/static/{name}")).status_code == 404

    async def test_only_the_present_version_is_kept_for_ever(self, factory: Tenant) -> None:
        async with factory.client() as client:
            old = await client.get("/static/console.css?v=0000")
            assert old.headers["cache-control"] == "public, no-cache"
            again = await client.get("/static/console.css", headers={"If-None-Match": old.headers["etag"]})
            assert again.status_code == 304

    async def test_text_names_its_charset_once(self, factory: Tenant) -> None:
        async with factory.client() as client:
            for path in ("/docs", "/graphql", "/metrics", "/console/sign-in", "/static/console.css"):
                kind = (await client.get(path)).headers["content-type"]
                assert kind.count("charset") == 1, (path, kind)


class TestProblemPages:
    CODES = (
        "unknown_field field_forbidden invalid_transition guard_failed idempotency_key_reused idempotency_in_progress "
        "stale_etag skill_missing tool_missing material_missing four_eyes export_controlled partner_limit wrong_party "
        "capacity_taken spend_limit_reached ssrf_blocked template_invalid infeasible expired rate_limited not_ready "
        "invalid_limit invalid_cursor currency_mismatch not_a_decimal_string"
    )

    @pytest.mark.parametrize("code", CODES.split())
    async def test_each_code_of_the_contract_has_one(self, factory: Tenant, code: str) -> None:
        async with factory.client() as client:
            page = await client.get(f"/problems/{code}", headers={"Accept": "application/json"})
        assert page.status_code == 200
        assert page.json()["code"] == code
        assert page.json()["fix"]
