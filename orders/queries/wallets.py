"""A member's stored value, and the gift cards of an order."""

from django.db.models import QuerySet

from orders.models import GiftCard, Wallet, WalletEntry


def wallet_of(*, member_id: int) -> Wallet:
    """Return a member's wallet; an empty one, not stored, when there is none yet."""
    found = Wallet.objects.filter(pk=member_id).first()
    return found or Wallet(member_id=member_id)


def wallet_entries(*, member_id: int) -> QuerySet[WalletEntry]:
    """Return every movement of a member's stored value."""
    return WalletEntry.objects.filter(wallet_id=member_id)


def cards_of_order(*, order_id: int) -> QuerySet[GiftCard]:
    """Return the cards an order bought, unit by unit."""
    cards = GiftCard.objects.filter(line__order_id=order_id).select_related("line")
    return cards.order_by("line__position", "number")
