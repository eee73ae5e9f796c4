"""Long work of the campaigns app, run by ``crm.shared.jobs``."""

from typing import Any

from django.db import transaction

from campaigns.models import CouponBatch
from campaigns.services.coding import make_chunk
from crm.shared.jobs import JobProgress


def make_codes(progress: JobProgress) -> dict[str, Any]:
    """Make the codes of a batch; the job's kind is ``campaigns.make_codes``.

    Params: ``batch``, a public id. Each chunk commits with its count, so a job that is
    cancelled or killed leaves whole chunks, and goes on after them.

    Returns:
        How many codes the batch has.
    """
    batch = CouponBatch.objects.get(public_id=progress.params["batch"])
    progress.advance(total=batch.wanted)
    while batch.made < batch.wanted and batch.revoked_at is None:
        with transaction.atomic():
            batch = make_chunk(batch_id=batch.pk)
            progress.advance(done=batch.made)
    return {"codes": batch.made}
