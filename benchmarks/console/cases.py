"""Which pages are compared, and the bare SQL that gives the same rows.

Each page comes with the *limit*, the least SQL by which its rows can be had from our
tables, and the *truth*, the same rows found another way: from the columns in clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from crm.shared.blind_index import blind, column_context, token_fingerprints
from members.models import Member
from members.rules.identity import name_tokens

ROWS = 25
#: Pages opened by their number, and one reached by the link of the page before.
DEEP_PAGES, REACHED_PAGE = (1_000, 5_000), 5_000
HITS = 10

MEMBER_NUMBER = r"M\d{9,18}"
ENTRY_SOURCE = r"order:\d{9}"
ORDER_NUMBER = r"\d{6}-[0-9A-F]{8}"

_LIST = "/admin/members/member/"
_LEDGER = "/admin/loyalty/pointsentry/"
_ORDERS = "/admin/orders/order/"

_MEMBERS = """SELECT m.number, m.public_id, m.name, m.phone, m.state, t.name, t.color,
    a.balance, a.held, a.is_frozen, v.net_minor, v.last_order_at
    FROM members_member m
    LEFT JOIN loyalty_pointsaccount a ON a.member_id = m.id
    LEFT JOIN loyalty_tier t ON t.id = a.tier_id
    LEFT JOIN loyalty_membervalue v ON v.member_id = m.id"""
_NEWEST = f"ORDER BY m.joined_at DESC, m.id DESC LIMIT {ROWS}"
_ENTRIES = """SELECT e.source, e.public_id, e.occurred_at, m.number, e.kind, e.points,
    e.balance_after, e.reason, e.actor FROM loyalty_pointsentry e
    JOIN members_member m ON m.id = e.account_id"""
_BOUGHT = """SELECT o.number, o.placed_at, m.number, o.state, c.name, o.total_minor,
    o.refunded_minor, o.region FROM orders_order o
    LEFT JOIN members_member m ON m.id = o.member_id
    LEFT JOIN orders_channel c ON c.id = o.channel_id"""
_PLAIN = """SELECT m.number FROM members_member m
    JOIN benchmark_plainmember p ON p.member_id = m.id"""


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement whose first column names the rows."""

    text: str
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One page of ours, its peer, and the SQL of its rows."""

    name: str
    ours: str
    stock: str
    limit: Sql
    truth: Sql
    #: The page whose link to the next one leads to ours; "" where its address is known.
    reached_from: str = ""
    #: Pattern of what names a row.
    rows: str = MEMBER_NUMBER
    #: False where substring search finds more than was asked for.
    stock_finds_the_same: bool = True
    #: Other statements a page of these rows cannot do without.
    also: Sequence[Sql] = field(default=())
    #: False where the page has an order of its own.
    in_order: bool = True


def cases() -> list[Case]:
    """Return the pages, for the crowd that is there now."""
    return [*_member_lists(), *_searches(), *_ledgers(), *_other_pages()]


def _one(sql: str, *values: Any) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def _deep(page: int, name: str, **more: Any) -> Case:
    """Return a page of the newest members far down."""
    above = _one(
        "SELECT joined_at, id FROM members_member ORDER BY joined_at DESC, id DESC "
        "OFFSET %s LIMIT 1",
        (page - 1) * ROWS - 1,
    )
    return Case(
        name.format(page),
        f"{_LIST}?p={page}",
        f"{_LIST}?p={page}",
        Sql(f"{_MEMBERS} WHERE (m.joined_at, m.id) < (%s, %s) {_NEWEST}", above),
        Sql(
            "SELECT number FROM members_member ORDER BY id DESC "
            f"OFFSET {(page - 1) * ROWS} LIMIT {ROWS}"
        ),
        **more,
    )


def _deep_pages() -> list[Case]:
    # The last page is read from its end: it would be no deep page.
    (members,) = _one("SELECT count(*) FROM members_member")
    most = members // ROWS - 1
    by_number = sorted({min(page, most) for page in DEEP_PAGES})
    reached = min(REACHED_PAGE, most)
    before = f"{_LIST}?p={reached - 1}"
    return [
        *(_deep(page, "members, page {:,d}") for page in by_number),
        _deep(reached, "members, page {:,d} by next", reached_from=before),
    ]


def _member_lists() -> list[Case]:
    (gold,) = _one("SELECT id FROM loyalty_tier WHERE code = 'gold'")
    by_tier = f"{_LIST}?points_account__tier__id__exact={gold}"
    first = Sql(f"{_MEMBERS} {_NEWEST}")
    top = f"{_MEMBERS} WHERE v.net_minor IS NOT NULL"
    top = f"{top} ORDER BY v.net_minor DESC, m.joined_at DESC LIMIT {ROWS}"
    return [
        Case(
            "members",
            _LIST,
            _LIST,
            first,
            Sql(f"SELECT number FROM members_member ORDER BY id DESC LIMIT {ROWS}"),
        ),
        *_deep_pages(),
        Case(
            "members of a tier",
            by_tier,
            by_tier,
            Sql(f"{_MEMBERS} WHERE a.tier_id = %s {_NEWEST}", (gold,)),
            # The crowd's own rule: every twentieth but every hundredth.
            Sql(
                "SELECT number FROM members_member WHERE id %% 20 = 0 "
                "AND id %% 100 > 0 "
                f"ORDER BY id DESC LIMIT {ROWS}"
            ),
        ),
        *_of_a_city(),
        Case(
            "members by spend",
            # The first column holds the check boxes.
            f"{_LIST}?o=-6",
            f"{_LIST}?o=-6",
            Sql(top),
            Sql(
                "SELECT m.number FROM members_member m JOIN orders_order o "
                "ON o.member_id = m.id GROUP BY m.id "
                f"ORDER BY sum(o.paid_minor) DESC, m.id DESC LIMIT {ROWS}"
            ),
            # Stock sorts those who never bought before those who bought most.
            stock_finds_the_same=False,
        ),
    ]


def _of_a_city() -> list[Case]:
    """Return a filter by a text, alone and beside a rare state."""
    frozen = ("state__exact=frozen", "m.state = 'frozen'", "id %% 50 = 0")
    return [
        Case(
            name,
            f"{_LIST}?city=杭州&{query}",
            f"{_LIST}?city=杭州&{query}",
            Sql(f"{_MEMBERS} WHERE m.city = '杭州' AND {limit} {_NEWEST}"),
            # The crowd's own rule: every ninth lives there.
            Sql(
                "SELECT number FROM members_member WHERE id %% 9 = 1 "
                f"AND {truth} ORDER BY id DESC LIMIT {ROWS}"
            ),
        )
        for name, (query, limit, truth) in {
            "members of a city": ("", "TRUE", "TRUE"),
            "frozen members of a city": frozen,
        }.items()
    ]


def _searches() -> list[Case]:
    """Return one search of each kind; the member looked for is in the middle."""
    number, phone = _one(
        "SELECT m.number, p.phone FROM members_member m JOIN benchmark_plainmember p "
        "ON p.member_id = m.id WHERE m.id = (SELECT max(id) / 2 FROM members_member)"
    )
    tail = phone[-4:]
    typed = phone.removeprefix("+86")

    def search(name, text, condition, value, truth, seen, **more) -> Case:
        return Case(
            name,
            f"{_LIST}?q={text}",
            f"{_LIST}?q={text}",
            Sql(f"{_MEMBERS} WHERE {condition} {_NEWEST}", (value,)),
            Sql(f"{_PLAIN} WHERE {truth} ORDER BY m.id DESC LIMIT {ROWS}", (seen,)),
            **more,
        )

    return [
        search("number", number, "m.number = %s", number, "m.number = %s", number),
        search(
            "phone",
            typed,
            "m.phone_index = %s",
            blind(Member, "phone_index", phone),
            "p.phone = %s",
            phone,
        ),
        search(
            "last four digits",
            tail,
            "m.phone_tail_index = %s",
            blind(Member, "phone_tail_index", tail),
            "right(p.phone, 4) = %s",
            tail,
            stock_finds_the_same=False,
        ),
        search(
            "name, two characters",
            "王静",
            "m.name_tokens @> %s",
            name_fingerprints("王静"),
            "p.name LIKE %s",
            "%王静%",
        ),
        search(
            "pinyin initials",
            "wj",
            "m.name_tokens @> %s",
            name_fingerprints("wj"),
            "p.initials LIKE %s",
            "%wj%",
        ),
    ]


def name_fingerprints(text: str) -> list[bytes]:
    """Return the index entries a name must hold to be found by ``text``."""
    column = Member._meta.get_field("name_tokens")
    return token_fingerprints(name_tokens(text), column_context(column))


def _ledgers() -> list[Case]:
    newest = f"ORDER BY e.occurred_at DESC, e.id DESC LIMIT {ROWS}"
    newest_orders = f"ORDER BY o.placed_at DESC, o.id DESC LIMIT {ROWS}"
    number, pk = _one(
        "SELECT m.number, m.id FROM members_member m JOIN loyalty_membervalue v "
        "ON v.member_id = m.id ORDER BY v.orders DESC, m.id LIMIT 1"
    )
    return [
        Case(
            "points ledger",
            _LEDGER,
            _LEDGER,
            Sql(f"{_ENTRIES} {newest}"),
            Sql(
                f"SELECT source FROM loyalty_pointsentry ORDER BY id DESC LIMIT {ROWS}"
            ),
            rows=ENTRY_SOURCE,
        ),
        Case(
            "points ledger, one member",
            f"{_LEDGER}?q={number}",
            f"{_LEDGER}?q={number}",
            Sql(f"{_ENTRIES} WHERE e.account_id = %s {newest}", (pk,)),
            Sql(
                "SELECT source FROM loyalty_pointsentry WHERE account_id = %s "
                f"ORDER BY id DESC LIMIT {ROWS}",
                (pk,),
            ),
            rows=ENTRY_SOURCE,
        ),
        Case(
            "points ledger, a rare kind",
            f"{_LEDGER}?kind__exact=grant",
            f"{_LEDGER}?kind__exact=grant",
            Sql(f"{_ENTRIES} WHERE e.kind = 'grant' {newest}"),
            # The crowd's own rule.
            Sql(
                "SELECT source FROM loyalty_pointsentry WHERE id %% 1000 = 7 "
                f"ORDER BY id DESC LIMIT {ROWS}"
            ),
            rows=ENTRY_SOURCE,
        ),
        Case(
            "orders",
            _ORDERS,
            _ORDERS,
            Sql(f"{_BOUGHT} {newest_orders}"),
            Sql(f"SELECT number FROM orders_order ORDER BY id DESC LIMIT {ROWS}"),
            rows=ORDER_NUMBER,
        ),
        Case(
            "orders of one member",
            f"{_ORDERS}?q={number}",
            f"{_ORDERS}?q={number}",
            Sql(f"{_BOUGHT} WHERE o.member_id = %s {newest_orders}", (pk,)),
            Sql(
                "SELECT number FROM orders_order WHERE member_id = %s "
                f"ORDER BY id DESC LIMIT {ROWS}",
                (pk,),
            ),
            rows=ORDER_NUMBER,
        ),
    ]


def _other_pages() -> list[Case]:
    pk, public_id = _one(
        "SELECT m.id, m.public_id FROM members_member m JOIN loyalty_membervalue v "
        "ON v.member_id = m.id WHERE v.orders = 6 ORDER BY m.id LIMIT 1"
    )
    orders = "SELECT number, placed_at, state, total_minor FROM orders_order"
    orders = f"{orders} WHERE member_id = %s"
    found = f"{_MEMBERS} WHERE m.name_tokens @> %s"
    newest = f"ORDER BY m.joined_at DESC, m.id DESC LIMIT {HITS}"
    return [
        Case(
            "member page",
            f"{_LIST}{public_id}/360/",
            f"{_LIST}{pk}/change/",
            Sql(f"{orders} ORDER BY placed_at DESC", (pk,)),
            Sql(f"{orders} ORDER BY id DESC", (pk,)),
            rows=ORDER_NUMBER,
            also=[
                Sql(f"{_MEMBERS} WHERE m.id = %s", (pk,)),
                Sql(f"{_ENTRIES} WHERE e.account_id = %s ORDER BY e.id DESC", (pk,)),
            ],
        ),
        Case(
            "palette (peer: list search)",
            "/admin/search/?s=王静",
            f"{_LIST}?q=王静",
            Sql(f"{found} {newest}", (name_fingerprints("王静"),)),
            Sql(
                f"{_PLAIN} WHERE p.name LIKE %s ORDER BY m.id DESC LIMIT {HITS}",
                ("%王静%",),
            ),
            stock_finds_the_same=False,
        ),
    ]
