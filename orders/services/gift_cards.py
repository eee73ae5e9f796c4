"""Gift cards: issued when their order is paid, redeemed once, voided by a refund."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.allowances import Rate, give_back, spend
from crm.shared.audit import record_audit
from crm.shared.blind_index import blind_lookup
from crm.shared.errors import Refusal
from members.models import Member, RevealBudget
from members.services.revealing import spend as spend_reveal
from orders.models import GiftCard, OrderLine, Product, Refund, WalletEntry
from orders.rules.gift_codes import is_well_formed, new_code, tidy
from orders.rules.lifecycle import STANDING
from orders.services.moving import lock_order
from orders.services.wallets import NoReasonGiven, book_entry, lock_wallet

#: Wrong codes: of one member, and from one caller, whoever signs in there (C5).
WRONG_BY_MEMBER = Rate("gift-card:member", 10, timedelta(minutes=10))
WRONG_BY_CALLER = Rate("gift-card:caller", 30, timedelta(minutes=10))


class GiftCardNotValid(Refusal):
    """This code is not valid."""

    code = "gift_card_not_valid"
    status = 422
    #: One answer for wrong, spent, voided and expired: it tells nothing to who guesses.
    message = _("This code is not valid.")


class GiftCardRedeemed(Refusal):
    """A gift card of this line has been redeemed and cannot be given back."""

    code = "gift_card_redeemed"
    message = _("A gift card of this line has been redeemed and cannot be given back.")


class CannotRedeem(Refusal):
    """This membership cannot redeem gift cards at the moment."""

    code = "member_not_active"
    message = _("This membership cannot redeem gift cards at the moment.")


class UnknownGiftCard(Refusal):
    """There is no such gift card."""

    code = "not_found"
    status = 404
    message = _("There is no such gift card.")


@transaction.atomic
def issue_gift_cards(*, order_id: int, now: datetime) -> list[GiftCard]:
    """Issue one card per sold unit of an order; again issues what is missing.

    A card is worth the list price of its unit, whatever the buyer paid for it.

    Returns:
        The cards this call issued.
    """
    lines = OrderLine.objects.filter(order=order_id, kind=Product.Kind.GIFT_CARD)
    # Most orders hold none: they are not locked for nothing.
    if not lines.exists():
        return []
    order = lock_order(order_id=order_id)
    # What another system sold it issued itself.
    if order.state not in STANDING or not order.is_ours:
        return []
    known = set(
        GiftCard.objects.filter(line__order=order).values_list("line_id", "number")
    )
    days = settings.GIFT_CARD_DAYS
    missing = [
        GiftCard(
            line=line,
            number=number,
            code=new_code(secrets.choice),
            amount_minor=line.unit_price_minor
            if line.list_price_minor is None
            else line.list_price_minor,
            issued_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
        for line in lines.order_by("position")
        for number in range(1, line.quantity + 1)
        if (line.pk, number) not in known
    ]
    return GiftCard.objects.bulk_create(
        [card for card in missing if card.amount_minor > 0]
    )


def redeem_gift_card(
    *, member_id: int, code: str, caller: str, now: datetime
) -> WalletEntry:
    """Put the whole value of a card into a member's wallet; again is harmless.

    Wrong codes are counted, right ones are not.

    Args:
        member_id: who gets it.
        code: as typed.
        caller: where from, as ``members.rules.devices.caller_of`` names callers.
        now: aware.

    Raises:
        TooOften: too many wrong codes in ten minutes.
        GiftCardNotValid: no card with this code can be redeemed.
        CannotRedeem: the membership is frozen or ended.
    """
    tries = [(WRONG_BY_MEMBER, str(member_id)), (WRONG_BY_CALLER, caller)]
    spend(tries, now=now)
    entry = _redeem(member_id, tidy(code), now)
    give_back(tries, now=now)
    return entry


@transaction.atomic
def _redeem(member_id: int, code: str, now: datetime) -> WalletEntry:
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if not member.may_spend:
        raise CannotRedeem
    if not is_well_formed(code):
        raise GiftCardNotValid
    lock_wallet(member_id=member_id)
    card = GiftCard.objects.filter(blind_lookup(GiftCard, "code_mark", code)).first()
    if card is None or not (_claim(card, member_id, now) or _is_mine(card, member_id)):
        raise GiftCardNotValid
    return book_entry(
        member_id=member_id,
        kind=WalletEntry.Kind.GIFT_CARD,
        amount_minor=card.amount_minor,
        source=f"gift_card:{card.public_id}",
        now=now,
    )


def _claim(card: GiftCard, member_id: int, now: datetime) -> bool:
    """Redeem a card by a conditional write: of rivals one wins."""
    good = GiftCard.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=now),
        pk=card.pk,
        state=GiftCard.State.ISSUED,
    )
    return bool(
        good.update(
            state=GiftCard.State.REDEEMED, redeemed_by_id=member_id, redeemed_at=now
        )
    )


def _is_mine(card: GiftCard, member_id: int) -> bool:
    return GiftCard.objects.filter(pk=card.pk, redeemed_by_id=member_id).exists()


@transaction.atomic
def void_gift_cards(*, refund: Refund, now: datetime) -> int:
    """Void one unused card per refunded unit; return how many.

    For the transaction that writes the refund's lines, under its order's lock. Cards
    not issued yet are issued first, so that none can come later.

    Raises:
        GiftCardRedeemed: fewer cards of a line are unused than units come back.
    """
    parts = list(
        refund.lines.filter(order_line__kind=Product.Kind.GIFT_CARD).values_list(
            "order_line_id", "quantity"
        )
    )
    if not parts:
        return 0
    issue_gift_cards(order_id=refund.order_id, now=now)
    voided = 0
    for line_id, quantity in parts:
        unused = GiftCard.objects.filter(line_id=line_id, state=GiftCard.State.ISSUED)
        chosen = unused.order_by("-number").select_for_update(no_key=True)[:quantity]
        ids = [card.pk for card in chosen]
        if unused.filter(pk__in=ids).update(
            state=GiftCard.State.VOIDED, refund=refund
        ) < min(quantity, GiftCard.objects.filter(line_id=line_id).count()):
            raise GiftCardRedeemed
        voided += len(ids)
    return voided


def restore_gift_cards(*, refund: Refund) -> int:
    """Make the cards a failed refund had voided good again; return how many."""
    return GiftCard.objects.filter(refund=refund, state=GiftCard.State.VOIDED).update(
        state=GiftCard.State.ISSUED, refund=None
    )


@transaction.atomic
def reveal_gift_card(*, card_id: int, actor: Any, reason: str, now: datetime) -> str:
    """Return the code of a card to staff who say why; leaves an audit entry.

    Counts as one of the day's budget of values shown in clear.

    Raises:
        NoReasonGiven, UnknownGiftCard, RevealBudgetSpent: as they say.
    """
    if not reason.strip():
        raise NoReasonGiven
    card = GiftCard.objects.filter(pk=card_id).first()
    if card is None:
        raise UnknownGiftCard
    spend_reveal(user_id=actor.pk, kind=RevealBudget.Kind.REVEAL, now=now)
    record_audit(
        actor=actor,
        action="gift_cards.reveal",
        obj=card,
        reason=reason.strip(),
        now=now,
    )
    return card.code
