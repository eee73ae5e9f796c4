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
         WHERE e.kind IN ('spend', 'expire', 'deduct')
           AND -e.points <> coalesce(t.points, 0)""",
}


def verify_ledger() -> Verified:
    """Compare everything the points ledger says twice, at one moment."""
    return verify_books(
        checks=_CHECKS,
        accounts="loyalty_pointsaccount",
        entries="loyalty_pointsentry",
    )
