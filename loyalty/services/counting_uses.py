"""Counts of uses of benefits, made anew from the rows they count."""

from collections.abc import Collection
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from loyalty.models import Benefit, BenefitUse, RewardRedemption
from loyalty.rules.benefits import span_of
from members.models import Member

#: Bought uses stand in redemptions as ``<benefit>:<first day of the period>``.
_COUNT = """
WITH used AS (
    SELECT benefit_id, member_id, period_start, count(*) AS used, 0 AS bought
      FROM loyalty_benefituse WHERE member_id = ANY(%(members)s) AND state = 'used'
     GROUP BY 1, 2, 3
), bought AS (
    SELECT b.id AS benefit_id, r.member_id,
           split_part(r.result, ':', 2)::date AS period_start,
           0 AS used, count(*) AS bought
      FROM loyalty_rewardredemption r
      JOIN loyalty_benefit b ON b.public_id = split_part(r.result, ':', 1)
     WHERE r.member_id = ANY(%(members)s) AND r.kind = 'benefit'
       AND r.state = 'fulfilled'
     GROUP BY 1, 2, 3
)
INSERT INTO loyalty_benefittally (benefit_id, member_id, period_start, used, bought)
SELECT benefit_id, member_id, period_start, sum(used), sum(bought)
  FROM (SELECT * FROM used UNION ALL SELECT * FROM bought) counted
 GROUP BY 1, 2, 3
ON CONFLICT (member_id, benefit_id, period_start)
DO UPDATE SET used = EXCLUDED.used, bought = EXCLUDED.bought
"""
_LOCK = """
SELECT id FROM loyalty_benefittally WHERE member_id = ANY(%s) ORDER BY id
   FOR NO KEY UPDATE
"""
_CLEAR = """
UPDATE loyalty_benefittally SET used = 0, bought = 0 WHERE member_id = ANY(%s)
"""


@transaction.atomic
def count_uses_anew(*, member_ids: Collection[int]) -> None:
    """Make the counts of members what their uses and redemptions say.

    Years of membership are those of whoever has the uses now: what somebody else used
    before a merge counts in the year of the one who stays.
    """
    members = sorted(member_ids)
    _count_in_own_years(members)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [members])
        cursor.execute(_CLEAR, [members])
        cursor.execute(_COUNT, {"members": members})


def _count_in_own_years(members: list[int]) -> None:
    """Move uses and bought uses that are counted per cycle into their member's own."""
    cycle = Benefit.objects.filter(period=Benefit.Period.CYCLE)
    joined = dict(Member.objects.filter(pk__in=members).values_list("pk", "joined_at"))
    # Gifts are told apart by their sources, and dated by what they are for.
    uses = BenefitUse.objects.filter(
        member_id__in=members, benefit__in=cycle.exclude(kind__in=Benefit.GIFTS)
    ).only("member_id", "used_at")
    for use in uses:
        use.period_start = _start_of_year(use.used_at, joined[use.member_id])
    BenefitUse.objects.bulk_update(uses, ["period_start"])
    bought = RewardRedemption.objects.filter(
        member_id__in=members,
        kind="benefit",
        terms__benefit__in=list(cycle.values_list("pk", flat=True)),
    ).only("member_id", "result", "requested_at")
    for row in bought:
        benefit = row.result.partition(":")[0]
        start = _start_of_year(row.requested_at, joined[row.member_id])
        row.result = f"{benefit}:{start.isoformat()}"
    RewardRedemption.objects.bulk_update(bought, ["result"])


def _start_of_year(at: datetime, joined_at: datetime) -> date:
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    day, joined = (moment.astimezone(zone).date() for moment in (at, joined_at))
    return span_of(Benefit.Period.CYCLE, day, joined=joined).starts_on
