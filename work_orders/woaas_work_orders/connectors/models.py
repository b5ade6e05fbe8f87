"""Tables of connectors: what to follow, and what was heard."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKeyConstraint, Integer, Interval, LargeBinary, Numeric, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

connectors = tenant_table(
    "connectors",
    Column("id", UuidType, nullable=False),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    # Null: the platform's own broker.
    Column("broker", JSONB),
    # The broker's password, sealed under the installation's secret.
    Column("password", LargeBinary),
    # What the own broker keeps of the password it gave out.
    Column("token_hash", LargeBinary),
    Column("sparkplug", Boolean, nullable=False),
    Column("stale_after", Interval),
    Column("tags", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    # From here on it is written by what follows the broker, and no version counts it.
    Column("status", Text, nullable=False),
    instant("last_message_at", nullable=True),
    Column("received", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
    Column("withheld", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("last_error", Text),
    instant("last_error_at", nullable=True),
    Column("self_test", JSONB),
    tenant_index("connectors", "code", unique=True),
)

_OF_CONNECTOR = (["tenant_id", "connector_id"], ["connectors.tenant_id", "connectors.id"])

# The last that was heard of each tag; a counter's own value, from which the next one differs by what was made.
connector_tags = tenant_table(
    "connector_tags",
    Column("connector_id", UuidType, nullable=False),
    Column("tag", Text, nullable=False),
    Column("value", JSONB),
    instant("measured_at", nullable=True),
    instant("seen_at"),
    Column("counter", Numeric),
    instant("counted_at", nullable=True),
    # The last reports that were left out: heard again they are not told of again.
    Column("left_out", JSONB, nullable=False),
    Column("error", Text),
    ForeignKeyConstraint(*_OF_CONNECTOR),
    key=("connector_id", "tag"),
)

# What a Sparkplug node said at its birth: names behind the aliases. Kept, since data that was not yet acknowledged when
# the process ended come again before any new birth.
sparkplug_nodes = tenant_table(
    "sparkplug_nodes",
    Column("connector_id", UuidType, nullable=False),
    Column("node", Text, nullable=False),
    Column("is_online", Boolean, nullable=False),
    Column("bd_seq", BigInteger),
    Column("seq", Integer),
    Column("aliases", JSONB, nullable=False),
    instant("sent_at", nullable=True),
    ForeignKeyConstraint(*_OF_CONNECTOR),
    key=("connector_id", "node"),
)

# What machines last said of a work center, and the state that was written for it: another one now is a person's.
machine_states = tenant_table(
    "machine_states",
    Column("work_center", Text, nullable=False),
    Column("connector_id", UuidType, nullable=False),
    Column("claimed", Text),
    Column("written", Text),
    Column("withheld", Text),
    instant("claimed_at"),
    key=("work_center",),
)
