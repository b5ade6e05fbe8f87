"""How erasures and legal holds are shown."""

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.erasure.inputs import NewErasure, NewLegalHold
from woaas_work_orders.erasure.models import erasures, legal_holds

ERASURE = Resource(
    "erasure",
    "era",
    erasures,
    (
        Field("id", "id", prefix="era"),
        Field("subject", filterable=True),
        Field("fields", "integer"),
        Field("erased_by"),
        Field("erased_at", "instant", filterable=True),
    ),
    actions=frozenset({"create"}),
    writes=members_of(NewErasure),
)

LEGAL_HOLD = Resource(
    "legal_hold",
    "hld",
    legal_holds,
    (
        Field("id", "id", prefix="hld"),
        Field("subject", filterable=True),
        Field("reason"),
        Field("placed_by"),
        Field("placed_at", "instant", filterable=True),
        Field("released_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "release"}),
    writes=members_of(NewLegalHold),
)
