"""Prove that entries, lots, holds and balances tell the same story (P3)."""

from crm.shared.books import Verified, verify_books

#: What is compared -> query of (id, is, should be). Ids are members' or lots'.
_CHECKS = {
    "account {id}: balance less debt is {found}, the entries add up to {expected}": """
        SELECT a.member_id, a.balance - a.debt, coalesce(e.points, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id, sum(points) AS points
                       FROM loyalty_pointsentry GROUP BY 1) e
            ON e.account_id = a.member_id
         WHERE a.balance - a.debt <> coalesce(e.points, 0)""",
    "account {id}: balance is {found}, the lots hold {expected}": """
        SELECT a.member_id, a.balance, coalesce(l.points, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id, sum(remaining) AS points
                       FROM loyalty_pointslot GROUP BY 1) l
            ON l.account_id = a.member_id
         WHERE a.balance <> coalesce(l.points, 0)""",
    "account {id}: held is {found}, the lots hold back {expected}": """
        SELECT a.member_id, a.held, coalesce(l.points, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id, sum(held) AS points
                       FROM loyalty_pointslot GROUP BY 1) l
            ON l.account_id = a.member_id
         WHERE a.held <> coalesce(l.points, 0)""",
    "account {id}: held is {found}, the open holds are {expected}": """
        SELECT a.member_id, a.held, coalesce(h.points, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id, sum(points) AS points
                       FROM loyalty_pointshold WHERE state = 'open' GROUP BY 1) h
            ON h.account_id = a.member_id
         WHERE a.held <> coalesce(h.points, 0)""",
    "account {id}: earned in all is {found}, the entries say {expected}": """
        SELECT a.member_id, a.lifetime_earned, coalesce(e.points, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id,
                            sum(CASE kind WHEN 'earn' THEN points
                                ELSE (trace ->> 'earned')::bigint END) AS points
                       FROM loyalty_pointsentry
                      WHERE kind IN ('earn', 'transfer') GROUP BY 1) e
            ON e.account_id = a.member_id
         WHERE a.lifetime_earned <> coalesce(e.points, 0)""",
    "account {id}: its newest number is {found}, it has {expected} entries": """
        SELECT a.member_id, a.seq, coalesce(e.entries, 0)
          FROM loyalty_pointsaccount a
          LEFT JOIN (SELECT account_id, count(*) AS entries
                       FROM loyalty_pointsentry GROUP BY 1) e
            ON e.account_id = a.member_id
         WHERE a.seq <> coalesce(e.entries, 0)""",
    "entry {id}: balance after is {found}, the entries so far make {expected}": """
        SELECT id, balance_after, so_far
          FROM (SELECT id, balance_after, sum(points) OVER (
                         PARTITION BY account_id ORDER BY seq) AS so_far
                  FROM loyalty_pointsentry) e
         WHERE balance_after <> so_far""",
    "lot {id}: remaining is {found}, granted less taken is {expected}": """
        SELECT l.id, l.remaining, l.granted - coalesce(t.points, 0)
          FROM loyalty_pointslot l
          LEFT JOIN (SELECT lot_id, sum(points - restored) AS points
                       FROM loyalty_lottake GROUP BY 1) t ON t.lot_id = l.id
         WHERE l.remaining <> l.granted - coalesce(t.points, 0)""",
    "lot {id}: held is {found}, open holds reserve {expected}": """
        SELECT l.id, l.held, coalesce(t.points, 0)
          FROM loyalty_pointslot l
          LEFT JOIN (SELECT k.lot_id, sum(k.points) AS points
                       FROM loyalty_holdtake k
                       JOIN loyalty_pointshold h ON h.id = k.hold_id
                      WHERE h.state = 'open' GROUP BY 1) t ON t.lot_id = l.id
         WHERE l.held <> coalesce(t.points, 0)""",
    "entry {id}: it moved {found} points, its lots gave {expected}": """
        SELECT e.id, -e.points, coalesce(t.points, 0)
          FROM loyalty_pointsentry e
          LEFT JOIN (SELECT entry_id, sum(points) AS points
                       FROM loyalty_lottake GROUP BY 1) t ON t.entry_id = e.id
         WHERE (e.kind IN ('spend', 'expire', 'deduct')
                OR e.kind = 'gift' AND e.points < 0)
           AND -e.points <> coalesce(t.points, 0)""",
    "entry {id}: it brought {found} points, lots got {expected}": """
        SELECT e.id, e.points, coalesce(l.granted, 0)
          FROM loyalty_pointsentry e
          LEFT JOIN loyalty_pointslot l ON l.entry_id = e.id
         WHERE (e.kind IN ('earn', 'grant', 'opening', 'reinstate')
                OR e.kind = 'gift' AND e.points > 0)
           AND e.points <> coalesce(l.granted, 0)""",
    "hold {id}: it reserves {found} points, its lots give {expected}": """
        SELECT h.id, h.points, coalesce(t.points, 0)
          FROM loyalty_pointshold h
          LEFT JOIN (SELECT hold_id, sum(points) AS points
                       FROM loyalty_holdtake GROUP BY 1) t ON t.hold_id = h.id
         WHERE h.points <> coalesce(t.points, 0)""",
    # A spending and what gave it back may stand in two accounts that were merged.
    "account {id}: its lots say {found} came back, its entries {expected}": """
        WITH book AS (
            SELECT member_id, least(member_id, (SELECT min(other)
                     FROM unnest(merged_with) other)) AS first
              FROM loyalty_pointsaccount),
        back AS (
            SELECT e.account_id, t.returned, 0 AS points
              FROM loyalty_lottake t JOIN loyalty_pointsentry e ON e.id = t.entry_id
             WHERE t.returned > 0
             UNION ALL
            SELECT account_id, 0,
                   points + coalesce((trace ->> 'debt_back')::bigint, 0)
              FROM loyalty_pointsentry WHERE kind = 'return')
        SELECT b.first, sum(back.returned), sum(back.points)
          FROM back JOIN book b ON b.member_id = back.account_id
         GROUP BY 1 HAVING sum(back.returned) <> sum(back.points)""",
    "lot {id}: it is of member {found}, its entry of {expected}": """
        SELECT l.id, l.account_id, e.account_id
          FROM loyalty_pointslot l
          JOIN loyalty_pointsentry e ON e.id = l.entry_id
          JOIN loyalty_pointsaccount a ON a.member_id = l.account_id
         WHERE l.account_id <> e.account_id
           AND NOT e.account_id = ANY (a.merged_with)""",
    "counted entry {id}: it brought {found}, {expected} of it was taken back": """
        SELECT e.id, e.value_minor, -sum(r.value_minor)
          FROM loyalty_qualifyingentry r
          JOIN loyalty_qualifyingentry e ON e.id = r.reverses_id
         GROUP BY e.id
        HAVING -sum(r.value_minor) NOT BETWEEN 0 AND e.value_minor
            OR bool_or(r.currency_id <> e.currency_id)""",
    "member {id}: the counted entries make {found}, less than {expected}": """
        SELECT member_id, sum(value_minor), 0
          FROM loyalty_qualifyingentry WHERE currency_id <> 'value'
         GROUP BY member_id, currency_id HAVING sum(value_minor) < 0""",
}
#: An entry belongs to the first month that ends after it and was closed after it.
_CLOSE_CHECKS = {
    "month {id}: it moved {found} points, its entries {expected}": """
        WITH closes AS (
            SELECT row_number() OVER (ORDER BY month) AS place, month, closing,
                   coalesce(lag(closing) OVER (ORDER BY month), 0) AS before
              FROM loyalty_pointsclose),
        edges AS (
            SELECT array_agg(ends_at ORDER BY month) AS ends,
                   array_agg(last_entry ORDER BY month) AS lasts
              FROM loyalty_pointsclose),
        booked AS (
            SELECT 1 + greatest(width_bucket(e.occurred_at, edges.ends),
                                width_bucket(e.id - 1, edges.lasts)) AS place,
                   sum(e.points) AS points
              FROM loyalty_pointsentry e, edges
             WHERE edges.ends IS NOT NULL GROUP BY 1)
        SELECT to_char(c.month, 'YYYY-MM'), c.closing - c.before,
               coalesce(b.points, 0)
          FROM closes c LEFT JOIN booked b USING (place)
         WHERE c.closing - c.before <> coalesce(b.points, 0)""",
    "month {id}: it opens with {found}, the one before closed with {expected}": """
        SELECT to_char(month, 'YYYY-MM'), opening, before
          FROM (SELECT month, opening, lag(closing) OVER (ORDER BY month) AS before
                  FROM loyalty_pointsclose) c
         WHERE opening <> before""",
    "month {id}: it closes with {found}, its kinds make {expected}": """
        SELECT to_char(c.month, 'YYYY-MM'), c.closing, c.opening + s.points
          FROM loyalty_pointsclose c
         CROSS JOIN LATERAL (
               SELECT coalesce(sum(value::bigint), 0) AS points
                 FROM (SELECT value FROM jsonb_each_text(c.moved) UNION ALL
                       SELECT value FROM jsonb_each_text(c.late)) v) s
         WHERE c.closing <> c.opening + s.points""",
}


def verify_ledger() -> Verified:
    """Compare everything the points ledger says twice, at one moment."""
    return verify_books(
        checks=_CHECKS | _CLOSE_CHECKS,
        accounts="loyalty_pointsaccount",
        entries="loyalty_pointsentry",
    )
