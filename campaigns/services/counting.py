"""Counting holds and uses of coupons within their limits (C8, C11).

A count is one conditional write of all slots a use takes; whoever finds one of them
full gets none.
"""

from collections.abc import Collection, Sequence

from django.utils.translation import gettext_lazy as _

from campaigns.rules.coupon_limits import Slot
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor

_TAKE = """
INSERT INTO campaigns_usetally AS t (template_id, whose, period, used, most)
SELECT %(template)s, s.whose, s.period, 1, s.most
  FROM unnest(%(whose)s::text[], %(periods)s::text[], %(most)s::int[])
       AS s (whose, period, most)
ON CONFLICT (template_id, whose, period)
DO UPDATE SET used = t.used + 1, most = EXCLUDED.most WHERE t.used < EXCLUDED.most
RETURNING t.id, t.whose, t.period
"""
#: Locked in the order in which they are taken; one key may come several times.
_GIVE_BACK = """
UPDATE campaigns_usetally t SET used = t.used - s.uses
  FROM (SELECT u.id, g.uses FROM campaigns_usetally u
          JOIN (SELECT key, count(*) AS uses FROM unnest(%s::bigint[]) key GROUP BY key)
            AS g ON g.key = u.id
         ORDER BY u.template_id, u.whose, u.period FOR NO KEY UPDATE OF u) s
 WHERE t.id = s.id
"""
_TAKE_CODE = """
UPDATE campaigns_publiccode SET used = used + 1
 WHERE id = %s AND is_active AND (limit_total IS NULL OR used < limit_total)
"""
_GIVE_CODE_BACK = """
UPDATE campaigns_publiccode SET used = used - 1 WHERE id = %s AND used > 0
"""

#: What both counted is added up under the winner's key; holds and uses follow it.
_JOIN_BOTH = """
WITH both_counted AS (
    SELECT l.id AS loser_id, w.id AS winner_id, l.used
      FROM campaigns_usetally l JOIN campaigns_usetally w
        ON w.period = l.period AND w.template_id = l.template_id
     WHERE l.whose = %(loser)s AND w.whose = %(winner)s
), added AS (
    UPDATE campaigns_usetally w
       SET used = w.used + b.used, most = greatest(w.most, w.used + b.used)
      FROM both_counted b WHERE w.id = b.winner_id
), followed AS (
    UPDATE campaigns_coupon c SET tallies = (
        SELECT array_agg(coalesce(b.winner_id, key))
          FROM unnest(c.tallies) key LEFT JOIN both_counted b ON b.loser_id = key)
     WHERE c.member_id = %(loser_id)s
       AND c.tallies && (SELECT array_agg(loser_id) FROM both_counted)
)
DELETE FROM campaigns_usetally t USING both_counted b WHERE t.id = b.loser_id
"""
_JOIN_REST = """
UPDATE campaigns_usetally SET whose = %(winner)s WHERE whose = %(loser)s
"""

MESSAGES = {
    "coupon_redemption_limit": _("This coupon has been used as often as it may be."),
    "coupon_member_limit": _("You have used this coupon as often as you may."),
    "coupon_timeframe_limit": _("This coupon has been used up for the moment."),
    "coupon_first_order_only": _("This coupon is for a first order only."),
}


class UseLimitReached(Refusal):
    """This coupon has been used as often as it may be."""

    code = "coupon_redemption_limit"
    status = 422
    message = MESSAGES["coupon_redemption_limit"]

    def __init__(self, reason: str = code) -> None:
        """Say which limit it is, as one of the codes of ``MESSAGES``."""
        super().__init__()
        self.code, self.message = reason, MESSAGES[reason]

    def __reduce__(self):
        """Survive pickling with the reason."""
        return (type(self), (self.code,))


def take_uses(*, template_id: int, slots: Sequence[Slot]) -> list[int]:
    """Count one use in every slot; return the keys of the tallies.

    Inside the transaction of what is used, which a refusal undoes.

    Args:
        slots: in the order of ``Limits.slots``, so that rivals wait and do not lock
            one another out.

    Raises:
        UseLimitReached: one of them is full.
    """
    if not slots:
        return []
    with planned_cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "template": template_id,
                "whose": [slot.whose for slot in slots],
                "periods": [slot.period for slot in slots],
                "most": [slot.most for slot in slots],
            },
        )
        taken = cursor.fetchall()
    got = {(whose, period) for _key, whose, period in taken}
    full = [slot for slot in slots if (slot.whose, slot.period) not in got]
    if full:
        raise UseLimitReached(full[0].reason)
    return [key for key, _whose, _period in taken]


def give_uses_back(*, tallies: Collection[int]) -> None:
    """Take back what ``take_uses`` counted."""
    if tallies:
        with planned_cursor() as cursor:
            cursor.execute(_GIVE_BACK, [list(tallies)])


def take_code_use(*, public_code_id: int) -> None:
    """Count one use of a public code, within its limit. One statement.

    Raises:
        UseLimitReached: the limit is reached or the code works no more.
    """
    with planned_cursor() as cursor:
        cursor.execute(_TAKE_CODE, [public_code_id])
        if not cursor.rowcount:
            raise UseLimitReached


def give_code_use_back(*, public_code_id: int) -> None:
    """Take back what ``take_code_use`` counted."""
    with planned_cursor() as cursor:
        cursor.execute(_GIVE_CODE_BACK, [public_code_id])


def join_tallies(*, loser_id: int, loser: str, winner: str) -> None:
    """Count what two members used as of one, in the transaction of their merge (C11).

    Args:
        loser_id: whose coupons still count under the loser's mark.
        loser, winner: how the two are written in tallies.
    """
    values = {"loser_id": loser_id, "loser": loser, "winner": winner}
    with planned_cursor() as cursor:
        cursor.execute(_JOIN_BOTH, values)
        cursor.execute(_JOIN_REST, values)
