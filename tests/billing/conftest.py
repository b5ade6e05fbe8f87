"""Orders through the REST door, as billing meets them."""

from collections.abc import Awaitable, Callable

import pytest
from fixtures.app import Tenant

ORDER = {"product": "CABLE-HEAD", "quantity": "10", "operations": [{"name": "Turn"}], "release": True}
Complete = Callable[[Tenant], Awaitable[str]]


@pytest.fixture
def complete() -> Complete:
    """Enters, works and completes an order; gives its id."""

    async def run(tenant: Tenant) -> str:
        async with tenant.client() as client:
            made = (await client.post("/v1/work-orders", json=ORDER)).json()
            at = f"/v1/operations/{made['operations'][0]['id']}"
            for path in (f"{at}/start", f"{at}/complete", f"/v1/work-orders/{made['id']}/complete"):
                answer = await client.post(path)
                assert answer.status_code == 200, answer.text
        return str(made["id"])

    return run
