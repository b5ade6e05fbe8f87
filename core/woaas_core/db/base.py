"""The metadata all tables share and the shape of a tenant table."""

from sqlalchemy import Column, DateTime, Index, Label, MetaData, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def tenant_table(name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",)) -> Table:
    """A table whose rows belong to one tenant: ``tenant_id`` leads its key, row-level security guards it.

    Unique constraints, indexes and foreign keys given in ``items`` must lead with ``tenant_id`` too, since a
    constraint across tenants would tell one tenant of another's values; a test over the catalogue checks it.
    """
    return Table(
        name,
        metadata,
        Column("tenant_id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("tenant_id", *key),
        info={"tenant": True},
    )


def instant(name: str, *, nullable: bool = False) -> "Column[object]":
    """A point in time, stored with its zone and read back as aware UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def trigram_index(table: str, *texts: str | Label[str], led_by: tuple[str, ...] = ()) -> Index:
    """An index by which what is in the middle of texts is found within a tenant, or what else it is ``led_by``."""
    ops = {text if isinstance(text, str) else str(text.name): "gin_trgm_ops" for text in texts}
    columns = ("tenant_id", *led_by, *texts)
    return Index(f"ix_{table}_searched", *columns, postgresql_using="gin", postgresql_ops=ops)


def tenant_index(table: str, *columns: str, unique: bool = False) -> Index:
    """An index that leads with the tenant."""
    return Index(f"{'uq' if unique else 'ix'}_{table}_{'_'.join(columns)}", "tenant_id", *columns, unique=unique)
