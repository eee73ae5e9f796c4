"""Long work of loyalty, in chunks."""

from django.db import transaction

from crm.shared.jobs import JobProgress
from loyalty.models import LadderVersion, PointsAccount
from loyalty.services.versioning import settle_version

#: Members of one chunk.
_CHUNK = 2_000


def run_settling(progress: JobProgress) -> None:
    """Look at every member by a version of a ladder that began (T13)."""
    version_id = progress.params["version"]
    if not progress.total:
        progress.advance(total=PointsAccount.objects.count())
    while True:
        with transaction.atomic():
            last = settle_version(
                version_id=version_id,
                after=progress.cursor.get("after", 0),
                limit=_CHUNK,
            )
            if last is None:
                LadderVersion.objects.filter(pk=version_id, settled_at=None).update(
                    settled_at=progress.asked_at
                )
                return
            progress.advance(
                done=min(progress.done + _CHUNK, progress.total or 0),
                cursor={"after": last},
            )
