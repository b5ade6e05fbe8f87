"""How signatures are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_work_orders.execution.resources import class_of_order
from woaas_work_orders.orders.resources import OF_CUSTOMER, bounds_of_rows, rows_of_orders
from woaas_work_orders.signatures.models import signatures

SIGNATURE = Resource(
    "signature",
    "sig",
    signatures,
    (
        Field("id", "id", prefix="sig"),
        Field("work_order_id", "id", prefix="wo"),
        Field("operation_id", "id", prefix="op"),
        Field("meaning", filterable=True),
        Field("reason"),
        Field("signer_id", "id", prefix="usr"),
        Field("signer_name"),
        Field("method"),
        Field("signed_at", "instant", filterable=True),
        Field("time_zone"),
        Field("scope", filterable=True),
        Field("record_sha256"),
        Field("state", filterable=True),
        Field("invalidated_at", "instant", filterable=True),
        Field("invalidated_by", "id", prefix="evt"),
    ),
    actions=frozenset({"create"}),
    scopes={"customer": lambda _: rows_of_orders(signatures, OF_CUSTOMER)},
    bounds=bounds_of_rows(signatures),
    data_class=class_of_order(signatures),
)
