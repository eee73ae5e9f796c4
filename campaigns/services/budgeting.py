"""Budgets: reserved with the order, spent with its payment (C22).

Every move is one conditional write; the table's own CHECK says the same.
"""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from campaigns.models import Budget
from crm.shared.errors import Refusal


class BudgetExhausted(Refusal):
    """The budget of this offer is used up."""

    code = "coupon_budget_exhausted"
    status = 422
    message = _("The budget of this offer is used up.")


def lock_budget(budget_id: int) -> Budget:
    """Return a budget, locked to the end of the transaction."""
    return Budget.objects.select_for_update(no_key=True).get(pk=budget_id)


def reserve(*, budget_id: int, amount_minor: int) -> None:
    """Put aside so much more of a budget for an order; below 0 gives some back.

    Raises:
        BudgetExhausted: there is not so much left.
    """
    taken = Budget.objects.filter(
        pk=budget_id,
        amount_minor__gte=F("reserved_minor") + F("spent_minor") + amount_minor,
    ).update(reserved_minor=F("reserved_minor") + amount_minor)
    if not taken:
        raise BudgetExhausted


def spend_reserved(*, budget_id: int, amount_minor: int) -> None:
    """Turn a reservation into spend: its order was paid."""
    Budget.objects.filter(pk=budget_id).update(
        reserved_minor=F("reserved_minor") - amount_minor,
        spent_minor=F("spent_minor") + amount_minor,
    )


def give_back(*, budget_id: int, amount_minor: int, was_spent: bool) -> None:
    """Free what an order reserved, or spent before it was refunded in full."""
    name = "spent_minor" if was_spent else "reserved_minor"
    Budget.objects.filter(pk=budget_id).update(**{name: F(name) - amount_minor})
