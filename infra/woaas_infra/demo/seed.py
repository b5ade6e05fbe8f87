"""Seeding: three organisations with their sandboxes, keys and people, and the factory's plant and orders.

Everything goes through the services that requests use, so that seeded data has the same events and audit entries.
One transaction per tenant: a start that is killed half-way leaves whole tenants, and the next start adds the rest.
"""

import secrets
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import encode_id, uuid7
from woaas_core.settings import Settings
from woaas_infra.demo.credentials import Credentials, TenantCredentials, User, read, write
from woaas_infra.demo.orders import ORDERS, DemoOrder
from woaas_infra.demo.partners import offer
from woaas_infra.demo.plant import RECORDS, ZONE
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator, add_user
from woaas_security.permissions.service import BUILT_IN_ROLES
from woaas_security.principal import Principal
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewReport
from woaas_work_orders.orders import creation, service
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.inputs import NewWorkOrder, OperationCommandBody
from woaas_work_orders.resources import service as master_data
from woaas_work_orders.resources.kinds import BY_NAME

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

ORGANISATIONS = {
    "factory": "Precision Bracket Co. 精工小厂",
    "partner": "Harbour Anodising 海港表面处理",
    "partner2": "Delta Machining 德尔塔机加工",
}
_BOUND_CUSTOMER = "ACME"


async def seed(settings: Settings, *, clock: Clock | None = None) -> None:
    """Seed what is missing and write ``credentials.json``; a second run finds everything there."""
    path = settings.home / "credentials.json"
    known = read(path)
    database = await Database.connect(settings.database_url, role=APP, size=1, clock=clock)
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    try:
        tenants = dict(known.tenants) if known else {}
        for label, name in ORGANISATIONS.items():
            if label not in tenants:
                tenants[label] = await _organisation(database, authenticator, label, name)
                write(path, Credentials(settings.url, tenants))
        if known is None or known.base_url != settings.url:
            write(path, Credentials(settings.url, tenants))
    finally:
        await database.close()


async def _organisation(database: Database, authenticator: Authenticator, label: str, name: str) -> TenantCredentials:
    organisation = uuid7()
    async with database.unit_of_work() as uow:
        live = await create_tenant(uow, NewTenant(name, organisation, livemode=True, time_zone=ZONE))
        principal = await authenticator.as_system(uow, live, "seed")
        api_key, role_keys = await _keys(uow, authenticator)
        users = await _users(uow, label)
        if label == "factory":
            await _plant(uow, principal)
            for order in ORDERS:
                await _order(uow, principal, order)
        await offer(uow, principal, label)
    async with database.unit_of_work() as uow:
        await create_tenant(uow, NewTenant(name, organisation, livemode=False, time_zone=ZONE))
        _, test_key = await authenticator.create_key(uow, name="owner", roles=["owner"])
    return TenantCredentials(encode_id("ten", live), api_key, test_key, role_keys, users)


async def _keys(uow: "UnitOfWork", authenticator: Authenticator) -> tuple[str, dict[str, str]]:
    role_keys: dict[str, str] = {}
    for role in sorted(BUILT_IN_ROLES):
        customer = _BOUND_CUSTOMER if role == "customer" else None
        _, role_keys[role] = await authenticator.create_key(uow, name=role, roles=[role], customer=customer)
    return role_keys["owner"], role_keys


async def _users(uow: "UnitOfWork", label: str) -> list[User]:
    users = []
    for role in ("owner", "planner", "auditor") if label == "factory" else ("owner",):
        user = User(f"{role}@{label}.example", secrets.token_urlsafe(9), role)
        await add_user(uow, email=user.email, name=f"{role.capitalize()} Demo", password=user.password, roles=[role])
        users.append(user)
    return users


async def _plant(uow: "UnitOfWork", principal: Principal) -> None:
    for kind_name, records in RECORDS.items():
        kind = BY_NAME[kind_name]
        for code, record in records.items():
            await master_data.put(uow, principal, kind, code, msgspec.convert(record, kind.body), None)


async def _order(uow: "UnitOfWork", principal: Principal, demo: DemoOrder) -> None:
    now = uow.clock.now().replace(minute=0, second=0, microsecond=0)
    body = NewWorkOrder(
        product=demo.product,
        quantity=str(demo.quantity),
        customer=demo.customer,
        priority=demo.priority,
        due_at=None if demo.due_h is None else now + timedelta(hours=demo.due_h),
        release=demo.life != "draft",
    )
    order = await creation.create(uow, principal, body)
    if demo.life == "running":
        await _finish(uow, principal, order, order.operations[0])
        await _start(uow, principal, order, order.operations[1])
    elif demo.life == "completed":
        for operation in list(order.operations):
            await _finish(uow, principal, order, operation)
        order = await service.load(uow, principal, order.head.number, lock=True)
        await service.command(uow, principal, order, "complete")


async def _start(uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation) -> None:
    machine = operation.work_centers[0] if operation.work_centers else None
    body = OperationCommandBody(work_center=machine)
    order, operation = await service.lock_operation(uow, principal, operation.id)
    await service.command_operation(uow, principal, order, operation, "start", body)


async def _finish(uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation) -> None:
    """Start, report all pieces with one in forty scrapped, complete."""
    await _start(uow, principal, order, operation)
    pieces = order.head.quantity
    scrap = pieces // 40
    took = operation.setup_time + operation.unit_time * int(pieces)
    ended = uow.clock.now() - timedelta(hours=2 * (10 - operation.sequence // 10))
    report = NewReport(
        kind="run",
        good=str(pieces - scrap),
        scrap=str(Decimal(scrap)),
        started_at=ended - took,
        ended_at=ended,
    )
    await execution.report(uow, principal, operation.id, report)
    loaded, operation = await service.lock_operation(uow, principal, operation.id)
    await service.command_operation(uow, principal, loaded, operation, "complete", OperationCommandBody())
