"""What members have gathered of counted currencies: the sum of their entries."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from crm.shared.bilingual import in_request_language
from loyalty.models import VALUE, Currency, QualifyingEntry
from loyalty.rules.windows import period_of


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a member has of one currency, in whole units."""

    currency: Currency
    value: int

    @property
    def unit(self) -> str:
        """Return the word of its unit in the language of this request."""
        return in_request_language(self.currency.unit, self.currency.unit_en)


def others() -> QuerySet[Currency]:
    """Return the currencies that rules award: all but qualifying value."""
    return Currency.objects.exclude(code=VALUE)


def gathered(*, member_id: int, at: datetime) -> list[Gathered]:
    """Return what a member has of every active currency at ``at``, in two statements.

    Of one that begins anew every year what was gathered in this one, in the shop's
    zone. Qualifying value is told with the tier.
    """
    currencies = list(others().filter(is_active=True))
    if not currencies:
        return []
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    new_year, _end = period_of("year", at, joined_at=at, zone=zone)
    yearly = [each.code for each in currencies if each.resets_yearly]
    entries = QualifyingEntry.objects.filter(
        Q(occurred_at__gte=new_year) | ~Q(currency__in=yearly),
        member_id=member_id,
        currency__in=[each.code for each in currencies],
        occurred_at__lte=at,
    )
    sums = dict(
        entries.order_by()
        .values_list("currency_id")
        .annotate(value=Coalesce(Sum(F("value_minor")), 0))
    )
    return [Gathered(each, sums.get(each.code, 0)) for each in currencies]
