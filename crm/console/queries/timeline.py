"""What happened around one member, newest first, from nine tables in one query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Coupon, Message
from crm.care.models import Ticket
from crm.shared.fields import Sealed
from crm.shared.money import display_amount
from crm.shared.paging import open_cursor, seal_cursor
from loyalty.models import PointsEntry
from loyalty.note_words import note_words
from members.models import Member, Note
from members.services.waking import ABSENT, BACK
from orders.models import Order, Review

PAGE = 15
_SCOPE = "console.timeline"

#: Chip -> (label, permission to see it, icon).
KINDS: dict[str, tuple[Any, str, str]] = {
    "order": (gettext_lazy("Orders"), "orders.view_order", "receipt_long"),
    "points": (gettext_lazy("Points"), "loyalty.view_pointsentry", "stars"),
    "coupon": (gettext_lazy("Coupons"), "campaigns.view_coupon", "redeem"),
    "message": (gettext_lazy("Messages"), "campaigns.view_message", "outbox"),
    "review": (gettext_lazy("Reviews"), "orders.view_review", "reviews"),
    "ticket": (gettext_lazy("Tickets"), "care.view_ticket", "support_agent"),
    "tier": (gettext_lazy("Tiers"), "loyalty.view_tierchange", "military_tech"),
    "state": (
        gettext_lazy("Membership"),
        "members.view_lifecyclechange",
        "published_with_changes",
    ),
    "note": (gettext_lazy("Notes"), "members.view_note", "sticky_note_2"),
}

# Each part reads at most one page through its member index; the outer query merges.
# Columns: at, kind, id, public id, word, state, number, sealed text.
_PARTS = {
    "order": """SELECT placed_at AS at, 'order' AS kind, id, public_id, number AS word,
        state, total_minor AS amount, NULL::bytea AS sealed
        FROM orders_order WHERE member_id = %(member)s""",
    "points": """SELECT occurred_at AS at, 'points' AS kind, id, public_id,
        reason AS word, kind AS state, points AS amount, NULL::bytea AS sealed
        FROM loyalty_pointsentry WHERE account_id = %(member)s""",
    "coupon": """SELECT c.issued_at AS at, 'coupon' AS kind, c.id, c.public_id,
        CASE WHEN %(english)s AND t.name_en <> '' THEN t.name_en ELSE t.name END word,
        c.state, NULL::bigint AS amount, NULL::bytea AS sealed
        FROM campaigns_coupon c JOIN campaigns_coupontemplate t ON t.id = c.template_id
        WHERE c.member_id = %(member)s""",
    "message": """SELECT created_at AS at, 'message' AS kind, id, public_id,
        subject AS word, state, NULL::bigint AS amount, NULL::bytea AS sealed
        FROM campaigns_message WHERE member_id = %(member)s""",
    "review": """SELECT r.created_at AS at, 'review' AS kind, r.id, r.public_id,
        CASE WHEN %(english)s AND p.name_en <> '' THEN p.name_en ELSE p.name END word,
        r.state, r.rating::bigint AS amount, r.text AS sealed
        FROM orders_review r JOIN orders_product p ON p.id = r.product_id
        WHERE r.member_id = %(member)s""",
    "ticket": """SELECT created_at AS at, 'ticket' AS kind, id, public_id,
        '' AS word, state, NULL::bigint AS amount, subject AS sealed
        FROM care_ticket WHERE member_id = %(member)s""",
    "tier": """SELECT h.occurred_at AS at, 'tier' AS kind, h.id, '' AS public_id,
        CASE WHEN %(english)s AND t.name_en <> '' THEN t.name_en ELSE t.name END word,
        h.reason AS state, h.value_minor AS amount, NULL::bytea AS sealed
        FROM loyalty_tierchange h LEFT JOIN loyalty_tier t ON t.id = h.to_tier_id
        WHERE h.member_id = %(member)s""",
    "state": """SELECT occurred_at AS at, 'state' AS kind, id, '' AS public_id,
        reason AS word, to_state AS state, NULL::bigint AS amount, NULL::bytea AS sealed
        FROM members_lifecyclechange WHERE member_id = %(member)s""",
    "note": """SELECT created_at AS at, 'note' AS kind, id, public_id, '' AS word,
        '' AS state, NULL::bigint AS amount, text AS sealed
        FROM members_note WHERE member_id = %(member)s""",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    kind: str
    kind_label: str
    icon: str
    #: What it is, from the shop's data.
    text: str
    #: What became of it, in the language of the page.
    state: str
    #: Money or points, with sign and unit.
    amount: str
    link: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of moments and the way to older ones."""

    moments: list[Moment]
    next_cursor: str | None


