"""Words of the page of one order: who did it, what it was sold at."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Payment
from orders.payment_words import provider_words

#: Actors that are no logins.
ACTORS: dict[str, Any] = {
    "member": _("the buyer"),
    "system": _("the shop"),
    "checkout": _("checkout"),
    "deadline": _("the deadline passed"),
    "silence": _("nobody complained"),
    "orders.refunds": _("the shop"),
    "import": _("a file that was brought in"),
}
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
}


def actor_words(actor: str) -> str:
    """Return who did something: a login as it is, programs in words."""
    if actor.startswith("key:"):
        return str(_("server key %(name)s")) % {"name": actor.removeprefix("key:")}
    if actor.startswith("payment:"):
        return provider_words(actor.removeprefix("payment:"))
    return str(ACTORS.get(actor, actor))


def notice_words(kind: str) -> str:
    """Return what a provider told about a payment: where it then stood."""
    known = dict(Payment.State.choices)
    return str(known.get(kind, kind))
