"""What a cart would earn. Writes nothing."""

from datetime import datetime

from loyalty.models import PointsAccount, Tier
from loyalty.queries.earning import EarningTerms, earning_terms
from loyalty.queries.purchases import (
    WHOLE,
    Purchase,
    kinds_that_earn,
    variant_facts,
)
from loyalty.rules.earning import Earned, Part, capped
from loyalty.services.capping import left_under_caps
from loyalty.services.order_points import Earner, earned_by
from members.models import Member
from orders.models import Order
from orders.rules.lifecycle import SOLD
from orders.services.quoting import PricedCart


def estimate_cart(
    *, priced: PricedCart, member: Member | None, now: datetime
) -> Earned:
    """Return what a priced cart would earn if it were paid now, under today's caps.

    Args:
        member: who would buy; a visitor earns as somebody without a tier would.
    """
    terms = earning_terms()
    tier = _tier(member)
    parts = _parts(priced, terms)
    purchase = Purchase(
        at=now,
        amount_minor=sum(part.amount_minor for part in parts if part.position),
        channel=priced.contents.channel_code,
        device=priced.cart.device,
        is_first="order.first" in terms.asks and _is_first(member),
        tier_code=tier.code if tier else "",
        joined_at=member.joined_at if member else None,
        birth_month=member.birth_month if member else None,
    )
    earned = earned_by(purchase, parts=parts, terms=terms, earner=Earner(tier))
    member_id = member.pk if member else None
    return capped(earned, left_under_caps(terms.rows, member_id=member_id, at=now))


def _parts(priced: PricedCart, terms: EarningTerms) -> tuple[Part, ...]:
    quote, program = priced.quote, terms.program
    kinds = kinds_that_earn(program)
    lines = [each for each in quote.lines if each.line.kind in kinds]
    facts = (
        variant_facts({each.line.variant_id for each in lines})
        if terms.asks_lines
        else {}
    )
    paid = {
        applied.source_id: applied
        for applied in quote.applied
        if applied.source_kind == "points"
    }
    parts = []
    for each in lines:
        back = 0
        if program.earns_on_points and paid:
            back = sum(
                minor
                for applied, minor, _points in quote.shares_of(each.line.position)
                if applied.source_id in paid
            )
        parts.append(
            Part(
                position=each.line.position,
                amount_minor=each.net_minor + back,
                units=each.line.quantity,
                facts=facts.get(each.line.variant_id, {}),
            )
        )
    if program.earns_on_freight and quote.freight_minor:
        parts.append(Part(WHOLE, quote.freight_minor, units=0))
    return tuple(parts) or (Part(WHOLE, units=0),)


def _tier(member: Member | None) -> Tier | None:
    if member is None:
        return None
    accounts = PointsAccount.objects.select_related("tier").filter(pk=member.pk)
    return getattr(accounts.first(), "tier", None)


def _is_first(member: Member | None) -> bool:
    return not Order.objects.filter(
        member=member, member__isnull=False, state__in=SOLD
    ).exists()
