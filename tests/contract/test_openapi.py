"""The committed OpenAPI document is the code's, complete, and never takes anything away from clients."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from woaas_api import openapi
from woaas_api.app import ROUTES
from woaas_api.openapi_changes import breaking_changes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(openapi.document())


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


class TestDocument:
    def test_the_committed_document_is_the_generated_one(self) -> None:
        assert openapi.COMMITTED.read_bytes() == openapi.rendered(), "run `make contracts` and commit the result"

    def test_every_route_is_described_under_a_name_of_its_own(self, document: dict[str, Any]) -> None:
        found = operations(document)
        assert len(found) == len(ROUTES)
        assert len({o["operationId"] for o in found}) == len(found)
        assert [o["operationId"] for o in found if not o["summary"]] == []

    def test_every_path_parameter_is_declared(self, document: dict[str, Any]) -> None:
        for path, methods in document["paths"].items():
            for operation in methods.values():
                declared = {p["name"] for p in operation["parameters"] if p.get("in") == "path"}
                assert {part[1:-1] for part in path.split("/") if part.startswith("{")} == declared

    def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        text = json.dumps(document)
        for kind, found in document["components"].items():
            for name in found:
                text = text.replace(f'"$ref": "#/components/{kind}/{name}"', "")
        assert '"$ref"' not in text

    def test_every_post_takes_an_idempotency_key_and_says_what_it_refuses(self, document: dict[str, Any]) -> None:
        key = {"$ref": "#/components/parameters/IdempotencyKey"}
        for methods in document["paths"].values():
            if "post" in methods:
                assert key in methods["post"]["parameters"]
                assert {"400", "401", "403", "409", "413", "415", "422", "429", "503"} <= set(
                    methods["post"]["responses"]
                )

    def test_a_created_order_links_to_its_readings(self, document: dict[str, Any]) -> None:
        links = document["paths"]["/v1/work-orders"]["post"]["responses"]["201"]["links"]
        assert links["get_work_order"]["parameters"] == {"key": "$response.body#/id"}

    def test_nothing_breaks_against_the_last_release(self, document: dict[str, Any]) -> None:
        git = ["git", "-C", str(ROOT)]
        tag = subprocess.run([*git, "describe", "--tags", "--abbrev=0"], capture_output=True, text=True, check=False)
        if tag.returncode:
            pytest.skip("no release yet")
        old = subprocess.run(
            [*git, "show", f"{tag.stdout.strip()}:api/openapi.json"], capture_output=True, text=True, check=False
        )
        if old.returncode:
            pytest.skip("the last release has no document")
        assert breaking_changes(json.loads(old.stdout), document) == []


class TestBreakingChanges:
    """Each change is made to a copy of the real document."""

    def test_no_change_breaks_nothing(self, document: dict[str, Any]) -> None:
        assert breaking_changes(document, copy.deepcopy(document)) == []

    def test_a_removed_operation(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        del new["paths"]["/v1/work-orders"]["post"]
        assert breaking_changes(document, new) == ["POST /v1/work-orders: removed"]

    def test_a_new_operation_and_new_answer_members_are_welcome(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        new["paths"]["/v1/new"] = new["paths"]["/v1/work-orders"]
        new["components"]["schemas"]["WorkOrderView"]["properties"]["colour"] = {"type": "string"}
        new["components"]["schemas"]["NewWorkOrder"]["properties"]["colour"] = {"type": "string"}
        assert breaking_changes(document, new) == []

    def test_a_member_taken_from_an_answer(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        del new["components"]["schemas"]["ReportView"]["properties"]["good"]
        assert "POST /v1/operations/{key}/reports 201/good: removed" in breaking_changes(document, new)

    def test_an_answer_that_may_now_be_null(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        new["components"]["schemas"]["Timeline"]["properties"]["data"] = {"type": "null"}
        assert "GET /v1/work-orders/{key}/timeline 200/data: may now be null" in breaking_changes(document, new)

    def test_a_member_that_is_now_required_of_clients(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        new["components"]["schemas"]["NewWorkOrder"]["required"].append("title")
        assert "POST /v1/work-orders body/title: is now required" in breaking_changes(document, new)

    def test_a_member_no_longer_taken_from_clients(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        del new["components"]["schemas"]["NewWorkOrder"]["properties"]["title"]
        assert "POST /v1/work-orders body/title: no longer taken" in breaking_changes(document, new)

    def test_fewer_values_and_tighter_limits(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        members = new["components"]["schemas"]["NewWorkOrder"]["properties"]
        members["type"]["enum"].remove("service")
        members["priority"]["maximum"] = 3
        found = breaking_changes(document, new)
        assert "POST /v1/work-orders body/type: takes fewer values" in found
        assert "POST /v1/work-orders body/priority: tighter maximum" in found

    def test_a_parameter_that_is_removed_or_now_required(self, document: dict[str, Any]) -> None:
        new = copy.deepcopy(document)
        parameters = new["paths"]["/v1/kpis"]["get"]["parameters"]
        parameters[:] = [p for p in parameters if p.get("name") != "by"]
        next(p for p in parameters if p.get("name") == "names")["required"] = True
        found = breaking_changes(document, new)
        assert "GET /v1/kpis: query parameter 'by' removed" in found
        assert "GET /v1/kpis: query parameter 'names' is now required" in found
