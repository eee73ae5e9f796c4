"""Whom a look at tiers may concern since the one before it: by indexes, not by all.

A tier changes by what is counted, by a window that leaves something behind, or by a
date: of a term, a grace or a pin. Each of these is found by when it happened.
"""

from loyalty.queries.tier_measures import names_of
from loyalty.queries.tier_terms import LadderInForce

#: An end that was not looked at yet; a term in grace is looked at until it is settled.
_ENDED = """
SELECT member_id FROM loyalty_tierstanding
 WHERE ladder_id = %(ladder)s AND valid_until <= %(at)s
UNION ALL
SELECT member_id FROM loyalty_tierstanding
 WHERE ladder_id = %(ladder)s AND is_pinned AND pinned_until <= %(at)s"""
_PAID = """
SELECT member_id FROM orders_order WHERE paid_at BETWEEN {after} AND {until}"""
#: Of any counted currency, qualifying value among them.
_GATHERED = """
SELECT member_id FROM loyalty_qualifyingentry
 WHERE occurred_at BETWEEN {after} AND {until}"""
#: What else is counted -> whose it is, by when it happened.
_HAPPENED = {
    "spend": _PAID,
    "orders": _PAID,
    "points": """
SELECT coalesce(m.merged_into_id, m.id)
  FROM loyalty_pointsentry p JOIN members_member m ON m.id = p.account_id
 WHERE p.occurred_at BETWEEN {after} AND {until}""",
}
_ARRIVED = """
SELECT member_id FROM orders_order WHERE delivered_at BETWEEN {after} AND {until}"""
#: What is written now may have happened so long ago: news waits in queues.
_LATE = "%(since)s - interval '1 day'"
_LEFT = "- %(days)s * interval '1 day'"


def concerned(each: LadderInForce) -> str:
    """Return a SELECT of the members whom a look at ``at`` may concern.

    Its parameters are those of ``tier_measures.statement`` and ``since``, the moment of
    the look before, by the same terms and on the same day of the shop: periods begin
    at midnight. What is dated back further is looked at by whoever writes it.
    """
    terms = each.terms
    happened = [_HAPPENED.get(name, _GATHERED) for name in names_of(terms)]
    if terms.lifts_on == "delivery":
        happened.append(_ARRIVED)
    parts = [_ENDED, *(sql.format(after=_LATE, until="%(at)s") for sql in happened)]
    if terms.window == "days" and terms.window_days is not None:
        left = {"after": f"%(since)s {_LEFT}", "until": f"%(at)s {_LEFT}"}
        parts += [sql.format(**left) for sql in happened]
    return "\nUNION ALL".join(parts)
