"""How exports are shown. Each belongs to who asked for it: nobody else sees it, whatever his role."""

from sqlalchemy import ColumnElement, Text, bindparam

from woaas_security.authz.resource import Field, Resource
from woaas_security.exports.models import exports

EXPORT = Resource(
    "export",
    "exp",
    exports,
    (
        Field("id", "id", prefix="exp"),
        Field("resource", filterable=True),
        Field("format", filterable=True),
        Field("filter", "json"),
        Field("fields", "json"),
        Field("status", filterable=True),
        Field("rows", "integer"),
        Field("rows_expected", "integer"),
        Field("sha256"),
        Field("size_bytes", "integer"),
        Field("error"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant"),
        Field("expires_at", "instant"),
    ),
    actions=frozenset({"create", "stop"}),
    # Nobody sees but his own, so that who is limited to a part of the tenant may have some, too.
    is_reference=True,
)


def own() -> ColumnElement[bool]:
    """The condition of every look at exports; its parameter is ``requester``."""
    return exports.c.requester == bindparam("requester", type_=Text)
