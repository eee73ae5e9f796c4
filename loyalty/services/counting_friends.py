"""Counting the friends of an inviter within the cap of a period (X5).

A count is one conditional write: whoever finds the period full gets none.
"""

from collections.abc import Collection

from django.db import connection

_TAKE = """
INSERT INTO loyalty_referraltally AS t (inviter_id, period, friends)
VALUES (%(inviter)s, %(period)s, 1)
ON CONFLICT (inviter_id, period)
DO UPDATE SET friends = t.friends + 1
        WHERE t.friends < %(most)s OR %(most)s IS NULL
"""
_GIVE_BACK = """
UPDATE loyalty_referraltally SET friends = friends - 1
 WHERE inviter_id = %(inviter)s AND period = %(period)s AND friends > 0
"""
_FORGET = """
DELETE FROM loyalty_referraltally WHERE inviter_id = ANY(%(inviters)s)
"""
_COUNT = """
INSERT INTO loyalty_referraltally (inviter_id, period, friends)
SELECT inviter_id, counted_in, count(*) FROM loyalty_referral
 WHERE inviter_id = ANY(%(inviters)s) AND state = 'rewarded' AND counted_in <> ''
 GROUP BY inviter_id, counted_in
"""


def take_place(*, inviter_id: int, period: str, most: int | None) -> bool:
    """Count one friend more in a period; False when it is full.

    Args:
        most: friends the period has room for, > 0; None is any number.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"inviter": inviter_id, "period": period, "most": most})
        return cursor.rowcount == 1


def give_place_back(*, inviter_id: int, period: str) -> None:
    """Count one friend less in a period."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, {"inviter": inviter_id, "period": period})


def count_friends(*, inviter_ids: Collection[int]) -> None:
    """Count the friends of inviters afresh, whose accounts are locked."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"inviters": list(inviter_ids)})
        cursor.execute(_COUNT, {"inviters": list(inviter_ids)})
