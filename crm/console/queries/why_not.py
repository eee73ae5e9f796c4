"""What offers do on a cart, in the words of whoever answers a member's question."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from crm.console.queries.order_words import OFFER_KINDS
from crm.shared.money import display_amount
from members.models import Member
from orders.models import Cart
from orders.queries.carts import newest_open_cart, open_carts
from orders.reasons import floors_text, path_text, reason_text
from orders.rules.nearest import Path
from orders.rules.offers import Applied, Refused
from orders.rules.quotes import Quote
from orders.services.explaining import Explanation


@dataclass(frozen=True, slots=True)
class Answer:
    """What one offer does, in a sentence, and the way to it if it does nothing."""

    name: str
    kind: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What all offers do on one cart; empty lists where only a code was asked about."""

    cart: Cart
    total_minor: int
    applied: list[Answer]
    refused: list[Answer]
    skipped: list[Answer]
    holdings: list[Answer]
    left_out: int

    @property
    def sections(self) -> list[tuple[str, list[Answer]]]:
        """Return what there is to tell, under its headings."""
        every = [
            (_("Lowers the price"), self.applied),
            (_("Does nothing"), self.refused),
            (_("Gave way"), self.skipped),
            (_("Coupons in the wallet"), self.holdings),
        ]
        return [each for each in every if each[1]]


def cart_meant(text: str) -> Cart | None:
    """Return the cart with this id, or the one that a member is filling.

    Args:
        text: id of a cart, or number or id of a member, as typed.
    """
    wanted = text.strip()
    cart = open_carts().filter(public_id=wanted).first()
    if cart is not None:
        return cart
    numbers = Q(public_id=wanted) | Q(number=wanted.upper())
    member = Member.objects.filter(numbers).only("pk").first()
    return None if member is None else newest_open_cart(member_id=member.pk)


def answers_of(told: Explanation) -> Answers:
    """Put an explanation into words of the active language."""
    quote = told.priced.quote
    currency = quote.currency
    names = {each.source_id: each.name for each in quote.applied}

    def not_applied(entry, path: Path | None) -> Answer:
        text = reason_text(entry.why, currency)
        winner = names.get(entry.why.params.get("with", ""))
        if winner:
            text = _("%(reason)s It gave way to: %(name)s.") % {
                "reason": text,
                "name": winner,
            }
        return Answer(entry.name, _kind(entry), text, _way(path, currency))

    return Answers(
        cart=told.priced.cart,
        total_minor=quote.total_minor,
        applied=[
            Answer(each.name, _kind(each), _does(each, quote)) for each in told.applied
        ],
        refused=[not_applied(each.entry, each.path) for each in told.refused],
        skipped=[not_applied(each.entry, each.path) for each in told.skipped],
        holdings=[
            Answer(
                each.holding.name,
                _kind(each.holding),
                _of_holding(
                    each.holding.why, each.holding.saves_minor, currency=currency
                ),
                _way(each.path, currency),
            )
            for each in told.holdings
        ],
        left_out=told.left_out,
    )


def _of_holding(why: Refused | None, saves_minor: int, *, currency: str) -> str:
    return _saves(saves_minor, currency) if why is None else reason_text(why, currency)


def _kind(each) -> str:
    return str(OFFER_KINDS.get(each.source_kind, each.source_kind))


def _saves(minor: int, currency: str) -> str:
    return _("Saves %(amount)s.") % {"amount": display_amount(minor, currency)}


def _does(applied: Applied, quote: Quote) -> str:
    saves = _saves(applied.amount_minor, quote.currency)
    return f"{saves} {floors_text(applied, quote)}".strip()


def _way(path: Path | None, currency: str) -> str:
    if path is None:
        return ""
    return _("%(change)s Then it saves %(saves)s and %(total)s is to be paid.") % {
        "change": path_text(path, currency),
        "saves": display_amount(path.saves_minor, currency),
        "total": display_amount(path.total_minor, currency),
    }
