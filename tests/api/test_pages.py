"""The developers' pages work offline: all they load comes from this server, kept for ever under its present name."""

import re

import pytest
from fixtures.app import Tenant
from woaas_api.console.assets import bundled

from woaas_api import openapi

pytestmark = pytest.mark.anyio


class TestPages:
    @pytest.mark.parametrize(("path", "library"), [("/docs", "docs"), ("/graphql", "explorer")])
    async def test_a_page_loads_its_library_from_here(self, factory: Tenant, path: str, library: str) -> None:
        if f"dist/{library}.js" not in bundled():
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
            for name in ("dist/../../assets.py", "%2e%2e/assets.py", "nothing.js"):
                assert (await client.get(f"/console/static/{bundled().release}/{name}")).status_code == 404
