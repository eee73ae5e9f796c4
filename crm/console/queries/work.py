"""The work queues of orders: what happened, since when, and the one next action."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from crm.shared.approvals import deed_of, waiting_approvals
from crm.shared.models import Approval
from crm.shared.money import display_amount
from loyalty.models import Referral
from loyalty.queries.referrals import held_referrals
from orders.models import (
    Order,
    Payment,
    RefundTender,
    ReturnRequest,
    Review,
    Variant,
)
from orders.payment_words import tender_words
from orders.queries.payments import stuck_payments
from orders.queries.work import (
    failing_refunds,
    late_to_ship,
    low_stock,
    returns_to_answer,
    reviews_to_moderate,
    surplus_payments,
)

#: Rows a page shows, and how far a queue is counted: beyond nobody works it down.
MOST_ROWS, MOST_COUNTED = 100, 1_000


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One thing to do. Without ``act_link`` the button does it here."""

    pk: int
    what: str
    subject: str
    link: str
    since: datetime | None
    amount: str
    act: str
    act_link: str = ""


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A list somebody works down: who sees it, and who does its work."""

    title: Any
    #: How the home page says its length.
    text: Any
    icon: str
    sees: str
    works: str
    rows: Callable[[datetime], QuerySet]
    show: Callable[[Any], WorkRow]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue with its length, as one login sees it."""

    code: str
    title: str
    icon: str
    link: str
    count: int
    #: ``1,000+`` where counting stopped.
    shown: str


def count_of(queue: WorkQueue, at: datetime) -> int:
    """Return how long a queue is, up to ``MOST_COUNTED``, in one statement."""
    return queue.rows(at).order_by()[:MOST_COUNTED].count()


def shown_count(count: int) -> str:
    """Return a length as people read it."""
    return f"{count:,d}" + ("+" if count == MOST_COUNTED else "")


def waiting(*, user: Any, at: datetime) -> list[Waiting]:
    """Return the queues a login may see with their lengths, one statement each."""
    found = []
    for code, queue in WORK.items():
        if user.has_perm(queue.sees):
            count = count_of(queue, at)
            found.append(
                Waiting(
                    code,
                    str(queue.title),
                    queue.icon,
                    queue_link(code),
                    count,
                    shown_count(count),
                )
            )
    return found


def queue_link(code: str) -> str:
    """Return the address of a queue."""
    return reverse("admin:work_queue", args=[code])


def _order_link(order_id: int) -> str:
    return reverse("admin:orders_order_change", args=[order_id])


def _refund(tender: RefundTender) -> WorkRow:
    refund, payment = tender.refund, tender.payment
    provider = tender_words(payment)
    if tender.state == RefundTender.State.REFUSED:
        what = _("%(provider)s refused to pay back.") % {"provider": provider}
    else:
        what = ngettext(
            "%(provider)s did not answer after %(count)s attempt.",
            "%(provider)s did not answer after %(count)s attempts.",
            tender.attempts,
        ) % {"provider": provider, "count": tender.attempts}
    return WorkRow(
        tender.pk,
        what,
        refund.order.number,
        reverse("admin:orders_refund_change", args=[refund.pk]),
        refund.requested_at,
        display_amount(tender.amount_minor, refund.order.currency),
        _("Try again"),
    )


def _payment(payment: Payment) -> WorkRow:
    return WorkRow(
        payment.pk,
        _("%(provider)s has not said whether it was paid.")
        % {"provider": tender_words(payment)},
        payment.order.number,
        _order_link(payment.order_id),
        payment.created_at,
        display_amount(payment.amount_minor, payment.order.currency),
        _("Ask again"),
    )


def _surplus(payment: Payment) -> WorkRow:
    return WorkRow(
        payment.pk,
        ngettext(
            "Paid too much by %(provider)s: sent back %(count)s time, not taken.",
            "Paid too much by %(provider)s: sent back %(count)s times, not taken.",
            payment.return_attempts,
        )
        % {"provider": tender_words(payment), "count": payment.return_attempts},
        payment.order.number,
        _order_link(payment.order_id),
        payment.captured_at or payment.created_at,
        display_amount(payment.amount_minor, payment.order.currency),
        _("Send back now"),
    )


def _approval(approval: Approval) -> WorkRow:
    page = reverse("admin:shared_approval_change", args=[approval.pk])
    return WorkRow(
        approval.pk,
        deed_of(approval.kind).words(approval.params),
        approval.subject,
        page,
        approval.asked_at,
        "",
        _("Decide"),
        page,
    )


_RETURN_ACTS = {
    "requested": gettext_lazy("Answer"),
    "approved": gettext_lazy("Refund"),
    "received": gettext_lazy("Inspect"),
    "inspected": gettext_lazy("Settle"),
}


def _return(request: ReturnRequest) -> WorkRow:
    page = reverse("admin:orders_returnrequest_change", args=[request.pk])
    return WorkRow(
        request.pk,
        f"{request.get_kind_display()}: {request.get_reason_code_display()}",
        request.order.number,
        _order_link(request.order_id),
        request.requested_at,
        "",
        str(_RETURN_ACTS[request.state]),
        page,
    )


