"""A first order, from the draft to the plan."""

from datetime import UTC, datetime, timedelta

from woaas import Client, ConflictError


def main() -> None:
    """Needs WOAAS_API_KEY, and WOAAS_BASE_URL unless the service runs on this machine."""
    with Client(read_your_writes=True) as client:
        client.materials.put("CABLE-HEAD", name="Cable head", unit="pcs")
        client.work_centers.put("machine-4", name="Machine 4")

        order = client.work_orders.create(
            product="CABLE-HEAD",
            quantity=10,
            due_at=datetime.now(UTC) + timedelta(days=3),
            operations=[
                {
                    "sequence": 10,
                    "name": "Turning & Milling",
                    "work_centers": ["machine-4"],
                    "setup_time": timedelta(minutes=15),
                    "unit_time": timedelta(minutes=3),
                }
            ],
        )
        client.work_orders.release(order.id)

        run = client.schedule_runs.create(policy="on_time", time_limit=5).wait()
        if run.schedule_id is not None:
            for slot in client.schedules.slots(run.schedule_id):
                print(slot.work_center, slot.start_at, slot.end_at)
            client.schedules.publish(run.schedule_id)

        operation = order.operations[0]
        client.operations.report(operation.id, kind="run", good=8, scrap=2)
        client.operations.complete(operation.id)
        try:
            done = client.work_orders.complete(order.id)
        except ConflictError as conflict:
            print(f"not yet: {conflict.detail}; allowed now: {conflict.allowed_commands}")
        else:
            print(done.number, done.state)


if __name__ == "__main__":
    main()
