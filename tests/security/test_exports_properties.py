"""Whatever the policies, a file has the columns and the values that the list shows to its requester."""

import random
from typing import Any

import pytest
from fixtures.app import Tenant
from fixtures.exports import exported, objects, parquet, table

pytestmark = pytest.mark.anyio
FIELDS = (
    "number",
    "title",
    "product",
    "customer",
    "priority",
    "due_at",
    "custom_fields",
    "custom_fields.mould",
    "state",
)
LEVELS = ("none", "masked", "read")
CLASSES = (None, None, "secret", "open")
ROUNDS = 8


async def test_a_file_has_what_the_list_shows_under_any_policies(factory: Tenant) -> None:
    chance = random.Random(29)
    key = await factory.key("planner")
    async with factory.client() as owner, factory.client(key) as planner:
        for n, data_class in enumerate((None, "secret", "open", "other")):
            order = {"product": f"P-{n}", "quantity": str(n + 1), "customer": f"C-{n}", "data_class": data_class,
                     "custom_fields": {"mould": f"M-{n}", "other": n}}  # fmt: skip
            assert (await owner.post("/v1/work-orders", json=order)).status_code == 201
        for _ in range(ROUNDS):
            policy = {"resource": "work_order", "role": "planner", "field": chance.choice(FIELDS)}
            policy |= {"access": chance.choice(LEVELS), "data_class": chance.choice(CLASSES)}
            await owner.post("/v1/field-policies", json=policy)
            shown = [_plain(one) for one in (await planner.get("/v1/work-orders")).json()["data"]]
            assert objects(await exported(factory, planner)) == shown
            seen = {name for one in shown for name in one}
            for rows in (parquet(await exported(factory, planner, format="parquet")),
                         table(await exported(factory, planner, format="csv"))):  # fmt: skip
                # A column that no object shows is there at most for the names of what is masked.
                assert set(rows[0]) - seen <= {"masked_fields"}
                for one, row in zip(shown, rows, strict=True):
                    assert {n for n, v in row.items() if v not in (None, "")} <= {
                        n for n, v in one.items() if v is not None
                    }
                    assert str(row["id"]) == one["id"]


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in one.items() if n != "signatures"}