def seen_kinds(user) -> list[str]:
    """Return the kinds of moments this login may see."""
    return [kind for kind, (_l, perm, _i) in KINDS.items() if user.has_perm(perm)]


def timeline(
    *,
    member_id: int,
    kinds: Sequence[str],
    english: bool,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Timeline:
    """Return what happened, newest first.

    Args:
        member_id: whose.
        kinds: keys of ``KINDS`` to look at; none gives an empty page.
        english: whether offers are named in English where they can be.
        cursor: from ``next_cursor`` of the page before.
        limit: moments of one page.

    Raises:
        InvalidCursor: it was not made here.
    """
    if not kinds:
        return Timeline([], None)
    values: dict[str, Any] = {
        "member": member_id,
        "english": english,
        "limit": limit + 1,
    }
    beyond = "TRUE"
    if cursor:
        values["at"], values["kind"], values["id"] = open_cursor(cursor, _SCOPE)
        beyond = "(at, kind, id) < (%(at)s, %(kind)s, %(id)s)"
    newest = "ORDER BY at DESC, kind DESC, id DESC LIMIT %(limit)s"
    union = " UNION ALL ".join(
        f"(SELECT * FROM ({_PARTS[kind]}) part WHERE {beyond} {newest})"  # noqa: S608
        for kind in kinds
    )
    with connection.cursor() as db:
        # The parts are constants of this module; values go as parameters.
        db.execute(f"SELECT * FROM ({union}) moments {newest}", values)  # noqa: S608
        rows = db.fetchall()
    page = rows[:limit]
    following = None
    if len(rows) > limit:
        last = page[-1]
        following = seal_cursor([last[0], last[1], last[2]], _SCOPE)
    return Timeline([_moment(row) for row in page], following)


def _moment(row: tuple) -> Moment:
    at, kind, pk, public_id, word, state, amount, sealed = row
    label, _permission, icon = KINDS[kind]
    if sealed is not None:
        word = Sealed(bytes(sealed), _CONTEXTS[kind]()).reveal(public_id)
    if kind == "state":
        word = _REASONS.get(word, word)
    if kind == "points":
        word = note_words(word, kind=state)
    state, amount = _WORDS[kind](state, amount)
    page = _LINKS.get(kind)
    return Moment(
        at=at,
        kind=kind,
        kind_label=str(label),
        icon=icon,
        text=str(word or ""),
        state=str(state),
        amount=amount,
        link=reverse(page, args=[pk]) if page else "",
    )


def _money(minor: int | None) -> str:
    return "" if minor is None else display_amount(minor, settings.SHOP_CURRENCY)


def _label(choices, code: str) -> Any:
    return dict(choices.choices).get(code, code)


_CONTEXTS: dict[str, Callable[[], str]] = {
    "ticket": lambda: Ticket._meta.get_field("subject").context,
    "review": lambda: Review._meta.get_field("text").context,
    "note": lambda: Note._meta.get_field("text").context,
}
#: Why programs moved a membership; what staff wrote stands as it is.
_REASONS = {
    ABSENT: gettext_lazy("not seen for a long time"),
    BACK: gettext_lazy("came back"),
}
_LINKS = {
    "order": "admin:orders_order_change",
    "points": "admin:loyalty_pointsentry_change",
    "coupon": "admin:campaigns_coupon_change",
    "message": "admin:campaigns_message_change",
    "review": "admin:orders_review_change",
    "ticket": "admin:care_ticket_change",
}
_WORDS: dict[str, Callable[[str, int | None], tuple[Any, str]]] = {
    "order": lambda state, n: (_label(Order.State, state), _money(n)),
    "points": lambda state, n: (
        _label(PointsEntry.Kind, state),
        _("%(points)s points") % {"points": f"{n:+,d}"},
    ),
    "coupon": lambda state, n: (_label(Coupon.State, state), ""),
    "message": lambda state, n: (_label(Message.State, state), ""),
    "review": lambda state, n: (_label(Review.State, state), "★" * (n or 0)),
    "ticket": lambda state, n: (_label(Ticket.State, state), ""),
    "tier": lambda state, n: (_("New tier"), ""),
    "state": lambda state, n: (_label(Member.State, state), ""),
    "note": lambda state, n: ("", ""),
}
