"""Words of the page of one order: what it was sold at, what came of payments."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Payment

PRICE_KINDS: dict[str, Any] = {
    "list": _("list price"),
    "sale": _("sale price"),
    "member": _("member price"),
    "group": _("group price"),
    "gift": _("gift"),
    "plan": _("agreed price of a plan"),
    "planchange": _("change of plan"),
    "reward": _("reward"),
}
OFFER_KINDS: dict[str, Any] = {
    "promotion": _("promotion"),
    "coupon": _("coupon"),
    "points": _("points"),
    "tier": _("tier"),
    "benefit": _("benefit"),
    "staff": _("staff discount"),
}


def notice_words(kind: str) -> str:
    """Return what a provider told about a payment: where it then stood."""
    known = dict(Payment.State.choices)
    return str(known.get(kind, kind))
