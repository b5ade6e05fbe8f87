"""Every body of the contract, with members that a request may not set: refused, and nothing has changed."""

from typing import Any

import pytest
from fixtures.app import Tenant
from fixtures.crawler import Objects, Operation, operations
from httpx import AsyncClient

from woaas_core.ids import encode_id, uuid7

pytestmark = pytest.mark.anyio

# What an object has and no request sets; ``{id}`` is another tenant's.
FOREIGN: dict[str, Any] = {
    "tenant_id": "{id}",
    "id": "{id}",
    "state": "closed",
    "version": 99,
    "livemode": False,
    "created_at": "2000-01-01T00:00:00Z",
    "__proto__": {"is_owner": True},
}


def bodies() -> list[Operation]:
    return [o for o in operations() if o.method in ("POST", "PUT", "PATCH") and isinstance(o.body, dict)]


async def refused(client: AsyncClient, operation: Operation, path: str, member: str, value: object) -> str | None:
    """What was wrong with the answer, if anything."""
    answer = await client.request(operation.method, path, json={**operation.body, member: value})
    if answer.status_code in (400, 404):
        return None  # a body that is no object, or a path that leads nowhere
    pointers = {e["pointer"].removeprefix("/").partition("/")[0] for e in answer.json().get("errors", ())}
    # The first that does not belong is named; a problem's own example holds one.
    if answer.status_code in (403, 422) and (member in pointers or answer.json()["code"] == "unknown_field"):
        return None
    return f"{operation.method} {operation.path} {member}: {answer.status_code} {answer.text[:200]}"


async def test_members_that_nobody_sets_are_refused_by_name(factory: Tenant) -> None:
    wrong, asked = [], 0
    async with factory.client() as owner:
        order = {"product": "P", "quantity": "1", "operations": [{"name": "Turn"}]}
        made = (await owner.post("/v1/work-orders", json=order)).json()
        other = encode_id("ten", uuid7())
        objects = Objects(owner, 1)
        for operation in bodies():
            properties = operation.accepts
            for path in await objects.filled(operation.path, 1):
                filled = path if "{" not in path else path.format(code="X", key=made["id"])
                for member, value in FOREIGN.items():
                    if member in properties:
                        continue
                    asked += 1
                    given = other if value == "{id}" else value
                    problem = await refused(owner, operation, filled, member, given)
                    wrong += [problem] if problem else []
        after = (await owner.get(f"/v1/work-orders/{made['id']}")).json()
    assert wrong == []
    assert asked > 300
    assert after == made
