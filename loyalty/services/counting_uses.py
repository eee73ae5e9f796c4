"""Counts of uses of benefits, made anew from the rows they count."""

from collections.abc import Collection

from django.db import connection, transaction

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
    """Make the counts of members what their uses and redemptions say."""
    members = sorted(member_ids)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [members])
        cursor.execute(_CLEAR, [members])
        cursor.execute(_COUNT, {"members": members})
