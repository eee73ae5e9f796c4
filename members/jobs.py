"""Long work of the members app, run by ``crm.shared.jobs``."""

from typing import Any

from crm.shared import clock
from crm.shared.jobs import JobProgress
from members.services.erasing import carry_out
from members.services.exporting import write_export


def export_member_data(progress: JobProgress) -> None:
    """Make one person's copy; the job's kind is ``members.export_data``.

    Params: ``export``, a public id. The copy's 24 hours begin when it is ready.
    """
    write_export(public_id=progress.params["export"], now=clock.now())


def erase_one_member(progress: JobProgress) -> dict[str, Any]:
    """Carry an erasure out; the job's kind is ``members.erase``.

    Params: ``erasure``, a public id.

    Returns:
        Model label -> rows deleted or cleared, as on the certificate.
    """

    def tell(rows: int) -> None:
        progress.advance(done=rows)

    return carry_out(
        public_id=progress.params["erasure"], now=clock.now(), tell=tell
    ).counts
