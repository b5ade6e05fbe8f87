"""How forecasts and their buckets are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_work_orders.forecasts.models import forecast_buckets, forecasts

FORECAST = Resource(
    "forecast",
    "fct",
    forecasts,
    (
        Field("id", "id", prefix="fct"),
        Field("status", filterable=True),
        Field("method", filterable=True),
        Field("params", "json"),
        Field("fits", "json"),
        Field("error"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant", filterable=True),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"create", "cancel"}),
)

FORECAST_BUCKET = Resource(
    "forecast_bucket",
    "fcb",
    forecast_buckets,
    (
        Field("id", "id", prefix="fcb"),
        Field("state"),
        Field("product"),
        Field("unit"),
        Field("start_at", "instant"),
        Field("end_at", "instant"),
        Field("quantity", "decimal"),
        Field("consumed", "decimal"),
        Field("work_order_id", "id", prefix="wo"),
    ),
)
