"""The pages of the work queues: all with their lengths, and one with its rows."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from crm.console.queries.work import (
    MOST_ROWS,
    WORK,
    count_of,
    queue_link,
    sees_any,
    shown_count,
    waiting,
)
from crm.shared.clock import now
from crm.shared.errors import Refusal
from orders.models import RefundTender
from orders.services.hurrying import send_tender_now
from orders.services.mending import retry_tender
from orders.services.reconciling import ask_again


def _try_again(pk: int, actor: Any, now: datetime) -> None:
    """Have a refund sent again, whether the provider refused or kept silent."""
    refused = RefundTender.objects.filter(pk=pk, state=RefundTender.State.REFUSED)
    verb = retry_tender if refused.exists() else send_tender_now
    verb(tender_id=pk, actor=actor, now=now)


def _ask(pk: int, actor: Any, now: datetime) -> None:
    ask_again(payment_id=pk, actor=actor, now=now)


#: Queue -> what its button does; the others lead to pages where it is done.
_VERBS: dict[str, Callable[[int, Any, datetime], None]] = {
    "refunds": _try_again,
    "payments": _ask,
    "surplus": _ask,
}


def work_page(request, site):
    """Show every queue this login sees, with its length."""
    if not sees_any(request.user):
        raise PermissionDenied
    context = {
        **site.each_context(request),
        "title": _("To do"),
        "queues": waiting(user=request.user, at=now()),
    }
    return TemplateResponse(request, "console/work.html", context)


def queue_page(request, site, code: str):
    """Show one queue, oldest first; a post does the one next action of a row."""
    queue = WORK.get(code)
    if queue is None:
        raise Http404
    if not request.user.has_perm(queue.sees):
        raise PermissionDenied
    if request.method == "POST":
        if code not in _VERBS or not request.user.has_perm(queue.works):
            raise PermissionDenied
        _act(request, code)
        return HttpResponseRedirect(queue_link(code))
    at = now()
    count = count_of(queue, at)
    context = {
        **site.each_context(request),
        "title": queue.title,
        "queue": queue,
        "rows": [queue.show(row) for row in queue.rows(at)[:MOST_ROWS]],
        "count": shown_count(count),
        "is_cut": count > MOST_ROWS,
        "most": MOST_ROWS,
        "may_work": request.user.has_perm(queue.works),
    }
    return TemplateResponse(request, "console/work_queue.html", context)


def _act(request, code: str) -> None:
    number = request.POST.get("row", "")
    queue, at = WORK[code], now()
    known = number.isascii() and number.isdecimal()
    if not known or not queue.rows(at).filter(pk=int(number[:18])).exists():
        messages.warning(request, _("This is done already."))
        return
    try:
        _VERBS[code](int(number[:18]), request.user, at)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It was started; look again in a minute."))
