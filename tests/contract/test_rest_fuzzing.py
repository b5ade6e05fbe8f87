"""Generated requests against the running app: what it answers is what the OpenAPI document says.

The seed is fixed, so that a failure is the same failure for everybody.
"""

import os
from typing import Any

import httpx
import pytest
import schemathesis
from fixtures.live_app import LiveApp
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from woaas_api import openapi

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
config = SchemathesisConfig()
config.projects.default.generation = GenerationConfig(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], deterministic=True, with_security_parameters=False
)
schema = schemathesis.openapi.from_dict(openapi.document(), config=config)


@pytest.fixture(scope="module")
def known_ids(live_app: LiveApp) -> dict[str, str]:
    """An object for each kind of path, so that generated requests also meet something."""
    with httpx.Client(base_url=live_app.url, headers=live_app.headers()) as client:
        order = client.post(
            "/v1/work-orders",
            json={"product": "CABLE", "quantity": "10", "operations": [{"name": "Turn"}, {"name": "Grind"}]},
        ).json()
        client.post(f"/v1/work-orders/{order['id']}/release")
        operation = order["operations"][0]["id"]
        report = client.post(f"/v1/operations/{operation}/reports", json={"kind": "run", "good": "1"}).json()
    return {"work-orders": order["id"], "operations": operation, "reports": report["id"]}


@schema.parametrize()
@settings(
    max_examples=int(os.environ.get("WOAAS_FUZZ_EXAMPLES", "8")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_documented(case: Any, live_app: LiveApp, known_ids: dict[str, str]) -> None:
    kind = case.path.split("/")[2]
    if "key" in case.path_parameters and kind in known_ids and case.meta.generation.mode.is_positive:
        case.path_parameters["key"] = known_ids[kind]
    # A batch is answered; what is wrong with an item stands in the item's own result.
    checks = [c for c in CHECKS if c is not negative_data_rejection] if case.path.endswith("/batch") else CHECKS
    case.call_and_validate(base_url=live_app.url, headers=live_app.headers(), checks=checks, timeout=30)
