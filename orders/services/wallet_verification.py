"""Prove that wallets, their entries and what is held tell the same story."""

from crm.shared.books import Verified, verify_books

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


def verify_wallets() -> Verified:
    """Compare balances, entries, holds and gift cards at one moment; change nothing."""
    return verify_books(
        checks=_CHECKS,
        accounts="orders_wallet",
        entries="orders_walletentry",
    )
