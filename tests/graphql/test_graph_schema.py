"""The schema is what is committed, and says what REST says."""

import importlib.util
from pathlib import Path
from typing import Any, get_args

import graphql
import msgspec
import pytest
from graphql.utilities import find_breaking_changes
from strawberry.utils.str_converters import to_camel_case

from woaas_api.app import ROUTES
from woaas_api.rest.events import CloudEvent
from woaas_graphql import types
from woaas_graphql.commands import MUTATIONS
from woaas_graphql.schema import COMMITTED, schema, sdl
from woaas_graphql.shapes import kind_of
from woaas_security.authz.resource import Resource

SHAPES = {
    shape.__name__: kind_of(shape).resource
    for shape in (*vars(types).values(), *types.MASTER.values())
    # A move is the answer to a question and has no resource of its own.
    if isinstance(shape, type) and hasattr(shape, "__kind__") and shape is not types.Move
}
# The shapes that REST answers in, by the name of the type in the graph.
VIEWS = {
    "WorkOrder": "get_work_order",
    "Operation": "get_operation",
    "Report": "list_reports",
    "Inspection": "list_inspections",
    "Receipt": "list_receipts",
    "Attachment": "get_attachment",
    "Schedule": "get_schedule",
    "ScheduleRun": "get_schedule_run",
    "Slot": "list_slots",
    "Move": "get_move",
    "Proposal": "get_proposal",
    "Forecast": "get_forecast",
    "DurationModel": "get_duration_model",
    "Listing": "get_listing",
    "MarketRequest": "get_market_request",
    "Contract": "get_contract",
    "Invoice": "get_invoice",
    "UsageEvent": "list_usage_events",
    "AuditEntry": "list_audit_entries",
    "Me": "get_me",
    "SearchHit": "search",
    **{shape.__name__: f"get_{name}" for name, shape in types.MASTER.items()},
}
# What REST has in places of its own: a list below the order, a header.
LINKS = {"operations", "operation", "workOrder", "schedule", "reports", "etag", "lines", "buckets", "changes", "orders"}
LINKS |= {"signatures", "attachments", "signedAtLocal", "completedOrders", "meanDeviationMinutes"}


def members(name: str) -> dict[str, Any]:
    found = schema()._schema.get_type(name)
    assert isinstance(found, graphql.GraphQLObjectType)
    return found.fields


class TestSchema:
    def test_the_committed_schema_is_the_generated_one(self) -> None:
        assert COMMITTED.read_text() == sdl(), "run `make contracts` and commit the result"

    def test_graphql_core_is_not_shadowed_by_the_folder(self) -> None:
        assert graphql.__version__.startswith("3.")
        found = importlib.util.find_spec("graphql")
        assert found is not None
        assert found.origin is not None
        assert Path(found.origin).parent.parent.name == "site-packages"

    def test_the_breaking_change_finder_reads_it(self) -> None:
        old = graphql.build_schema(sdl())
        new = graphql.build_schema(sdl().replace("  serialNumber: String\n", "", 1))
        assert [c.description for c in find_breaking_changes(old, new)] == ["Field Asset.serialNumber was removed."]

    def test_everything_but_ids_may_be_null(self) -> None:
        for name in VIEWS:
            for field, kind in members(name).items():
                assert isinstance(kind.type, graphql.GraphQLNonNull) == (field == "id"), f"{name}.{field}"

    def test_names_are_camel_case(self) -> None:
        for found in schema()._schema.type_map.values():
            if isinstance(found, graphql.GraphQLObjectType) and not found.name.startswith("__"):
                assert [f for f in found.fields if "_" in f] == [], found.name


class TestNoDrift:
    @pytest.mark.parametrize("name", sorted(SHAPES))
    def test_a_type_has_its_resource_s_fields(self, name: str) -> None:
        resource: Resource = SHAPES[name]
        fields = {to_camel_case(f.name) for f in resource.fields} | {"livemode", "maskedFields"}
        assert set(members(name)) - LINKS == fields - LINKS

    @pytest.mark.parametrize("name", sorted(VIEWS))
    def test_a_type_has_the_members_of_rest_s_answer(self, name: str) -> None:
        route = next(r for r in ROUTES if r.name == VIEWS[name])
        # Of a page the members are those of what it lists.
        listed = [f.type for f in msgspec.structs.fields(route.returns) if f.name == "data"]
        shown = get_args(listed[0])[0] if listed else route.returns
        view = {to_camel_case(f.encode_name) for f in msgspec.structs.fields(shown)}
        assert set(members(name)) - LINKS == view - LINKS

    def test_an_event_is_rest_s(self) -> None:
        assert set(members("Event")) == {f.encode_name for f in msgspec.structs.fields(CloudEvent)}

    def test_every_command_of_rest_on_these_nouns_is_a_mutation(self) -> None:
        nouns = {"work-orders": "work_order", "operations": "operation"}
        for route in ROUTES:
            parts = route.path.split("/")[2:]
            is_command = route.method == "POST" and len(parts) == 3 and route.status == 200
            if is_command and parts[0] in nouns:
                assert f"{nouns[parts[0]]}_{parts[2]}" in MUTATIONS, route.path
