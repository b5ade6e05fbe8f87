"""Every event of forecasts."""

from woaas_core.events.envelope import event_type

FORECAST_REQUESTED = event_type("forecast.requested", "A forecast from the history of orders was queued.")
FORECAST_MADE = event_type("forecast.made", "Expected demand became virtual work orders.")
FORECAST_FAILED = event_type("forecast.failed", "A forecast could not be computed.")
BUCKET_EXPECTED = event_type("forecast_bucket.expected", "Demand for a product is expected in a period.")
BUCKET_CONSUMED = event_type("forecast_bucket.consumed", "Real orders changed what is left of expected demand.")
BUCKET_ENDED = {
    "released": event_type("forecast_bucket.released", "The virtual order of expected demand became a real one."),
    "cancelled": event_type("forecast_bucket.cancelled", "Expected demand was called off."),
    "superseded": event_type("forecast_bucket.superseded", "A newer forecast replaced expected demand."),
    "lapsed": event_type("forecast_bucket.lapsed", "The period of expected demand is over."),
}
