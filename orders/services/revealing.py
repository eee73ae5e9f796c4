"""Show staff where an order goes: for a reason, within their budget, on the record."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from members.models import User
from members.services.revealing import account_for
from orders.models import OrderAddress


class NoDeliveryAddress(Refusal):
    """This order has no address any more."""

    code = "not_found"
    status = 404
    message = _("This order has no address any more.")


@transaction.atomic
def reveal_delivery(
    *, order_id: int, actor: User, reason: str, now: datetime
) -> OrderAddress:
    """Return where an order goes in clear; one of the day's budget of values.

    Args:
        order_id: the order.
        actor: who looks; the caller checked the permission.
        reason: why, three characters or more.
        now: when, aware.

    Raises:
        NoDeliveryAddress: there is none, or it was erased.
        ReasonMissing, RevealBudgetSpent: as ``members.services.revealing`` says.
    """
    address = (
        OrderAddress.objects.select_related("order").filter(order_id=order_id).first()
    )
    if address is None:
        raise NoDeliveryAddress
    account_for(
        address.order,
        actor=actor,
        reason=reason,
        detail={"field": "address"},
        now=now,
        action="orders.reveal",
    )
    return address
