"""What we owe them for it.

Owns: points ledger, tiers, qualifying value. Stands on orders and members.
Publishes: ``PointsEarned``, ``TierChanged``. Answers: order and refund facts.
"""
