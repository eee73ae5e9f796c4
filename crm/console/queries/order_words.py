"""Words of the page of one order: who did it, how it was paid, what it was sold at."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Payment

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
_PROVIDERS: dict[str, Any] = {
    "wallet": _("stored value"),
    "alipay": _("Alipay"),
    "test": _("test provider"),
    "elsewhere": _("paid elsewhere"),
}


def actor_words(actor: str) -> str:
    """Return who did something: a login as it is, programs in words."""
    if actor.startswith("key:"):
        return str(_("server key %(name)s")) % {"name": actor.removeprefix("key:")}
    if actor.startswith("payment:"):
        return _provider(actor.removeprefix("payment:"))
    return str(ACTORS.get(actor, actor))


def _provider(code: str) -> str:
    return str(_PROVIDERS.get(code, code))


def tender_words(payment: Payment) -> str:
    """Return how money came: the way another system names goes along."""
    name = _provider(payment.provider)
    return f"{name} ({payment.tender})" if payment.tender else name


def notice_words(kind: str) -> str:
    """Return what a provider told about a payment: where it then stood."""
    known = dict(Payment.State.choices)
    return str(known.get(kind, kind))
