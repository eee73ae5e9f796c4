"""Lists of a shop with 20,000 members: no page reads a large table from end to end.

Timing is left to ``benchmarks/console_lists.py``; what is asserted here is exact on
any machine: plans, numbers of queries, bytes.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test import Client

from benchmarks.console.crowd import fill, people
from members.models import User
from members.rules.numbers import member_number

pytestmark = pytest.mark.slow

MEMBERS = 20_000
#: Tables that grow with the shop.
LARGE = {"members_member", "loyalty_pointsentry", "orders_order"}
MOST_BYTES = 260 * 1024
ROWS = 25
MEMBER_LIST = "/admin/members/member/"
LEDGER = "/admin/loyalty/pointsentry/"
ORDERS = "/admin/orders/order/"


@dataclass
class Watched:
    """One page, the plans of what it asked, and how often it asked."""

    answer: object
    plans: list[tuple[str, dict]]
    statements: int

    @property
    def scans(self) -> list[str]:
        """Return the large tables read from end to end, with the statement."""
        return [
            f"{table}: {sql}"
            for sql, plan in self.plans
            for table in unbounded_scans(plan)
        ]


def unbounded_scans(plan: dict, limited: bool = False) -> list[str]:
    """Return the large tables a plan reads from end to end.

    A scan straight below a Limit, with nothing to filter, stops after so many rows:
    that is how "10,000 or more" is counted.
    """
    kind = plan["Node Type"]
    found = []
    if kind == "Seq Scan" and plan["Relation Name"] in LARGE:
        bounded = limited and "Filter" not in plan
        found += [] if bounded else [plan["Relation Name"]]
    for part in plan.get("Plans", []):
        found += unbounded_scans(part, limited=kind == "Limit")
    return found


def watch(client: Client, path: str) -> Watched:
    """Open a page and explain every question it asks."""
    plans = []
    statements = 0

    def explained(execute, sql, params, many, context):
        nonlocal statements
        statements += 1
        if sql.lstrip().upper().startswith(("SELECT", "(SELECT", "WITH")):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
                plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            plans.append((sql, plan[0]["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        answer = client.get(path)
    assert answer.status_code == 200, path
    return Watched(answer, plans, statements)


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
        user = User.objects.create(username="fast", is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        # What is read once per process is read now: content types, translations.
        for path in (MEMBER_LIST, LEDGER, ORDERS):
            client.get(path)
        yield client
        transaction.set_rollback(True)


def ask(sql: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def everybody(client) -> list:
    return [member.pk for member in reversed(range(1, MEMBERS + 1))]


#: The person looked for, in the middle of the crowd.
*_BEFORE, SOMEBODY = people(MEMBERS // 2)
NUMBER = member_number(SOMEBODY.serial)
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
    "erased": f"{MEMBER_LIST}?state__exact=erased",
    "number": f"{MEMBER_LIST}?q={NUMBER}",
    "beginning of a number": f"{MEMBER_LIST}?q={NUMBER[:7]}",
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
    "ledger, a kind nobody has": f"{LEDGER}?kind__exact=expire",
    "orders": ORDERS,
    "orders, last page": f"{ORDERS}?p={2 * MEMBERS // ROWS}",
    "orders of one member": f"{ORDERS}?q={NUMBER}",
    "orders in a state": f"{ORDERS}?state__exact=shipped",
    "orders in a state nobody has": f"{ORDERS}?state__exact=refunded",
    "palette, name": f"/admin/search/?s={SOMEBODY.name}",
    "palette, last four digits": f"/admin/search/?s={SOMEBODY.phone[-4:]}",
    "palette, number": f"/admin/search/?s={NUMBER}",
    "member page": f"{MEMBER_LIST}mem_{SOMEBODY.serial:026d}/360/",
}


@pytest.mark.parametrize("name", LISTS)
def test_no_page_reads_a_large_table_from_end_to_end(name, client):
    watched = watch(client, LISTS[name])
    assert watched.plans
    assert not watched.scans
    assert len(watched.answer.content) <= MOST_BYTES


@pytest.mark.parametrize("code", ["member", "silver", "gold", "platinum"])
def test_no_tier_makes_the_list_read_everybody(code, client):
    pk = ask("SELECT id FROM loyalty_tier WHERE code = %s", code)
    watched = watch(client, f"{MEMBER_LIST}?points_account__tier__id__exact={pk}")
    assert not watched.scans
    assert len(watched.answer.context["cl"].result_list) == ROWS
