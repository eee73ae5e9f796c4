"""Close what staff reviewed."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crm.shared.audit import record_audit
from orders.models import UnmatchedReturn


@transaction.atomic
def settle_return(*, return_id: int, actor: Any, now: datetime) -> bool:
    """Mark one unmatched return as reviewed. Its money stays in the books.

    Returns:
        Whether this call did it; a return settled before is left alone.
    """
    open_return = UnmatchedReturn.objects.filter(
        pk=return_id, state=UnmatchedReturn.State.OPEN
    )
    if not open_return.update(state=UnmatchedReturn.State.SETTLED):
        return False
    record_audit(
        actor=actor,
        action="returns.settle",
        object_type=UnmatchedReturn._meta.label,
        object_id=str(return_id),
        now=now,
    )
    return True
