"""Single sign-on by SAML: what of a provider's metadata is used; connections by OpenID Connect stay as they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032_saml"
down_revision = "0030_attachments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sso_connections", sa.Column("protocol", sa.Text(), nullable=False, server_default="oidc"))
    op.alter_column("sso_connections", "protocol", server_default=None)
    op.add_column("sso_connections", sa.Column("sign_on_url", sa.Text(), nullable=True))
    texts = postgresql.ARRAY(sa.Text())
    op.add_column("sso_connections", sa.Column("certificates", texts, nullable=False, server_default="{}"))
    op.alter_column("sso_connections", "certificates", server_default=None)
    for name in ("client_id", "client_secret"):
        op.alter_column("sso_connections", name, nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM sso_connections WHERE protocol <> 'oidc'")
    for name in ("client_id", "client_secret"):
        op.alter_column("sso_connections", name, nullable=False)
    for name in ("certificates", "sign_on_url", "protocol"):
        op.drop_column("sso_connections", name)
