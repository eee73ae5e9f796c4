"""What to suggest, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import F, Max

from members.models import Consent
from members.queries import current_consents
from orders.models import OrderLine, Product
from orders.rules.lifecycle import STANDING
from recommendations.models import BoughtTogether, Popularity

#: Reasons by code; texts are made where they are shown.
BECAUSE_PURCHASED = "because_purchased"
BOUGHT_TOGETHER = "bought_together"
POPULAR = "popular"
#: Products of a member that are looked at, newest first.
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product to show, with its reason; ``evidence`` are products behind it."""

    product: Product
    score: float
    reason: str
    evidence: tuple[Product, ...] = ()


def popular(*, limit: int, without: Collection[int] = ()) -> list[Suggestion]:
    """Return what many members bought lately, except products ``without``."""
    rows = (
        Popularity.objects.filter(product__is_listed=True)
        .exclude(product_id__in=without)
        .select_related("product")
        .order_by("-score", "product_id")[:limit]
    )
    return [Suggestion(row.product, row.score, POPULAR) for row in rows]


def related(*, product: Product, limit: int) -> list[Suggestion]:
    """Return what buyers of a product also bought, then what is popular."""
    rows = (
        BoughtTogether.objects.filter(product=product, other__is_listed=True)
        .select_related("other")
        .order_by("-score", "other_id")[:limit]
    )
    found = [
        Suggestion(row.other, row.score, BOUGHT_TOGETHER, (product,)) for row in rows
    ]
    return _filled(found, limit=limit, without={product.pk})


def for_member(*, member_id: int, limit: int) -> list[Suggestion]:
    """Return what goes with what a member bought, then what is popular.

    Never what was bought already. A member who withdrew profiling gets only what is
    popular with everybody, chosen without a look at the purchases.
    """
    if _profiling_is_withdrawn(member_id):
        return popular(limit=limit)
    bought = _bought(member_id)
    best: dict[int, tuple[float, BoughtTogether]] = {}
    rows = (
        BoughtTogether.objects.filter(
            product_id__in=bought[:_LOOKED_AT], other__is_listed=True
        )
        .exclude(other_id__in=bought)
        .select_related("other", "product")
    )
    # The order makes the first of equal evidence the same every time.
    for row in rows.order_by("-score", "product_id", "other_id"):
        score, evidence = best.get(row.other_id, (0.0, row))
        best[row.other_id] = (score + row.score, evidence)
    ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    found = [
        Suggestion(row.other, score, BECAUSE_PURCHASED, (row.product,))
        for _, (score, row) in ranked[:limit]
    ]
    return _filled(found, limit=limit, without=set(bought))


def _filled(
    found: list[Suggestion], *, limit: int, without: set[int]
) -> list[Suggestion]:
    missing = limit - len(found)
    if missing <= 0:
        return found
    there = without | {suggestion.product.pk for suggestion in found}
    return found + popular(limit=missing, without=there)


def _bought(member_id: int) -> Sequence[int]:
    """Return products a member bought and did not give back, newest first (R19)."""
    lines = OrderLine.objects.filter(
        order__member_id=member_id,
        order__state__in=STANDING,
        kind=Product.Kind.GOODS,
        refunded_quantity__lt=F("quantity"),
    )
    newest = lines.values("variant__product_id").annotate(at=Max("order__placed_at"))
    return list(
        newest.order_by("-at", "variant__product_id").values_list(
            "variant__product_id", flat=True
        )
    )


def _profiling_is_withdrawn(member_id: int) -> bool:
    return any(
        word.purpose == Consent.Purpose.PROFILING and not word.granted
        for word in current_consents(member_id=member_id)
    )
