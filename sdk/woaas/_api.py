"""Every noun of the service in one place, in whichever mode the client has."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Self

from ._endpoint import endpoint, listing
from ._modes import Bound, M
from ._pagination import Listing, listing_of
from ._request import Request, read, write
from ._transport import Executor
from ._wire import Instant
from .resources.access import APIKeys, Members
from .resources.attachments import Attachments
from .resources.audit import Audit
from .resources.billing import Billing
from .resources.events import Events
from .resources.exports import Exports
from .resources.figures import Alerts, Pilots
from .resources.graphql import GraphQLResult
from .resources.graphql import document as graphql_document
from .resources.learning import DurationModels, Forecasts, Proposals
from .resources.machines import Connectors
from .resources.market import Market
from .resources.oauth import OAuthClients
from .resources.operations import Inspections, Operations, Reports
from .resources.permissions import FieldPolicies, Grants, Roles
from .resources.plant import (
    Assets,
    Calendars,
    Customers,
    Lines,
    MaterialLots,
    Materials,
    Operators,
    Routings,
    SetupMatrices,
    Sites,
    Tools,
    WorkCenters,
)
from .resources.promises import Promises
from .resources.records import AuditSources, Erasures, ExternalEntries, LegalHolds
from .resources.schedules import Policies, Scenarios, ScheduleRuns, Schedules, SolveRun, solve_handle
from .resources.sign_on import SSOConnections
from .resources.signatures import Signatures
from .resources.tenant import TenantDeletions, TenantExports
from .resources.webhooks import WebhookEndpoints
from .resources.work_orders import WorkOrders
from .types.access import Kpi, Me
from .types.search import Found


class API(Bound[M]):
    """Every noun of the service, in one mode."""

    @endpoint
    def me(self) -> Request[Me]:
        """Who the key belongs to and what it may do."""
        return read("/v1/me", Me)

    @listing
    def kpis(
        self,
        names: Sequence[str] = (),
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        by: str | None = None,
        compare_since: Instant | None = None,
        compare_until: Instant | None = None,
    ) -> Listing[Kpi]:
        """Figures such as `yield` over `[since, until)`, with numerator and denominator; all of them unless named.

        `by` is `work_center`, `policy_version` or `duration_model_version`. With a second window each figure also says
        what it was there.
        """
        window = {"from": since, "to": until, "compare_from": compare_since, "compare_to": compare_until}
        return listing_of("/v1/kpis", Kpi, {"names": names or None, "by": by, **window})

    @endpoint
    def search(self, q: str, *, kinds: Sequence[str] = (), limit: int | None = None) -> Request[Found]:
        """Work orders, operations and master data with a text in what this client may read."""
        return read("/v1/search", Found, {"q": q, "kinds": ",".join(kinds) or None, "limit": limit})

    @endpoint
    def solve(self, problem: Mapping[str, object], *, idempotency_key: str | None = None) -> Request[SolveRun[M]]:
        """Solve a scheduling problem of one's own; `run.wait().result` holds the assignments."""
        body = {**problem, "idempotency_key": idempotency_key}
        return write("POST", "/v1/solve", solve_handle(self._executor), body, by_name=False)

    @endpoint
    def graphql(self, query: str, variables: Mapping[str, object] | None = None) -> Request[GraphQLResult]:
        """Run a GraphQL document.

        Raises:
            GraphQLError: there are errors and no data.
        """
        return graphql_document(query, variables)

    @cached_property
    def work_orders(self) -> WorkOrders[M]:
        """Work orders."""
        return WorkOrders(self._executor)

    @cached_property
    def operations(self) -> Operations[M]:
        """The steps of work orders."""
        return Operations(self._executor)

    @cached_property
    def reports(self) -> Reports[M]:
        """Reports already made."""
        return Reports(self._executor)

    @cached_property
    def inspections(self) -> Inspections[M]:
        """What was found when work was inspected."""
        return Inspections(self._executor)

    @cached_property
    def audit_sources(self) -> AuditSources[M]:
        """Keys of other systems that may append entries to the log."""
        return AuditSources(self._executor)

    @cached_property
    def external_entries(self) -> ExternalEntries[M]:
        """Entries of other systems in the log."""
        return ExternalEntries(self._executor)

    @cached_property
    def erasures(self) -> Erasures[M]:
        """Destroyed values of persons."""
        return Erasures(self._executor)

    @cached_property
    def legal_holds(self) -> LegalHolds[M]:
        """What must not be erased or removed."""
        return LegalHolds(self._executor)

    @cached_property
    def signatures(self) -> Signatures[M]:
        """Who stands behind a record."""
        return Signatures(self._executor)

    @cached_property
    def attachments(self) -> Attachments[M]:
        """Files under work orders and operations."""
        return Attachments(self._executor)

    @cached_property
    def schedule_runs(self) -> ScheduleRuns[M]:
        """Runs that make plans."""
        return ScheduleRuns(self._executor)

    @cached_property
    def connectors(self) -> Connectors[M]:
        """Where machine data comes from."""
        return Connectors(self._executor)

    @cached_property
    def promises(self) -> Promises[M]:
        """When an order could be done, and capacity held for it."""
        return Promises(self._executor)

    @cached_property
    def schedules(self) -> Schedules[M]:
        """Plans."""
        return Schedules(self._executor)

    @cached_property
    def duration_models(self) -> DurationModels[M]:
        """What closed operations taught about how long work takes."""
        return DurationModels(self._executor)

    @cached_property
    def policies(self) -> Policies[M]:
        """What plans minimise."""
        return Policies(self._executor)

    @cached_property
    def scenarios(self) -> Scenarios[M]:
        """What-ifs over the live plant."""
        return Scenarios(self._executor)

    @cached_property
    def proposals(self) -> Proposals[M]:
        """New plans that delays and breakdowns led to."""
        return Proposals(self._executor)

    @cached_property
    def pilots(self) -> Pilots[M]:
        """Parts of the plant tried for a time."""
        return Pilots(self._executor)

    @cached_property
    def alerts(self) -> Alerts[M]:
        """What needs a person."""
        return Alerts(self._executor)

    @cached_property
    def forecasts(self) -> Forecasts[M]:
        """Expected demand as virtual work orders."""
        return Forecasts(self._executor)

    @cached_property
    def market(self) -> Market[M]:
        """The capacity market."""
        return Market(self._executor)

    @cached_property
    def billing(self) -> Billing[M]:
        """Usage and invoices."""
        return Billing(self._executor)

    @cached_property
    def audit(self) -> Audit[M]:
        """The tenant's log."""
        return Audit(self._executor)

    @cached_property
    def events(self) -> Events[M]:
        """The tenant's events."""
        return Events(self._executor)

    @cached_property
    def webhook_endpoints(self) -> WebhookEndpoints[M]:
        """Addresses that events are sent to."""
        return WebhookEndpoints(self._executor)

    @cached_property
    def members(self) -> Members[M]:
        """People of the tenant."""
        return Members(self._executor)

    @cached_property
    def api_keys(self) -> APIKeys[M]:
        """Keys of the tenant."""
        return APIKeys(self._executor)

    @cached_property
    def oauth_clients(self) -> OAuthClients[M]:
        """Applications that sign people in, or act by themselves."""
        return OAuthClients(self._executor)

    @cached_property
    def sso_connections(self) -> SSOConnections[M]:
        """Identity providers that people sign in by."""
        return SSOConnections(self._executor)

    @cached_property
    def roles(self) -> Roles[M]:
        """Roles, built-in and the tenant's own."""
        return Roles(self._executor)

    @cached_property
    def field_policies(self) -> FieldPolicies[M]:
        """How far roles get with single fields."""
        return FieldPolicies(self._executor)

    @cached_property
    def grants(self) -> Grants[M]:
        """Fields opened for a purpose and a time."""
        return Grants(self._executor)

    @cached_property
    def tenant_exports(self) -> TenantExports[M]:
        """Everything of the tenant in one file."""
        return TenantExports(self._executor)

    @cached_property
    def tenant_deletion(self) -> TenantDeletions[M]:
        """The end of the tenant."""
        return TenantDeletions(self._executor)

    @cached_property
    def exports(self) -> Exports[M]:
        """Files of many objects."""
        return Exports(self._executor)

    @cached_property
    def sites(self) -> Sites[M]:
        """Sites."""
        return Sites(self._executor)

    @cached_property
    def lines(self) -> Lines[M]:
        """Lines."""
        return Lines(self._executor)

    @cached_property
    def work_centers(self) -> WorkCenters[M]:
        """Work centers."""
        return WorkCenters(self._executor)

    @cached_property
    def calendars(self) -> Calendars[M]:
        """Working calendars."""
        return Calendars(self._executor)

    @cached_property
    def operators(self) -> Operators[M]:
        """Operators."""
        return Operators(self._executor)

    @cached_property
    def tools(self) -> Tools[M]:
        """Tools."""
        return Tools(self._executor)

    @cached_property
    def setup_matrices(self) -> SetupMatrices[M]:
        """Setup matrices."""
        return SetupMatrices(self._executor)

    @cached_property
    def materials(self) -> Materials[M]:
        """Materials and products."""
        return Materials(self._executor)

    @cached_property
    def material_lots(self) -> MaterialLots[M]:
        """Material lots."""
        return MaterialLots(self._executor)

    @cached_property
    def routings(self) -> Routings[M]:
        """Routings."""
        return Routings(self._executor)

    @cached_property
    def customers(self) -> Customers[M]:
        """Customers."""
        return Customers(self._executor)

    @cached_property
    def assets(self) -> Assets[M]:
        """Assets under maintenance."""
        return Assets(self._executor)

    def _on(self, executor: Executor[M]) -> Self:
        """A copy on the same connections whose nouns, cached in this one, are made anew."""
        twin = copy.copy(self)
        for name in list(vars(self)):
            if isinstance(inspect.getattr_static(type(self), name, None), cached_property):
                del twin.__dict__[name]
        twin.__dict__["_executor"] = executor
        return twin
