"""A form of a promotion tried on a cart: what the fragment of its page shows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.admin.promotion_form import PromotionForm
from campaigns.models import Promotion
from campaigns.promotion_words import promotion_sentence
from campaigns.queries.promotions import names_of_goods
from campaigns.services.publishing import wants_approval
from campaigns.services.simulating import (
    Simulation,
    cart_of_order,
    cart_of_text,
    simulate,
    typical_cart,
)
from crm.shared.errors import Refusal
from orders.queries.audiences import known_audiences
from orders.reasons import floors_text, reason_text
from orders.rules.prices import ANY_MEMBER
from orders.rules.quotes import NotApplied, Quote

#: What a promotion can be tried on.
CARTS = {
    "usual": _("a usual cart of this shop"),
    "small": _("a small cart of this shop"),
    "large": _("a large cart of this shop"),
    "order": _("an order, by its number"),
    "own": _("lines of your own"),
}
#: Offers that did not apply are shown up to so many.
_MOST_OFFERS = 20


def buyers() -> list[tuple[str, Any]]:
    """Return who may buy in a trial."""
    found: list[tuple[str, Any]] = [("", _("a visitor")), (ANY_MEMBER, _("a member"))]
    return found + known_audiences()


def trial_of(
    form: PromotionForm,
    asked: Mapping[str, str],
    *,
    saved: Promotion | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the sentence of a form, and what a cart costs with it and without.

    Args:
        asked: ``cart``, ``order_number``, ``lines`` and ``buyer`` beside the form.
        saved: the draft that the form is about, if it was saved before.
    """
    if not form.is_valid():
        return {"problems": _problems(form)}
    draft = Promotion(**form.content)
    if saved is not None:
        draft.pk, draft.public_id = saved.pk, saved.public_id
        draft.changes = saved.changes
    names = names_of_goods(form.recipe.goods)
    context: dict[str, Any] = {
        "sentence": promotion_sentence(form.recipe, form.content, names),
        "needs_two": wants_approval(draft),
    }
    try:
        found = simulate(
            promotion=draft,
            items=_items(asked),
            audiences=_audiences(asked.get("buyer", "")),
            now=now,
        )
    except Refusal as refusal:
        return context | {"error": str(refusal)}
    return context | _shown(found)


def _problems(form: PromotionForm) -> list[tuple[str, str]]:
    return [
        (str(form.fields[name].label) if name in form.fields else "", " ".join(said))
        for name, said in form.errors.items()
    ]


def _items(asked: Mapping[str, str]) -> dict[str, int]:
    cart = asked.get("cart", "")
    if cart == "order":
        return cart_of_order(asked.get("order_number", "").strip()[:40])
    if cart == "own":
        return cart_of_text(asked.get("lines", "")[:4_000])
    return typical_cart(cart if cart in CARTS else "usual")


def _audiences(buyer: str) -> frozenset[str]:
    return frozenset({ANY_MEMBER, buyer[:60]}) if buyer else frozenset()


def _shown(found: Simulation) -> dict[str, Any]:
    quote, without = found.with_it, found.without_it
    currency = settings.SHOP_CURRENCY
    rows = [
        {
            "line": each.line,
            "discount_minor": each.discount_minor,
            "net_minor": each.net_minor,
            "without_minor": other.net_minor,
            "shares": [
                (applied.name, minor)
                for applied, minor, _points in quote.shares_of(each.line.position)
            ],
        }
        for each, other in zip(quote.lines, without.lines, strict=True)
    ]
    return {
        "found": found,
        "quote": quote,
        "without": without,
        "rows": rows,
        "why_not": found.why_not and reason_text(found.why_not, currency),
        "floors": found.applied and floors_text(found.applied, quote),
        "gave_way": _not_applied(quote.skipped, currency),
        "refused": _not_applied(quote.refused, currency),
        "totals": _totals(quote, without, found),
    }


def _not_applied(entries: tuple[NotApplied, ...], currency: str) -> list[Any]:
    return [
        (each.name, reason_text(each.why, currency)) for each in entries[:_MOST_OFFERS]
    ]


def _totals(quote: Quote, without: Quote, found: Simulation) -> list[Any]:
    """Return the sums: label, with the draft, and without it."""
    return [
        (_("goods"), quote.goods_minor, without.goods_minor),
        (_("reductions"), -quote.discount_minor, -without.discount_minor),
        (_("freight"), quote.freight_minor, without.freight_minor),
        (_("to pay"), quote.total_minor, without.total_minor),
        (_("margin on goods"), found.margin_minor, found.margin_without_minor),
    ]
