"""`client.operations` and `client.reports`: the work itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from woaas._endpoint import endpoint, listing
from woaas._modes import Bound, M
from woaas._pagination import Listing, listing_of
from woaas._request import Request, path, post, read, write
from woaas._wire import Filter
from woaas.types.signatures import Signature, SignatureFields
from woaas.types.work_orders import (
    Candidate,
    Command,
    Consumption,
    Correction,
    Inspection,
    NewInspection,
    NewOperation,
    Operation,
    OperationCommand,
    OperationContext,
    Report,
    ReportFields,
)


class Operations(Bound[M]):
    """The steps of work orders."""

    @endpoint
    def get(self, id: str) -> Request[Operation]:
        """One step."""
        return read(path("/v1/operations/{}", id), Operation)

    @listing
    def list(
        self, /, *, limit: int | None = None, cursor: str | None = None, sort: str | None = None, **filters: Filter
    ) -> Listing[Operation]:
        """Steps of all orders by filter: `state="ready"`, `plan_status="overflow"`."""
        return listing_of("/v1/operations", Operation, {"limit": limit, "cursor": cursor, "sort": sort, **filters})

    @endpoint
    def update(self, id: str, **changes: Unpack[NewOperation]) -> Request[Operation]:
        """Change fields of a step."""
        return write("PATCH", path("/v1/operations/{}", id), Operation, changes)

    @endpoint
    def sign(self, id: str, **signature: Unpack[SignatureFields]) -> Request[Signature]:
        """Sign a step."""
        return post(path("/v1/operations/{}/signatures", id), Signature, signature)

    @endpoint
    def start(self, id: str, **command: Unpack[OperationCommand]) -> Request[Operation]:
        """Begin, with `operator` and `work_center` where they are known; the first start makes the order running."""
        return _command(id, "start", command)

    @endpoint
    def pause(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """Stop for now: suspended until `resume`."""
        return _command(id, "pause", command)

    @endpoint
    def resume(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """Go on after `pause` or `hold`."""
        return _command(id, "resume", command)

    @endpoint
    def hold(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """Stop for quality."""
        return _command(id, "hold", command)

    @endpoint
    def complete(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """This step is done."""
        return _command(id, "complete", command)

    @endpoint
    def skip(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """This step is not needed."""
        return _command(id, "skip", command)

    @endpoint
    def cancel(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """End a step nobody has started."""
        return _command(id, "cancel", command)

    @endpoint
    def abort(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """End a step that has been started."""
        return _command(id, "abort", command)

    @endpoint
    def assign(self, id: str, **command: Unpack[OperationCommand]) -> Request[Operation]:
        """Say who does it and where; what is not given stays, None takes it back."""
        return _command(id, "assign", command)

    @endpoint
    def rework(self, id: str, **command: Unpack[Command]) -> Request[Operation]:
        """Have it done again."""
        return _command(id, "rework", command)

    @endpoint
    def kit(self, id: str, lots: Sequence[Consumption], **command: Unpack[Command]) -> Request[Operation]:
        """Put material lots at its disposal."""
        return post(path("/v1/operations/{}/kit", id), Operation, {**command, "lots": lots})

    @endpoint
    def report(self, id: str, **report: Unpack[ReportFields]) -> Request[Report]:
        """Say what was done. The first report starts a ready step; the same `external_ref` again counts once."""
        return post(path("/v1/operations/{}/reports", id), Report, report)

    @listing
    def reports(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Listing[Report]:
        """What was reported on it, newest first."""
        return listing_of(path("/v1/operations/{}/reports", id), Report, {"limit": limit, "cursor": cursor})

    @endpoint
    def context(self, id: str) -> Request[OperationContext]:
        """The step with the one before and the one after, for a terminal."""
        return read(path("/v1/operations/{}/context", id), OperationContext)

    @listing
    def candidates(self, id: str) -> Listing[Candidate]:
        """Where it could be done."""
        return listing_of(path("/v1/operations/{}/candidates", id), Candidate)


class Reports(Bound[M]):
    """Reports already made."""

    @endpoint
    def correct(self, id: str, **correction: Unpack[Correction]) -> Request[Report]:
        """Replace a report by a whole new one that names it in `corrects`."""
        return post(path("/v1/reports/{}/correct", id), Report, correction)


class Inspections(Bound[M]):
    """What was found when work was inspected."""

    @endpoint
    def create(self, **inspection: Unpack[NewInspection]) -> Request[Inspection]:
        """Record that an operation passed or failed."""
        return post("/v1/inspections", Inspection, inspection)

    @listing
    def list(self, /, *, limit: int | None = None, cursor: str | None = None, **filters: Filter) -> Listing[Inspection]:
        """Inspections by filter."""
        return listing_of("/v1/inspections", Inspection, {"limit": limit, "cursor": cursor, **filters})


def _command(id: str, name: str, command: Command) -> Request[Operation]:
    return post(path("/v1/operations/{}/{}", id, name), Operation, command)