def _late(order: Order) -> WorkRow:
    return WorkRow(
        order.pk,
        _("Paid more than %(hours)s hours ago, not sent in full.")
        % {"hours": settings.SHIP_WITHIN_HOURS},
        order.number,
        _order_link(order.pk),
        order.paid_at,
        display_amount(order.total_minor, order.currency),
        _("Ship…"),
        reverse("admin:order_ship", args=[order.pk]),
    )


def _review(review: Review) -> WorkRow:
    page = reverse("admin:orders_review_change", args=[review.pk])
    return WorkRow(
        review.pk,
        _("Nobody read it yet: %(stars)s") % {"stars": "★" * review.rating},
        review.product.label,
        page,
        review.created_at,
        "",
        _("Decide"),
        page,
    )


def _referral(referral: Referral) -> WorkRow:
    page = reverse("admin:loyalty_referral_change", args=[referral.pk])
    return WorkRow(
        referral.pk,
        _("Something speaks against this referral."),
        referral.inviter.number,
        page,
        referral.settled_at,
        "",
        _("Decide"),
        page,
    )


def _stock(variant: Variant) -> WorkRow:
    free = variant.free  # type: ignore[attr-defined]
    page = reverse("admin:product_stock", args=[variant.product_id])
    return WorkRow(
        variant.pk,
        ngettext("%(count)s unit is left.", "%(count)s units are left.", max(free, 0))
        % {"count": max(free, 0)},
        f"{variant.sku} {variant.product.label}",
        page,
        None,
        "",
        _("Stock…"),
        page,
    )


#: Code in the address -> queue, most pressing first.
WORK: dict[str, WorkQueue] = {
    "approvals": WorkQueue(
        gettext_lazy("Approvals"),
        ngettext_lazy(
            "%(count)s request waits for a second person",
            "%(count)s requests wait for a second person",
            "number",
        ),
        "how_to_reg",
        "shared.view_approval",
        "shared.change_approval",
        waiting_approvals,
        _approval,
    ),
    "refunds": WorkQueue(
        gettext_lazy("Failing refunds"),
        ngettext_lazy(
            "%(count)s refund does not get through",
            "%(count)s refunds do not get through",
            "number",
        ),
        "money_off",
        "orders.view_refund",
        "orders.add_refund",
        lambda at: failing_refunds(),
        _refund,
    ),
    "surplus": WorkQueue(
        gettext_lazy("Money to send back"),
        ngettext_lazy(
            "%(count)s payment is to be sent back",
            "%(count)s payments are to be sent back",
            "number",
        ),
        "currency_exchange",
        "orders.view_payment",
        "orders.change_payment",
        lambda at: surplus_payments(),
        _surplus,
    ),
    "payments": WorkQueue(
        gettext_lazy("Stuck payments"),
        ngettext_lazy(
            "%(count)s payment is stuck", "%(count)s payments are stuck", "number"
        ),
        "hourglass_disabled",
        "orders.view_payment",
        "orders.change_payment",
        lambda at: stuck_payments(at).payments,
        _payment,
    ),
    "returns": WorkQueue(
        gettext_lazy("Returns to answer"),
        ngettext_lazy(
            "%(count)s return waits for you",
            "%(count)s returns wait for you",
            "number",
        ),
        "assignment_return",
        "orders.view_returnrequest",
        "orders.change_returnrequest",
        lambda at: returns_to_answer(),
        _return,
    ),
    "late": WorkQueue(
        gettext_lazy("Late to ship"),
        ngettext_lazy(
            "%(count)s order is late to ship",
            "%(count)s orders are late to ship",
            "number",
        ),
        "local_shipping",
        "orders.view_order",
        "orders.add_shipment",
        late_to_ship,
        _late,
    ),
    "reviews": WorkQueue(
        gettext_lazy("Reviews to moderate"),
        ngettext_lazy(
            "%(count)s review waits for a decision",
            "%(count)s reviews wait for a decision",
            "number",
        ),
        "reviews",
        "orders.view_review",
        "orders.change_review",
        lambda at: reviews_to_moderate(),
        _review,
    ),
    "referrals": WorkQueue(
        gettext_lazy("Referrals to decide"),
        ngettext_lazy(
            "%(count)s referral is held for a look",
            "%(count)s referrals are held for a look",
            "number",
        ),
        "group_add",
        "loyalty.change_referral",
        "loyalty.change_referral",
        lambda at: held_referrals(),
        _referral,
    ),
    "stock": WorkQueue(
        gettext_lazy("Low stock"),
        ngettext_lazy(
            "%(count)s article is low on stock",
            "%(count)s articles are low on stock",
            "number",
        ),
        "inventory",
        "orders.view_stockmove",
        "orders.add_stockmove",
        lambda at: low_stock(),
        _stock,
    ),
}


def sees_any(user: Any) -> bool:
    """Whether a login sees one of the queues."""
    return any(user.has_perm(queue.sees) for queue in WORK.values())
