"""Book what has ended: lots past their last day."""

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from loyalty.models import PointsAccount, PointsLot
from loyalty.rules.lots import spending_order
from loyalty.services.posting import book_of, lot_of, post


@transaction.atomic
def expire_lots(*, now: datetime, limit: int = 1_000) -> int:
    """Book ended lots, one entry each, dated at their end; return how many (P26).

    Set-based: the same few statements for one lot or a thousand. Nobody could spend
    them since their end anyway (P10). Lots with a reserved part wait until the hold is
    resolved (P13), those of frozen accounts until these are open again, unless it is
    for fraud (P14). Accounts in use by others are left to the next call.

    Args:
        limit: most lots to look at; call again until 0.
    """
    ended = PointsLot.objects.filter(
        Q(account__is_frozen=False) | Q(account__is_fraud=True),
        expires_at__lte=now,
        remaining__gt=0,
        held=0,
    ).order_by("expires_at", "id")
    members = set(ended.values_list("account_id", flat=True)[:limit])
    accounts = {
        account.pk: account
        for account in PointsAccount.objects.select_for_update(
            skip_locked=True, no_key=True
        )
        .filter(pk__in=members)
        .order_by("pk")
    }
    # Read again under the lock: what was found before may be spent by now.
    lots = defaultdict(list)
    for row in ended.filter(account_id__in=accounts, remaining__gt=F("held")):
        lots[row.account_id].append(lot_of(row))
    books = []
    for member_id, account in accounts.items():
        book = book_of(account, lots=spending_order(lots[member_id]))
        for lot in book.lots:
            book.expire(lot)
        books.append(book)
    return len(post(books))
