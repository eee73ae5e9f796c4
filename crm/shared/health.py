"""Is it alive, is it ready? For load balancers and supervisors.

``/livez`` asks nothing of anybody; ``/readyz`` asks the database. Neither tells
versions, addresses or error texts.
"""

import logging

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crm.shared.logs import describe
from crm.shared.outbox import oldest_due_seconds

log = logging.getLogger(__name__)


class _Schema:
    """Whether the tables fit the code; once true, true for this process."""

    fits = False


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as this process can answer at all."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if requests can be served, else 503, and what was found.

    ``outbox_seconds`` is for how long the oldest due delivery has waited; a large
    number means that no worker runs, which is no reason to turn visitors away.
    """
    checks: dict[str, object] = {"database": False, "migrations": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        checks["migrations"] = migrations_applied()
        if checks["migrations"]:
            checks["outbox_seconds"] = round(oldest_due_seconds(), 1)
    except DatabaseError as error:
        log.warning("Not ready.", extra={"error": describe(error)})
    ready = bool(checks["database"] and checks["migrations"])
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": checks},
        status=200 if ready else 503,
    )


def migrations_applied() -> bool:
    """Whether every migration of this code is in the database."""
    if not _Schema.fits:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        _Schema.fits = not plan
    return _Schema.fits
