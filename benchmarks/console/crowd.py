"""A crowd of members with accounts, points, orders and values, made set-based.

Everything is decided by one seed. Names, phones and addresses are sealed and
indexed by the functions the shop itself uses, so that searches are real. Sums
agree: an account holds what its entries say, a value what its orders say.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db import connection

from benchmarks.console.bulk import in_bulk
from crm.shared.blind_index import blind, fingerprint
from crm.shared.fields import seal
from members.models import Member
from members.rules.identity import name_tokens
from members.rules.numbers import member_number

_FAMILIES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "静伟敏杰丽强磊军洋勇艳娟涛明超霞平刚文怡"
_REGIONS = ["上海", "北京", "广东", "浙江", "四川", "江苏"]
_SOURCES = ["app", "store", "import", "mini"]
_CITIES = ["上海", "杭州", "成都", "广州", "武汉", "西安", "南京", "Suzhou", ""]
_OCCUPATIONS = ["", *Member.Occupation.values]
_DEGREES = ["", *Member.Education.values]
_INTERESTS = ["coffee", "cooking", "garden", "reading", "sport", "travel"]
#: Days over which people joined and bought.
_DAYS = 900
#: The large tables that are written here.
TABLES = (
    *("members_member", "loyalty_pointsaccount", "loyalty_pointsentry"),
    *("orders_order", "loyalty_membervalue"),
)

_COLUMNS = """id, public_id, number, state, name, name_tokens, phone, phone_index,
    phone_tail_index, email, email_index, birthday, birth_month, gender, region,
    language, source, is_demo, joined_at, version, city, occupation, education,
    interests"""


@dataclass(frozen=True, slots=True)
class Person:
    """What nobody but this module knows in clear."""

    serial: int
    name: str
    phone: str
    email: str


def people(count: int) -> Iterator[Person]:
    """Return ``count`` invented people, always the same ones."""
    dice = random.Random(42)
    for serial in range(1, count + 1):
        given = "".join(dice.choices(_GIVEN, k=dice.choice((1, 2, 2))))
        # Odd and coprime to 10^10: no two serials share a number.
        tail = serial * 7_368_787_769 % 10**8
        yield Person(
            serial=serial,
            name=dice.choice(_FAMILIES) + given,
            phone=f"+86138{tail:08d}",
            email=f"person{serial}@example.com",
        )


def fill(*, members: int, entries: int, orders: int, now: datetime) -> None:
    """Fill an empty, migrated shop.

    Args:
        members: people who joined, each with a points account.
        entries: movements of points; divided evenly, so every member has the same.
        orders: purchases; a few members buy often, some never.
        now: the newest row is from just before.
    """
    with in_bulk(TABLES), connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.42)")
        _copy_members(cursor, members, now)
        for statement in _SET_BASED:
            cursor.execute(
                statement,
                {
                    "members": members,
                    "entries": entries,
                    "orders": orders,
                    "now": now,
                    "days": _DAYS,
                },
            )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}, orders_channel, loyalty_tier")


def _copy_members(cursor, members: int, now: datetime) -> None:
    step = timedelta(days=_DAYS) / members
    with cursor.copy(f"COPY members_member ({_COLUMNS}) FROM STDIN") as copy:
        for person in people(members):
            joined_at = now - step * (members - person.serial + 1)
            copy.write(_line(person, joined_at))


def _line(person: Person, joined_at: datetime) -> str:
    """Return a member as COPY reads it; psycopg takes three times as long for it."""
    serial = person.serial
    row = f"mem_{serial:026d}"
    month, day = 1 + serial % 12, 1 + serial % 28
    birthday = f"{1960 + serial % 45}-{month:02d}-{day:02d}"
    columns = (
        f"{serial}\t{row}\t{member_number(serial)}",
        "frozen" if serial % 50 == 0 else "active",
        _bytes(seal(Member, "name", row, person.name)),
        _tokens(person.name),
        _bytes(seal(Member, "phone", row, person.phone)),
        _index("phone_index", person.phone),
        _index("phone_tail_index", person.phone[-4:]),
        _bytes(seal(Member, "email", row, person.email)),
        _index("email_index", person.email),
        _bytes(seal(Member, "birthday", row, birthday)),
        str(month),
        ("female", "male", "")[serial % 3],
        _REGIONS[serial % len(_REGIONS)],
        "zh-hans",
        _SOURCES[serial % len(_SOURCES)],
        f"t\t{joined_at.isoformat()}\t0",
        _CITIES[serial % len(_CITIES)],
        _OCCUPATIONS[serial % len(_OCCUPATIONS)],
        _DEGREES[serial % len(_DEGREES)],
        f"{{{','.join(sorted({_INTERESTS[serial % 6], _INTERESTS[serial % 5]}))}}}",
    )
    return "\t".join(columns) + "\n"


def _bytes(value: bytes) -> str:
    return rf"\\x{value.hex()}"


def _index(column: str, normalised: str) -> str:
    """Return the blind index of a text that is written as it is compared.

    To find that out anew of each phone takes as long as all the rest of a row.
    """
    return _bytes(fingerprint(normalised, f"members_member.{column}"))


@cache
def _tokens(name: str) -> str:
    """Return the index of a name; it does not depend on the row."""
    tokens = blind(Member, "name_tokens", name) or []
    # Escaped twice: for the array, and for COPY.
    return "{" + ",".join(rf"\\\\x{token.hex()}" for token in tokens) + "}"


def plain_copy(members: int) -> None:
    """Write what is encrypted once more, in clear: the table of the stock admin."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE benchmark_plainmember ("
            "member_id bigint PRIMARY KEY REFERENCES members_member,"
            "name varchar(120), phone varchar(20), email varchar(254),"
            "initials varchar(20))"
        )
        with cursor.copy("COPY benchmark_plainmember FROM STDIN") as copy:
            for person in people(members):
                copy.write_row(
                    (
                        person.serial,
                        person.name,
                        person.phone,
                        person.email,
                        initials(person.name),
                    )
                )
        cursor.execute("ANALYZE benchmark_plainmember")


