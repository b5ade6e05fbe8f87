"""What callers send about erasures and legal holds."""

from typing import Annotated

import msgspec

from woaas_core.wire import Body, Name

Why = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class NewErasure(Body, kw_only=True):
    """Whose values are to be destroyed: the id of an operator, a customer or a member; and why."""

    subject: Name
    reason: Why


class NewLegalHold(Body, kw_only=True):
    """What must be kept, and why: the id of an operator, customer, member or work order, or `*` for everything."""

    subject: Name
    reason: Why
