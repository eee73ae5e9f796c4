"""Prove that wallets, their entries and what is held tell the same story."""

from dataclasses import dataclass

from django.db import connection, transaction

#: Large books take a while; nothing is locked.
_STATEMENT_TIMEOUT = "10min"
#: Findings listed per check; broken books can have millions.
_MOST = 100

#: What is compared -> query of (id, is, should be).
_CHECKS = {
    "wallet {id}: balance is {found}, the entries add up to {expected}": """
        SELECT w.member_id, w.balance_minor, coalesce(e.amount, 0)
          FROM orders_wallet w
          LEFT JOIN (SELECT wallet_id, sum(amount_minor) AS amount
                       FROM orders_walletentry GROUP BY 1) e
            ON e.wallet_id = w.member_id
         WHERE w.balance_minor <> coalesce(e.amount, 0)""",
    "wallet {id}: held is {found}, unpaid orders hold {expected}": """
        SELECT coalesce(w.member_id, h.member_id), coalesce(w.held_minor, 0),
               coalesce(h.amount, 0)
          FROM orders_wallet w
          FULL JOIN (SELECT o.member_id, sum(p.amount_minor) AS amount
                       FROM orders_payment p JOIN orders_order o ON o.id = p.order_id
                      WHERE p.state = 'held' GROUP BY 1) h
            ON h.member_id = w.member_id
         WHERE coalesce(w.held_minor, 0) <> coalesce(h.amount, 0)""",
    "wallet {id}: its newest number is {found}, it has {expected} entries": """
        SELECT w.member_id, w.seq, coalesce(e.entries, 0)
          FROM orders_wallet w
          LEFT JOIN (SELECT wallet_id, count(*) AS entries
                       FROM orders_walletentry GROUP BY 1) e
            ON e.wallet_id = w.member_id
         WHERE w.seq <> coalesce(e.entries, 0)""",
    "entry {id}: balance after is {found}, the entries so far make {expected}": """
        SELECT id, balance_after_minor, so_far
          FROM (SELECT id, balance_after_minor, sum(amount_minor)
                       OVER (PARTITION BY wallet_id ORDER BY seq) AS so_far
                  FROM orders_walletentry) e
         WHERE balance_after_minor <> so_far""",
    "gift card {id}: redeemed for {found}, booked are {expected}": """
        SELECT g.id, g.amount_minor, coalesce(e.amount_minor, 0)
          FROM orders_giftcard g
          LEFT JOIN orders_walletentry e
            ON e.kind = 'gift_card' AND e.source = 'gift_card:' || g.public_id
         WHERE g.state = 'redeemed'
           AND g.amount_minor <> coalesce(e.amount_minor, 0)""",
}


@dataclass(frozen=True, slots=True)
class WalletsVerified:
    """How much was looked at, and one sentence per difference."""

    wallets: int
    entries: int
    findings: tuple[str, ...]


@transaction.atomic
def verify_wallets() -> WalletsVerified:
    """Compare balances, entries, holds and gift cards at one moment; change nothing."""
    findings: list[str] = []
    with connection.cursor() as cursor:
        # One snapshot for all checks: sums of a living shop must not straddle a sale.
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT]
        )
        for sentence, query in _CHECKS.items():
            cursor.execute(f"{query} ORDER BY 1 LIMIT {_MOST}")  # noqa: S608
            findings += [
                sentence.format(id=pk, found=found, expected=expected)
                for pk, found, expected in cursor.fetchall()
            ]
        cursor.execute(
            "SELECT (SELECT count(*) FROM orders_wallet),"
            " (SELECT count(*) FROM orders_walletentry)"
        )
        wallets, entries = cursor.fetchone()
    return WalletsVerified(wallets, entries, tuple(findings))
