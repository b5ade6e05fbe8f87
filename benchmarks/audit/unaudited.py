"""`woaas-server serve` whose transactions append nothing to the log: what the entries of the real one are beside."""

from typing import Any

from woaas_core.db import unit_of_work
from woaas_core.db.statements import Statement
from woaas_infra.cli import main


async def _append(uow: unit_of_work.UnitOfWork, _events: object, last: Statement | None = None, **values: Any) -> None:
    if last is not None:
        await uow.execute(last, **values)


if __name__ == "__main__":
    unit_of_work.append = _append
    main()
