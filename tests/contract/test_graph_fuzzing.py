"""Generated queries and mutations against the running app: each error has a code of ours, none is a defect."""

from typing import Any

import schemathesis
from fixtures.live_app import LiveApp
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig, SchemathesisConfig
from schemathesis.graphql import nodes

from woaas_core.errors import catalogue
from woaas_graphql.schema import sdl

SCALARS = {
    "DateTime": ("2026-11-21T08:00:00Z", "tomorrow", ""),
    "Decimal": ("12.50", "1e9", "many"),
    "Duration": ("PT1H30M", "P", "soon"),
    "JSON": ("text", "\u0000"),
}
for name, values in SCALARS.items():
    schemathesis.graphql.scalar(name, st.sampled_from(values).map(nodes.String))
config = SchemathesisConfig()
config.projects.default.generation = GenerationConfig(modes=[GenerationMode.POSITIVE], deterministic=True)
schema = schemathesis.graphql.from_file(sdl(), config=config)


@schema.parametrize()
@settings(max_examples=4, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_error_is_one_of_the_catalogue(case: Any, live_app: LiveApp) -> None:
    response = case.call(base_url=f"{live_app.url}/graphql", headers=live_app.headers(), timeout=30)
    assert response.status_code == 200, response.text
    codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    assert codes <= set(catalogue()) - {"internal"}, (case.body, response.text)
