"""Long work of the members app, run by ``crm.shared.jobs``."""

from typing import Any

from django.db import transaction

from crm.shared import clock
from crm.shared.jobs import JobProgress
from members.services.erasing import carry_out
from members.services.exporting import write_export
from members.services.finding_duplicates import search_chunk, to_search


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


def run_duplicate_search(progress: JobProgress) -> dict[str, Any]:
    """Look for members who may be one person; kind ``members.find_duplicates``.

    Params: ``all``, whether to look at everybody and not only at those who are new or
    changed. Each chunk commits with its cursor, so a killed search goes on there.

    Returns:
        How many members were looked at, and how many pairs were found likely.
    """
    changed_only = not progress.params.get("all", False)
    cursor = progress.cursor or {"after": 0, "members": 0, "pairs": 0}
    progress.advance(total=cursor["members"] + _left(cursor["after"], changed_only))
    while True:
        with transaction.atomic():
            part = search_chunk(
                after_id=cursor["after"],
                changed_only=changed_only,
                now=progress.asked_at,
            )
            if not part.members:
                return {"members": cursor["members"], "pairs": cursor["pairs"]}
            cursor = {
                "after": part.last_id,
                "members": cursor["members"] + part.members,
                "pairs": cursor["pairs"] + part.pairs,
            }
            progress.advance(done=cursor["members"], cursor=cursor)


def _left(after_id: int, changed_only: bool) -> int:
    return to_search(changed_only=changed_only).filter(pk__gt=after_id).count()
