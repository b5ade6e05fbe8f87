"""Liveness, readiness and metrics."""

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from woaas_api.answers import RawResponse
from woaas_core.db.database import Database
from woaas_core.events.readers import lag as spine_lag

if TYPE_CHECKING:
    from woaas_api.edge import Edge

MAX_LAG_S = 60.0
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """What a process counts; labels are operation names and outcomes, never tenants."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "woaas_request_seconds", "Time to answer", ("operation", "status"), buckets=_BUCKETS, registry=self.registry
        )
        self.errors = Counter("woaas_request_errors", "Answers 5xx", ("operation",), registry=self.registry)
        self.pending = Gauge("woaas_pending_events", "Events without an index yet", registry=self.registry)
        self.oldest = Gauge("woaas_pending_oldest_seconds", "Age of the oldest of them", registry=self.registry)
        self.stalled = Gauge(
            "woaas_stalled_readers", "Reader cursors that wait for an operator", registry=self.registry
        )

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self.seconds.labels(operation, str(status)).observe(seconds)
        if status >= 500:
            self.errors.labels(operation).inc()


def health_handlers(edge: "Edge") -> list[HTTPRouteHandler]:
    """The three paths that need no key."""

    @get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz", include_in_schema=False)
    async def readyz() -> RawResponse:
        reasons = await _reasons(edge.database)
        body = {"status": "not_ready" if reasons else "ready", "reasons": reasons}
        headers = {"Retry-After": "1"} if reasons else {}
        return Response(
            msgspec.json.encode(body),
            status_code=503 if reasons else 200,
            media_type="application/json",
            headers=headers,
        )

    @get("/metrics", include_in_schema=False)
    async def exposition() -> RawResponse:
        async with edge.database.unit_of_work() as uow:
            lag = await spine_lag(uow)
        metrics = edge.metrics
        metrics.pending.set(lag["pending"])
        metrics.oldest.set(lag["oldest_s"])
        metrics.stalled.set(lag["stalled"])
        return Response(
            generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
        )

    return [healthz, readyz, exposition]


async def _reasons(database: Database) -> list[dict[str, Any]]:
    """What keeps the service from being ready; the schema is checked by asking for the newest function."""
    try:
        async with database.unit_of_work() as uow:
            lag = await spine_lag(uow)
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is the reason
        return [{"part": "database", "detail": type(error).__name__}]
    reasons: list[dict[str, Any]] = []
    if lag["oldest_s"] > MAX_LAG_S:
        reasons.append({"part": "sequencer", "detail": f"the oldest pending event is {lag['oldest_s']:.0f} s old"})
    if lag["stalled"]:
        detail = (
            f"{lag['stalled']} reader cursors are stalled; 'woaas-server reader status' says where and why, "
            "'woaas-server reader retry' lets them go on"
        )
        reasons.append({"part": "readers", "detail": detail})
    return reasons
