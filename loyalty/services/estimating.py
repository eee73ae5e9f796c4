"""What a cart, an order or a sample would earn. Writes nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from loyalty.models import EarningRule
from loyalty.queries.earning import EarningTerms, earning_terms
from loyalty.queries.purchases import (
    WHOLE,
    Purchase,
    kinds_that_earn,
    member_facts,
    parts_of,
    time_facts,
    variant_facts,
    with_basis,
)
from loyalty.queries.tiers import tiers
from loyalty.rules.earning import Earned, Occurrence, Part, capped, evaluate
from loyalty.services.capping import left_under_caps
from loyalty.services.order_points import (
    Earner,
    earned_by,
    earned_for,
    earner_of,
)
from members.models import Member
from orders.models import Category, Order
from orders.rules.lifecycle import STANDING
from orders.services.quoting import PricedCart


def estimate_cart(
    *, priced: PricedCart, member: Member | None, now: datetime
) -> Earned:
    """Return what a priced cart would earn if it were paid now, under today's caps.

    Args:
        member: who would buy; a visitor earns as somebody without a tier would.
    """
    terms = earning_terms()
    earner = earner_of(member_id=member.pk, at=now) if member else Earner(None)
    parts = _parts(priced, terms)
    purchase = Purchase(
        at=now,
        amount_minor=sum(part.amount_minor for part in parts if part.position),
        channel=priced.contents.channel_code,
        device=priced.cart.device,
        is_first="order.first" in terms.asks and _is_first(member),
        tier_code=earner.tier.code if earner.tier else "",
        joined_at=member.joined_at if member else None,
        birth_month=member.birth_month if member else None,
    )
    earned = earned_by(purchase, parts=parts, terms=terms, earner=earner)
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


def _is_first(member: Member | None) -> bool:
    return not Order.objects.filter(
        member=member, member__isnull=False, state__in=STANDING
    ).exists()


class NoSuchOrder(Refusal):
    """Nobody has paid an order of this number."""

    code = "no_such_order"
    message = _("No member has paid an order of this number.")


@dataclass(frozen=True, slots=True)
class Sample:
    """An order with one line, or an event, that nobody made."""

    at: datetime
    occasion: str = EarningRule.Occasion.ORDER
    amount_minor: int = 0
    units: int = 1
    #: Told with an event.
    number: int = 0
    tier: str = ""
    channel: str = ""
    category: str = ""
    brand: str = ""
    is_first: bool = False


def simulate_order(*, number: str, tried: EarningRule | None = None) -> Earned:
    """Return what a paid order would earn by today's rules, before caps.

    Args:
        tried: a rule that may be switched off, as if it were on.

    Raises:
        NoSuchOrder: no member has paid one of this number.
    """
    terms = earning_terms(tried=tried)
    paid = Order.objects.filter(
        number=number, member__isnull=False, paid_at__isnull=False
    )
    order = with_basis(paid, terms).first()
    if order is None:
        raise NoSuchOrder
    earner = earner_of(member_id=order.member_id, at=order.paid_at)
    parts = parts_of([order], terms, by_line=True)[order.pk]
    earned = earned_for(order, parts=parts, terms=terms, earner=earner)
    return _as_tried(earned, terms, tried)


def simulate_sample(sample: Sample, *, tried: EarningRule | None = None) -> Earned:
    """Return what a sample would earn by today's rules, before caps."""
    terms = earning_terms(sample.occasion, tried=tried)
    is_order = sample.occasion == EarningRule.Occasion.ORDER
    tier = next((each for each in tiers() if each.code == sample.tier), None)
    line = {
        "line.category": _branch(sample.category),
        "line.brand": sample.brand,
        "event.number": sample.number,
    }
    if not is_order:
        facts = member_facts(
            tier_code=sample.tier, joined_at=None, birth_month=None, at=sample.at
        )
        facts = {**facts, **time_facts(sample.at), **line}
        event = Occurrence(sample.at, (Part(),), facts, sample.number)
        return evaluate(terms.rules_in(tried and tried.currency_id), event)
    purchase = Purchase(
        at=sample.at,
        amount_minor=sample.amount_minor,
        channel=sample.channel,
        is_first=sample.is_first,
        tier_code=sample.tier,
    )
    part = Part(1, sample.amount_minor, sample.units, line)
    earned = earned_by(purchase, parts=[part], terms=terms, earner=Earner(tier))
    return _as_tried(earned, terms, tried)


def _as_tried(earned: Earned, terms: EarningTerms, tried: EarningRule | None) -> Earned:
    """Return what is earned in the currency that a tried rule awards."""
    if tried is None or tried.currency_id is None:
        return earned
    return evaluate(terms.rules_in(tried.currency_id), earned.occurrence)


def _branch(code: str) -> frozenset[str]:
    """Return a category and all above it."""
    found = Category.objects.filter(code=code).values_list("lineage", flat=True)
    lineage = found.first() or []
    above = Category.objects.filter(pk__in=lineage)
    return frozenset(above.values_list("code", flat=True))