@cache
def initials(name: str) -> str:
    """Return the first letters of a name's pinyin, such as ``wj`` for 王静.

    >>> initials("王静")
    'wj'
    """
    readings = (name_tokens(character) for character in name)
    return "".join(min(t[0] for t in tokens if t.isascii()) for tokens in readings)


_SET_BASED = [
    """SELECT setval('members_member_serial', %(members)s),
              setval(pg_get_serial_sequence('members_member', 'id'), %(members)s)""",
    """INSERT INTO orders_channel (code, name, name_en) VALUES
       ('app', '应用', 'App'), ('mini', '小程序', 'Mini program'),
       ('store', '门店', 'Store')""",
    # Three of four stay on the lowest rung, one of a hundred reaches the highest.
    """INSERT INTO loyalty_pointsaccount (member_id, balance, held, debt,
           lifetime_earned, seq, tier_id, tier_since, is_frozen, frozen_at)
       SELECT m.id, 50 * n, 0, 0, 50 * n, n, t.id, m.joined_at, m.state = 'frozen',
           CASE WHEN m.state = 'frozen' THEN m.joined_at END
       FROM members_member m
       CROSS JOIN LATERAL (SELECT (%(entries)s + %(members)s - m.id) / %(members)s
                           AS n) share
       JOIN (SELECT id, row_number() OVER (ORDER BY threshold_minor) AS rung
             FROM loyalty_tier) t
         ON t.rung = CASE WHEN m.id %% 100 = 0 THEN 4 WHEN m.id %% 20 = 0 THEN 3
                          WHEN m.id %% 4 = 0 THEN 2 ELSE 1 END""",
    # The order of writing is the order of time, as in a shop.
    """INSERT INTO loyalty_pointsentry (public_id, account_id, seq, kind, points,
           balance_after, source, reason, actor, trace, occurred_at)
       SELECT 'pte_' || lpad(g::text, 26, '0'), 1 + (g - 1) %% %(members)s,
              1 + (g - 1) / %(members)s,
              CASE WHEN g %% 1000 = 7 THEN 'grant' ELSE 'earn' END, 50,
              50 * (1 + (g - 1) / %(members)s), 'order:' || lpad(g::text, 9, '0'),
              '', 'system', '{"rate": 100}',
              %(now)s - interval '1 day' * (%(days)s * (%(entries)s - g + 1.0)
                                            / %(entries)s)
       FROM generate_series(1, %(entries)s) g""",
    """INSERT INTO orders_order (public_id, number, member_id, channel_id, source,
           region, state, currency, goods_minor, discount_minor, freight_minor,
           total_minor, paid_minor, refunded_minor, points_spent, quote_hash,
           placed_at, paid_at)
       SELECT 'ord_' || lpad(g::text, 26, '0'),
              to_char(at, 'YYMMDD') || '-' || upper(lpad(to_hex(g), 8, '0')),
              1 + floor(%(members)s * power(random(), 1.5))::int,
              (SELECT min(id) FROM orders_channel) + g %% 3, 'storefront', '上海',
              CASE WHEN g %% 40 = 0 THEN 'shipped' ELSE 'completed' END, 'CNY',
              minor + 1000, 1000, 0, minor, minor, 0, 0, '', at, at
       FROM (SELECT g, 1000 + floor(random() * 90000)::int AS minor,
                    %(now)s - interval '1 day' * (%(days)s * (%(orders)s - g + 1.0)
                                                  / %(orders)s) AS at
             FROM generate_series(1, %(orders)s) g) drawn""",
    """INSERT INTO loyalty_membervalue (member_id, orders, net_minor, first_order_at,
           last_order_at)
       SELECT member_id, count(*), sum(paid_minor), min(placed_at), max(placed_at)
       FROM orders_order GROUP BY member_id""",
]
