"""Release every draft that is due soon, a few at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

from woaas import AsyncClient


async def main() -> None:
    """Needs WOAAS_API_KEY, and WOAAS_BASE_URL unless the service runs on this machine."""
    soon = datetime.now(UTC) + timedelta(days=2)
    at_once = asyncio.Semaphore(5)

    async with AsyncClient() as client:

        async def release(id: str) -> None:
            async with at_once:
                order = await client.work_orders.release(id, reason="due soon")
                print(order.number, order.state)

        async with asyncio.TaskGroup() as group:
            async for order in client.work_orders.list(state="draft", due_at__lt=soon):
                group.create_task(release(order.id))


if __name__ == "__main__":
    asyncio.run(main())
