"""Book what has ended: lots past their last day."""

from datetime import datetime

from crm.shared.planned import planned_cursor
from crm.shared.public_ids import new_public_id
from loyalty.models import PointsEntry, PointsLot
from loyalty.services.one_by_one import together_or_alone

#: Accounts and lots are taken as they are when they are locked, whatever stood there
#: when the statement began; so an account is booked as its last change left it. Public
#: ids are joined by their place: to find one in an array of texts, PostgreSQL walks
#: there from the first.
_EXPIRE = """
WITH due AS MATERIALIZED (
    SELECT l.id, l.account_id
      FROM loyalty_pointslot l
      JOIN loyalty_pointsaccount a ON a.member_id = l.account_id
     WHERE l.expires_at <= %(now)s AND l.is_open AND l.held = 0
       AND (NOT a.is_frozen OR a.is_fraud)
       AND (%(account)s::bigint IS NULL OR l.account_id = %(account)s)
     ORDER BY l.expires_at, l.id LIMIT %(limit)s
), account AS MATERIALIZED (
    SELECT member_id, seq, balance - debt AS net FROM loyalty_pointsaccount
     WHERE member_id IN (SELECT account_id FROM due) AND (NOT is_frozen OR is_fraud)
     ORDER BY member_id FOR NO KEY UPDATE SKIP LOCKED
), ended AS MATERIALIZED (
    SELECT l.id, l.account_id, l.expires_at, l.remaining AS points
      FROM due JOIN account ON member_id = due.account_id
      JOIN loyalty_pointslot l ON l.id = due.id
     WHERE l.expires_at <= %(now)s AND l.is_open AND l.held = 0
       FOR UPDATE OF l
), booked AS MATERIALIZED (
    SELECT ended.*, nextval('loyalty_pointsentry_id_seq') AS nr,
           row_number() OVER (ORDER BY account_id, expires_at, id) AS place,
           row_number() OVER mine AS nth, sum(points) OVER mine AS so_far
      FROM ended
    WINDOW mine AS (PARTITION BY account_id ORDER BY expires_at, id)
), entries AS (
    INSERT INTO loyalty_pointsentry (
        id, public_id, account_id, seq, kind, points, balance_after, source, reason,
        actor, trace, occurred_at)
    SELECT nr, public_id, account_id, seq + nth, %(kind)s, -points, net - so_far,
           'lot:' || id, '', '', '{}', expires_at
      FROM booked JOIN account ON member_id = account_id
      JOIN unnest(%(public_ids)s::text[]) WITH ORDINALITY AS drawn (public_id, place)
           USING (place)
), takes AS (
    INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
    SELECT nr, id, points, 0, 0 FROM booked
), lots AS (
    UPDATE loyalty_pointslot l SET remaining = 0, asked_back = 0
      FROM booked WHERE l.id = booked.id
), accounts AS (
    UPDATE loyalty_pointsaccount a
       SET balance = a.balance - gone.points, seq = a.seq + gone.entries
      FROM (SELECT account_id, sum(points) AS points, count(*) AS entries
              FROM booked GROUP BY account_id) gone
     WHERE a.member_id = gone.account_id
)
SELECT count(*) FROM booked
"""


def expire_lots(*, now: datetime, limit: int = 1_000) -> int:
    """Book ended lots, one entry each, dated at their end; return how many (P26).

    One statement for one lot or thousands. Nobody could spend them since their end
    anyway (P10). Lots with a reserved part wait until the hold is resolved (P13), those
    of frozen accounts until these are open again, unless it is for fraud (P14).
    Accounts in use by others are left to the next call. One that cannot be booked is
    logged, and stops no other (P29).

    Args:
        limit: most lots to book; call again until 0.
    """
    due = PointsLot.objects.filter(expires_at__lte=now, is_open=True, held=0)
    due = due.exclude(account__is_frozen=True, account__is_fraud=False)
    some = due.order_by("expires_at", "pk").values_list("account_id", flat=True)
    return together_or_alone(
        lambda: _expire(now, limit),
        ids=lambda: dict.fromkeys(some[:limit]),
        alone=lambda account_id: _expire(now, limit, account_id),
        what="the expiry of points",
    )


def _expire(now: datetime, limit: int, account_id: int | None = None) -> int:
    """Book ended lots, of one account or of all."""
    public_ids = [new_public_id("pte") for _lot in range(limit)]
    with planned_cursor() as cursor:
        cursor.execute(
            _EXPIRE,
            {
                "now": now,
                "limit": limit,
                "account": account_id,
                "kind": PointsEntry.Kind.EXPIRE.value,
                "public_ids": public_ids,
            },
        )
        return cursor.fetchone()[0]
