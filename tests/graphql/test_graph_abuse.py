"""Documents made to keep a server busy: each is refused before anything expensive begins.

`python tests/graphql/test_graph_abuse.py` prints the CPU time that each refusal takes.
"""

import asyncio
import time
from typing import Any

import pytest
from strawberry.schema import schema as strawberry_schema
from strawberry.types.execution import PreExecutionError

from woaas_graphql.errors import cause_of
from woaas_graphql.schema import schema

pytestmark = pytest.mark.anyio


def _nested(before: str, inner: str, times: int) -> str:
    return before * times + inner + "}" * times


PAGE = "workOrders(first: 200) { edges { node { id } } }"
SPREADS = " ".join(f"...f{i}" for i in range(120))
UNBOUNDED = {
    "directives on one field": "{ me { id " + "@skip(if: false) " * 300 + "} }",
    "unknown directives": "{ me { id " + "@a " * 900 + "} }",
    "directives on fragments": "{ ...a " + "@include(if: true) " * 200 + "} fragment a on Query { me { id } }",
    "one field again and again": "{ me { " + "id " * 1990 + "} }",
    "one alias again and again": "{ " + "a: me { id } " * 300 + "}",
    "one page again and again": "{ " + f"{PAGE} " * 150 + "}",
    "aliases": "{ " + " ".join(f"a{i}: me {{ id }}" for i in range(300)) + " }",
    "aliases of introspection": "{ " + " ".join(f"a{i}: __typename" for i in range(400)) + " }",
    "depth": "{ " + _nested("workOrder(id: 1) { operations { ", "id", 100) + "}" * 100 + " }",
    "depth of unknown fields": _nested("{ a ", "{ b }", 900),
    "depth of inline fragments": "{ " + _nested("... on Query { ", "me { id }", 600) + " }",
    "depth of an input": "{ workOrder(id: " + "[" * 900 + "]" * 900 + ") { id } }",
    "fragments": "{ me { id } } " + " ".join(f"fragment f{i} on Query {{ me {{ id }} }}" for i in range(150)),
    "fragments that spread all others": "{ ...f0 } "
    + " ".join(f"fragment f{i} on Query {{ {SPREADS} }}" for i in range(10)),
    "tokens": "{ me { id } } " + "# \n" * 10 + "query x { " + "a " * 3_000 + "}",
    "a huge name": "{ " + "a" * 60_000 + " }{",
    "a huge string": '{ workOrder(id: "' + "x" * 400_000 + '") { id } } {',
    "cost": "{ " + " ".join(f"a{i}: {PAGE}" for i in range(10)) + " }",
    "operations": " ".join(f"query q{i} {{ me {{ id }} }}" for i in range(200)),
    "variables": "query (" + " ".join(f"$v{i}: ID = 1" for i in range(300)) + ") { me { id } }",
    "a fragment within itself": "{ ...a } fragment a on Query { ...b } fragment b on Query { me { id } ...a }",
    "introspection within itself": "{ __schema { types { fields { type { fields { type { fields { type { fields "
    "{ type { fields { name } } } } } } } } } } } }",
}
# Those that the rules of the specification would take long for: they are not asked.
BY_SHAPE = [
    name
    for name in UNBOUNDED
    if name.split()[0] in ("directives", "unknown", "one", "aliases", "depth", "fragments", "tokens", "cost")
]


async def refusal(document: str) -> dict[str, Any]:
    """Why a document is not run."""
    result = await schema().execute(document, context_value=None)
    assert isinstance(result, PreExecutionError), "it was run"
    return {"codes": {cause_of(e).code for e in result.errors or ()}, "errors": result.errors}


@pytest.mark.parametrize("name", sorted(UNBOUNDED))
async def test_it_is_refused(name: str) -> None:
    found = await refusal(UNBOUNDED[name])
    assert found["codes"] <= {"query_too_complex", "malformed"}
    assert len(found["errors"]) <= 101


@pytest.mark.parametrize("name", BY_SHAPE)
async def test_no_rule_of_the_specification_is_asked_first(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(*_: object) -> None:
        pytest.fail("validated")

    monkeypatch.setattr(strawberry_schema, "validate", validate)
    assert (await refusal(UNBOUNDED[name]))["codes"] == {"query_too_complex"}


async def test_no_message_names_what_was_not_asked_for() -> None:
    document = '{ workOrder(idd: "x", id: "y") { nunber operations { sequenc } } workOrdrs { id } m: me { nam } }'
    told = " ".join(cause_of(e).detail for e in (await refusal(document))["errors"])
    for name in ("number", "sequence", "workOrders", "name", "Did you mean"):
        assert name not in told


def _measure() -> None:
    async def cpu_ms(document: str) -> float:
        began = time.process_time()
        await refusal(document)
        return (time.process_time() - began) * 1_000

    schema()
    for name, document in UNBOUNDED.items():
        print(f"{asyncio.run(cpu_ms(document)):8.1f} ms  {name}")


if __name__ == "__main__":
    _measure()
