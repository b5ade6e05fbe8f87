"""A tenant's own roles, field policies and grants; the class of an order's data on its operations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import isolate

revision = "0013_permissions"
down_revision = "0011_learning"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("inherits", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("permissions", postgresql.JSONB(), nullable=False),
        sa.Column("archived_at", _INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_roles")),
        info={"tenant": True},
    )
    op.create_index("uq_roles_code", "roles", ["tenant_id", "code"], unique=True)
    op.create_table(
        "field_policies",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("data_class", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_field_policies")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_field_policies_role_resource_field_data_class",
        "field_policies",
        ["tenant_id", "role", "resource", "field", "data_class"],
        unique=True,
    )
    op.create_table(
        "grants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_grants")),
        info={"tenant": True},
    )
    op.create_index("ix_grants_expires_at", "grants", ["tenant_id", "expires_at"], unique=False)
    # Nothing ever wrote lines here: policies are said as roles and field policies.
    op.drop_table("permission_policy")
    op.add_column("operations", sa.Column("data_class", sa.Text(), nullable=True))
    op.add_column("operations", sa.Column("export_controlled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("operations", "export_controlled", server_default=None)
    for statement in (
        *isolate("roles", app="SELECT, INSERT, UPDATE"),
        *isolate("field_policies"),
        *isolate("grants", app="SELECT, INSERT, UPDATE"),
        *CLASSIFY,
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what the tenants' own policies hide would be shown")


# The owner of the tables does not see tenants' rows either, unless it is let.
CLASSIFY = (
    "ALTER TABLE work_orders NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE operations NO FORCE ROW LEVEL SECURITY",
    """
    UPDATE operations o SET data_class = w.data_class, export_controlled = w.export_controlled
    FROM work_orders w WHERE w.tenant_id = o.tenant_id AND w.id = o.work_order_id
      AND (w.data_class IS NOT NULL OR w.export_controlled)
    """,
    "ALTER TABLE work_orders FORCE ROW LEVEL SECURITY",
    "ALTER TABLE operations FORCE ROW LEVEL SECURITY",
)
