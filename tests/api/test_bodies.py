"""Bodies that would cost much to read are refused before they are: packed ones, and those beyond the limit."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from fixtures.app import Tenant

from woaas_api.app import MAX_BODY_BYTES, ROUTES
from woaas_api.uploads import UploadRoute

pytestmark = pytest.mark.anyio
# 50 MB of a JSON text, in 50 KB.
BOMB = gzip.compress(b'{"product": "' + b"A" * 50_000_000 + b'", "quantity": "1"}', 9)
LARGER = ("/v1/solve", "/v1/attachments")
DOORS = {
    "/v1/work-orders": "application/json",
    "/v1/work-orders/batch": "application/json",
    "/v1/solve": "application/json",
    "/v1/exports": "application/json",
    "/v1/attachments?subject=x&name=x": "application/octet-stream",
    "/graphql": "application/json",
    "/oauth/token": "application/x-www-form-urlencoded",
    "/console/sign-in": "application/x-www-form-urlencoded",
}


async def test_nobody_unpacks_a_body(factory: Tenant) -> None:
    packed = (("gzip", BOMB), ("deflate", zlib.compress(b"{}")), ("br", b"\x0b"), ("gzip, gzip", BOMB))
    async with factory.client() as client:
        for path, kind in DOORS.items():
            for coding, content in packed:
                headers = {"Content-Encoding": coding, "Content-Type": kind}
                refused = await client.post(path, content=content, headers=headers)
                assert (refused.status_code, refused.headers["accept-encoding"]) == (415, "identity"), (path, coding)
            headers = {"Content-Encoding": "identity", "Content-Type": kind}
            assert (await client.post(path, content=b"{}", headers=headers)).status_code != 415


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(factory: Tenant) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BODY_BYTES:
            sent += 65_536
            yield b" " * 65_536

    async with factory.client() as client:
        for path, kind in DOORS.items():
            if path.startswith(LARGER):
                continue
            sent, headers = 0, {"Content-Type": kind}
            told = await client.post(path, content=b" " * (MAX_BODY_BYTES + 1), headers=headers)
            streamed = await client.post(path, content=endless(), headers=headers)
            assert (told.status_code, streamed.status_code) == (413, 413), path


def test_only_problems_and_files_may_be_larger() -> None:
    """Files that are attached have a limit of their own, which their tests look at."""
    larger = {route.path for route in ROUTES if route.max_body_bytes is not None or isinstance(route, UploadRoute)}
    assert {path for path in larger if not path.endswith("/attachments")} == {"/v1/solve"}
