"""What is hidden, foreign or missing is told alike: nobody learns by asking that there is more than he is shown.

With ``WOAAS_CANARY_RESPONSES`` each hidden field is named in every parameter of every list, for every caller.
"""

import os
import re

import pytest
from fixtures.administration import administered
from fixtures.app import World
from fixtures.canaries import Who, aviary
from fixtures.console import PASSWORD, browser, person, submit
from fixtures.crawler import Objects, ids_by_type, operations, pages
from fixtures.probes import (
    Asked,
    foreign_nodes,
    foreign_objects,
    foreign_pages,
    graph_arguments,
    hidden_fields,
    missing,
    own_parameters,
    searches,
)

pytestmark = pytest.mark.anyio

THOROUGHLY = bool(os.environ.get("WOAAS_CANARY_RESPONSES"))
# Operations by the path of an object that takes months, a person with a password or a trained model to make; their
# doors are tested beside what makes them. The index of an entry is no id: both tenants have it.
UNREACHED = {
    "GET /v1/audit/archives/{key}",
    "GET /v1/audit/entries/{index}/inclusion-proof",
    "GET /v1/audit/entries/{index}/tlog-proof",
    "GET /v1/audit/external-entries/{key}",
    "GET /v1/billing/invoices/{key}",
    "GET /v1/duration-models/{key}",
    "POST /v1/duration-models/{key}/promote",
    "POST /v1/duration-models/{key}/retire",
    "POST /v1/duration-models/{key}/rollback",
    "POST /v1/me/sessions/{session}/end",
    "GET /v1/schedules/{key}/moves/{run}",
    "GET /v1/signatures/{key}",
    "GET /v1/tenant/exports/{key}",
    "GET /v1/tenant/exports/{key}/download",
}


async def test_what_one_may_not_know_of_is_told_as_what_is_not_there(world: World) -> None:
    birds = await aviary(world)
    every = operations()
    found: dict[str, Asked] = {}
    stranger = await world.tenant("Strangers")
    email = await person(stranger, "owner")
    async with birds.factory.client() as owner:
        objects = Objects(owner, 2)
        ids = await ids_by_type(owner, objects)
        await administered(owner, objects)
        await world.settle(birds.factory)
        paths = [path for page in pages() for path in await objects.filled_page(page)]
        by_name: dict[str, Who] = {w.name: w for w in birds.people}
        for name in (*by_name,) if THOROUGHLY else ("blind", "partner", "customer"):
            who = by_name[name]
            if who.principal is None:
                continue
            async with birds.factory.client(who.key) as client:
                found[f"fields, {name}"] = await hidden_fields(client, who, objects, every, thoroughly=THOROUGHLY)
                found[f"searches, {name}"] = await searches(client, who, objects, every)
                found[f"arguments, {name}"] = await graph_arguments(client, who)
                if name == "blind":
                    found[f"parameters, {name}"] = await own_parameters(client, objects, every)
        async with stranger.client() as client:
            found["objects"] = await foreign_objects(client, objects, every)
            found["nodes"] = await foreign_nodes(client, ids)
        async with browser(stranger) as client:
            await submit(client, "/console/sign-in", email=email, password=PASSWORD)
            found["pages"] = await foreign_pages(client, paths)
    print({name: asked.pairs for name, asked in found.items()})
    differing = [f"{name}: {line}" for name, asked in found.items() for line in asked.differing]
    assert not differing, "\n".join(["", *differing])
    by_path = {f"{o.method} {o.path}" for o in every if o.parameters}
    unreached = by_path - found["objects"].reached
    assert unreached == UNREACHED, "\n".join(sorted(unreached ^ UNREACHED))
    assert found["fields, blind"].pairs > 500
    assert min(found[name].pairs for name in ("objects", "nodes")) > 80
    assert min(found[name].pairs for name in ("pages", "searches, blind")) > 3


class TestProbes:
    """What the pairs are made of can tell one from the other."""

    def test_what_is_missing_looks_like_what_is_there(self) -> None:
        path = "/v1/sites/zq0001qz/work_orders/wo_0191b1a2c3d4e5f60718293a4b"
        other = missing(path)
        assert other != path
        assert re.sub(r"wo_\w{26}", "wo", other) == "/v1/sites/zx0001xz/work_orders/wo"
