"""Master data: a type for each kind, made from what REST takes."""

from typing import Any

from woaas_graphql.nodes import Kind
from woaas_graphql.shapes import members_of, shows
from woaas_graphql.types.links import etag, link
from woaas_solver_farm.figures.pilots import PILOT
from woaas_solver_farm.policies import POLICY
from woaas_solver_farm.scenarios import SCENARIO
from woaas_work_orders.resources.kinds import KINDS, MasterKind


def _master(kind: MasterKind) -> Any:
    members = {n: t for n, t in members_of(kind.body).items() if n != "code"}
    shape = type(kind.body.__name__, (), {"__doc__": kind.body.__doc__, "__annotations__": {"etag": str | None}})
    shape.etag = link(etag, "What `ifMatch` takes")  # type: ignore[attr-defined]
    return shows(Kind(kind.resource), members)(shape)


PUT_BY_CODE = (*KINDS, POLICY, SCENARIO, PILOT)
"""What is put by code: plant and people, what plans are made by, and what is tried."""

MASTER: dict[str, Any] = {kind.name: _master(kind) for kind in PUT_BY_CODE}
