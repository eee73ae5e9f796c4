"""Lists of a shop with 20,000 members: no page reads a large table from end to end.

Timing is left to ``benchmarks/console_lists.py``; what is asserted here is exact on
any machine: plans, numbers of queries, bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test import Client

from benchmarks.console.crowd import fill, people
from benchmarks.console.traces import leave_traces
from crm.shared.paging import EstimatedCountPaginator
from members.models import User
from members.rules.numbers import member_number

pytestmark = pytest.mark.slow

MEMBERS = 20_000
#: Tables that grow with the shop.
LARGE = {
    *("members_member", "members_consent", "loyalty_pointsaccount"),
    *("loyalty_pointsentry", "orders_order", "campaigns_coupon", "campaigns_message"),
    *("shared_auditentry", "shared_fact", "shared_delivery"),
}
#: Rows of such a table one question may read; all of them would be ten times more.
MOST_READ = MEMBERS // 10
#: Counting stops here, so that this shop is to it what a shop of two million members
#: is to the 10,000 that are counted in earnest.
EXACT_UP_TO = 100
COUNTING = "EXPLAIN (ANALYZE, BUFFERS OFF, SUMMARY OFF, TIMING OFF, FORMAT JSON) "
MOST_BYTES = 210 * 1024
ROWS = 25
MEMBER_LIST = "/admin/members/member/"
LEDGER = "/admin/loyalty/pointsentry/"
ORDERS = "/admin/orders/order/"


@dataclass
class Watched:
    """One page, how often it asked, and the rows that each question read."""

    answer: object
    statements: list[str]
    reads: list[tuple[int, str, str]]

    @property
    def too_much(self) -> list[tuple[int, str, str]]:
        """Return (rows, table, statement) wherever too many rows were read."""
        return [read for read in self.reads if read[0] > MOST_READ]


def rows_read(plan: dict) -> Iterator[tuple[int, str]]:
    """Return how many rows of which large table a plan read.

    Rows that a filter threw away were read, too. An index-only scan does not count:
    it skips to a page without touching the table.
    """
    table = plan.get("Relation Name")
    if table in LARGE and plan["Node Type"] != "Index Only Scan":
        each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield round(each * plan["Actual Loops"]), table
    for part in plan.get("Plans", []):
        yield from rows_read(part)


def watch(client: Client, path: str) -> Watched:
    """Open a page and count what every question it asks reads."""
    watched = Watched(None, [], [])

    def counted(execute, sql, params, many, context):
        watched.statements.append(sql)
        # A list is counted under EXPLAIN.
        question = sql.removeprefix(COUNTING)
        if question.lstrip(" (").upper().startswith(("SELECT", "WITH")):
            with connection.connection.cursor() as cursor:
                cursor.execute(
                    f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {question}", params
                )
                plan = cursor.fetchone()[0][0]["Plan"]
            watched.reads += [(n, table, sql) for n, table in rows_read(plan)]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counted):
        watched.answer = client.get(path)
    assert watched.answer.status_code == 200, path
    return watched


@pytest.fixture(autouse=True)
def small_counts(monkeypatch):
    monkeypatch.setattr(EstimatedCountPaginator, "exact_up_to", EXACT_UP_TO)


@pytest.fixture(scope="module")
def client(django_db_setup, django_db_blocker):
    """Return a signed-in client of a large shop, made once for this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(
            members=MEMBERS,
            entries=3 * MEMBERS,
            orders=2 * MEMBERS,
            now=datetime.now(UTC),
        )
        leave_traces(members=MEMBERS, now=datetime.now(UTC))
        user = User.objects.create(username="fast", is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        with connection.cursor() as cursor:
            # As on the disks of today; PostgreSQL's default is of turning ones.
            cursor.execute("SET LOCAL random_page_cost = 1.1")
        # What is read once per process is read now: content types, translations.
        for path in (MEMBER_LIST, LEDGER, ORDERS):
            client.get(path)
        yield client
        transaction.set_rollback(True)


def ask(sql: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


#: The person looked for, in the middle of the crowd.
*_BEFORE, SOMEBODY = people(MEMBERS // 2)
NUMBER = member_number(SOMEBODY.serial)
#: How the numbers of the orders of one day begin.
ORDER_NUMBER = f"{datetime.now(UTC):%y%m%d}-"
LISTS = {
    "members": MEMBER_LIST,
    "the last members": f"{MEMBER_LIST}?p={MEMBERS // ROWS}",
    "by spend": f"{MEMBER_LIST}?o=-6",
    "by spend, least first": f"{MEMBER_LIST}?o=6",
    "by last order": f"{MEMBER_LIST}?o=-7",
    "new": f"{MEMBER_LIST}?view=new",
    "active": f"{MEMBER_LIST}?view=active",
    "dormant": f"{MEMBER_LIST}?view=dormant",
    "birthday": f"{MEMBER_LIST}?view=birthday",
    "frozen": f"{MEMBER_LIST}?state__exact=frozen",
    "of a city": f"{MEMBER_LIST}?city=Suzhou",
    "of a city nobody lives in": f"{MEMBER_LIST}?city=Q",
    "frozen, of a city": f"{MEMBER_LIST}?city=Suzhou&state__exact=frozen",
    "erased": f"{MEMBER_LIST}?state__exact=erased",
    "number": f"{MEMBER_LIST}?q={NUMBER}",
    "beginning of a number": f"{MEMBER_LIST}?q={NUMBER[:8]}",
    "phone": f"{MEMBER_LIST}?q={SOMEBODY.phone.removeprefix('+86')}",
    "last four digits": f"{MEMBER_LIST}?q={SOMEBODY.phone[-4:]}",
    "e-mail": f"{MEMBER_LIST}?q={SOMEBODY.email}",
    "name": f"{MEMBER_LIST}?q={SOMEBODY.name}",
    "initials": f"{MEMBER_LIST}?q=wj",
    "name in a state": f"{MEMBER_LIST}?q=wj&state__exact=frozen",
    "ledger": LEDGER,
    "ledger, last page": f"{LEDGER}?p={3 * MEMBERS // ROWS}",
    "ledger, one member": f"{LEDGER}?q={NUMBER}",
    "ledger, one kind": f"{LEDGER}?kind__exact=earn",
    "ledger, a rare kind": f"{LEDGER}?kind__exact=grant",
    "ledger, a kind nobody has": f"{LEDGER}?kind__exact=expire",
    "orders": ORDERS,
    "orders, last page": f"{ORDERS}?p={2 * MEMBERS // ROWS}",
    "orders of one member": f"{ORDERS}?q={NUMBER}",
    "orders in a state": f"{ORDERS}?state__exact=shipped",
    "orders in a state nobody has": f"{ORDERS}?state__exact=refunded",
    "orders to ship": f"{ORDERS}?view=to_ship",
    "orders late to ship": f"{ORDERS}?view=late",
    "orders to pay": f"{ORDERS}?view=to_pay",
    "orders with returns": f"{ORDERS}?view=returns",
    "orders of a campaign": f"{ORDERS}?campaign=nobody",
    "orders by tablet": f"{ORDERS}?device__exact=tablet",
    "orders of an amount": f"{ORDERS}?total_minor_from=123456&total_minor_to=123456",
    "orders by phone": f"{ORDERS}?q={SOMEBODY.phone.removeprefix('+86')}",
    "orders by SKU": f"{ORDERS}?q=NO-SUCH-SKU",
    "beginning of an order number": f"{ORDERS}?q={ORDER_NUMBER}",
    "accounts, poorest first": "/admin/loyalty/pointsaccount/?o=3",
    "accounts, frozen": "/admin/loyalty/pointsaccount/?is_frozen__exact=1",
    "ledger, spent": f"{LEDGER}?kind__exact=spend",
    "consents, a rare channel": "/admin/members/consent/?channel__exact=sms",
    "consents, a rare purpose": "/admin/members/consent/?purpose__exact=profiling",
    "consents refused": "/admin/members/consent/?granted__exact=0",
    "messages held back": "/admin/campaigns/message/?state__exact=suppressed",
    "coupons revoked": "/admin/campaigns/coupon/?state__exact=revoked",
    "audit, nothing": "/admin/shared/auditentry/?q=nothing-like-this",
    "audit by deed": "/admin/shared/auditentry/?o=-2",
    "facts by name": "/admin/shared/fact/?o=2",
    "deliveries stuck": "/admin/shared/delivery/?state__exact=stuck",
    "home": "/admin/",
    "work": "/admin/to-do/",
    "orders late, as work": "/admin/to-do/late/",
    "palette, name": f"/admin/search/?s={SOMEBODY.name}",
    "palette, last four digits": f"/admin/search/?s={SOMEBODY.phone[-4:]}",
    "palette, number": f"/admin/search/?s={NUMBER}",
    "member page": f"{MEMBER_LIST}mem_{SOMEBODY.serial:026d}/360/",
}


@pytest.mark.parametrize("name", LISTS)
def test_no_page_reads_a_large_table_from_end_to_end(name, client):
    watched = watch(client, LISTS[name])
    assert watched.reads
    assert not watched.too_much
    if "cl" in (watched.answer.context or ()):
        assert any(sql.startswith(COUNTING) for sql in watched.statements)
    assert len(watched.answer.content) <= MOST_BYTES


@pytest.mark.parametrize("code", ["member", "silver", "gold", "platinum"])
def test_no_tier_makes_the_list_read_everybody(code, client):
    pk = ask("SELECT id FROM loyalty_tier WHERE code = %s", code)
    watched = watch(client, f"{MEMBER_LIST}?points_account__tier__id__exact={pk}")
    assert not watched.too_much
    assert len(watched.answer.context["cl"].result_list) == ROWS


@pytest.mark.parametrize(
    ("many", "one"),
    [
        (MEMBER_LIST, LISTS["number"]),
        (LISTS["the last members"], LISTS["phone"]),
        (LISTS["initials"], LISTS["e-mail"]),
        (LEDGER, f"{LEDGER}?q={NUMBER}"),
        # The first member buys most.
        (f"{ORDERS}?q={member_number(1)}", f"{ORDERS}?q={NUMBER}"),
    ],
)
def test_a_full_page_asks_no_more_than_one_row(many, one, client):
    full, single = watch(client, many), watch(client, one)
    shown = full.answer.context["cl"].result_list
    assert len(shown) == ROWS > len(single.answer.context["cl"].result_list) > 0
    # A search may look up in another table what it goes by. Keys choose a deep page.
    more = 1 if "p=" in many else 0
    assert len(full.statements) <= len(single.statements) + more


def test_every_page_begins_where_the_one_before_ended(client, monkeypatch):
    monkeypatch.setattr(EstimatedCountPaginator, "exact_up_to", MEMBERS)
    for page in (1, 2, 400, MEMBERS // ROWS):
        answer = client.get(f"{MEMBER_LIST}?p={page}")
        newest = MEMBERS - (page - 1) * ROWS
        expected = [member_number(n) for n in range(newest, newest - ROWS, -1)]
        assert [m.number for m in answer.context["cl"].result_list] == expected


@pytest.mark.parametrize("order", ["", "o=-6&", "o=6&", "o=-7&"])
def test_p6_d_a_page_reached_by_next_reads_no_row_before_it(order, client):
    deep = client.get(f"{MEMBER_LIST}?{order}p=300").context["cl"]
    watched = watch(client, MEMBER_LIST + deep.way_on)
    assert watched.answer.context["cl"].page_num == 301
    assert not any("OFFSET" in sql for sql in watched.statements)
    # The rows shown and one behind them; so many are counted.
    assert max(read for read, _table, _sql in watched.reads) <= EXACT_UP_TO + 1


@pytest.mark.parametrize(("order", "word"), [("-6", "DESC"), ("6", "ASC")])
def test_who_never_bought_does_not_stand_among_the_best(order, word, client):
    rows = client.get(f"{MEMBER_LIST}?o={order}&p=2").context["cl"].result_list
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(paid_minor) AS spent FROM orders_order GROUP BY member_id "
            f"ORDER BY spent {word} OFFSET {ROWS} LIMIT {ROWS}"
        )
        spent = [row[0] for row in cursor.fetchall()]
    assert [member.value.net_minor for member in rows] == spent
