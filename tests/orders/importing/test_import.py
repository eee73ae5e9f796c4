from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection

from crm.shared.models import Fact
from members.models import Member
from members.rules.numbers import is_member_number
from orders.models import (
    Adjustment,
    ImportBatch,
    ImportIssue,
    Order,
    OrderLine,
    Product,
    Refund,
    RefundLine,
    UnmatchedReturn,
    Variant,
)
from orders.queries.revenue import net_by_member, net_by_month
from orders.services.importing import (
    PROFILES,
    CurrencyIsNotTheShops,
    UnknownProfile,
    import_orders,
)
from orders.services.importing_files import ColumnsMissing, FileEmpty, FileNotCsv
from orders.services.importing_session import ImportIsRunning
from tests.orders.importing.conftest import (
    NOW,
    Stopped,
    Watcher,
    books,
    fingerprints,
    row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def staging_tables():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE tablename ~ '^orders_import_[0-9]+_'"
        )
        return cursor.fetchone()[0]


# One file with each oddity of the real one.
ODD = [
    row("536365", "85123A", "6", "2.55", name="HEART"),
    row("536365", "85123A", "6", "2.55", name="HEART"),  # A real repeat.
    row("536365", "POST", "1", "18.00", name="POSTAGE", at="2011-01-10 10:01:00"),
    row("536366", "85123a", "2", "1.00", name="heart, small", customer=""),
    row("536367", "22139", "5", "0.0", name="?", customer=""),
    row("536368", "22139", "4", "4.25", name="TEA SET", customer="17850"),
    row("536369", "PADS", "1", "0.001", name="PADS", customer="13952"),
    row("536589", "21777", "-10", "0.0", name="", customer=""),
    row("C536400", "85123A", "-7", "2.55", at="2011-02-01 09:00:00"),
    row("C536400", "D", "-1", "5.00", name="Discount", at="2011-02-01 09:00:00"),
    row("C536401", "85123A", "-1", "2.55", at="2011-02-02 09:00:00", customer=""),
    row("A563186", "B", "1", "-11062.06", name="Adjust bad debt", customer=""),
]


def test_everything_of_an_odd_file_comes_in(bring_in):
    summary = bring_in(ODD)

    assert (summary.rows_read, summary.rows_stored, summary.rows_reported) == (
        12,
        11,
        1,
    )
    assert summary.counts == {
        "members": 2,
        "products": 6,
        "orders": 5,
        "order_lines": 7,
        "refunds": 1,
        "refund_lines": 2,
        "unmatched_returns": 2,
        "adjustments": 1,
    }
    order = Order.objects.get(external_ref="536365")
    assert order.number == "OR-536365"
    assert (order.goods_minor, order.freight_minor, order.total_minor) == (
        4860,
        0,
        4860,
    )
    assert (order.state, order.source, order.region) == (
        "completed", "online-retail", "United Kingdom",
    )  # fmt: skip
    # Two moments: the first counts. 10:00 of the shop is 02:00 UTC.
    assert order.placed_at == order.paid_at == datetime(2011, 1, 10, 2, tzinfo=UTC)
    assert list(
        order.lines.order_by("position").values_list(
            "position", "sku", "kind", "quantity", "net_minor", "source_row"
        )
    ) == [
        (1, "85123A", "goods", 6, 1530, 2),
        (2, "85123A", "goods", 6, 1530, 3),
        (3, "POST", "freight", 1, 1800, 4),
    ]
    assert Order.objects.get(external_ref="536366").member is None
    assert Order.objects.get(external_ref="536369").total_minor == 0
    assert Adjustment.objects.get().amount_minor == -1106206
    assert sorted(UnmatchedReturn.objects.values_list("reason", "amount_minor")) == [
        ("no_customer", 255),
        ("no_purchase", 500),
    ]
    assert sorted(ImportIssue.objects.values_list("row", "code", "is_stored")) == [
        (8, "price_rounded", True),
        (9, "write_off", False),
    ]
    assert staging_tables() == 0
    assert Fact.objects.get(name="orders.OrdersImported").payload == {
        "batch_id": summary.batch_id,
        "source": "online-retail",
    }
    assert Fact.objects.count() == 1  # Nobody joined, was paid or refunded just now.


def test_the_money_of_the_books_is_the_money_of_the_file(bring_in):
    bring_in(ODD)

    # 48.60 + 2.00 + 17.00 - 11,062.06; 7 * 2.55 + 5.00 + 2.55.
    assert net_by_month() == {"2011-01": -1099446, "2011-02": -2540}
    known = Member.objects.get(external_id="17850").pk
    free = Member.objects.get(external_id="13952").pk
    assert net_by_member() == {known: 4860 + 1700 - 2285, free: 0, None: 200 - 255}


def test_a_return_becomes_a_refund_of_the_lines_it_came_from(bring_in):
    bring_in(ODD)

    refund = Refund.objects.get()
    assert (refund.external_ref, refund.amount_minor, refund.state) == (
        "C536400", 1785, "completed",
    )  # fmt: skip
    assert refund.completed_at == datetime(2011, 2, 1, 1, tzinfo=UTC)
    # Of two equal lines the later one first.
    assert list(
        refund.lines.order_by("id").values_list(
            "order_line__source_row", "quantity", "amount_minor", "source_row"
        )
    ) == [(3, 6, 1530, 10), (2, 1, 255, 10)]
    order = Order.objects.get(external_ref="536365")
    assert (order.refunded_minor, order.state) == (1785, "completed")
    assert list(
        order.lines.order_by("position").values_list(
            "refunded_quantity", "refunded_minor"
        )
    ) == [(1, 255), (6, 1530), (0, 0)]


def test_an_order_that_came_back_whole_is_refunded(bring_in):
    bring_in(
        [
            row("541431", "23166", "74215", "1.04", at="2011-01-18 10:01:00"),
            row("C541433", "23166", "-74215", "1.04", at="2011-01-18 10:17:00"),
        ]
    )

    order = Order.objects.get()
    assert (order.state, order.refunded_minor) == ("refunded", 7718360)
    assert list(order.events.order_by("id").values_list("from_state", "to_state")) == [
        ("", "completed"),
        ("completed", "refunded"),
    ]
    assert net_by_member() == {order.member_id: 0}


def test_r19_a_return_never_takes_more_than_was_bought(bring_in):
    bring_in(
        [
            row("1", "A1", "2", "1.00"),
            row("C2", "A1", "-3", "1.00", at="2011-01-11 10:00:00"),
        ]
    )

    assert RefundLine.objects.get().quantity == 2
    left = UnmatchedReturn.objects.get()
    assert (left.reason, left.quantity, left.amount_minor) == (
        "purchases_used_up", 1, 100,
    )  # fmt: skip


def test_a_return_finds_a_purchase_of_an_earlier_file(bring_in):
    bring_in([row("1", "A1", "2", "1.00")], name="january.csv")
    bring_in([row("C2", "A1", "-2", "1.00", at="2011-02-11 10:00:00")], name="feb.csv")
    bring_in([row("C3", "A1", "-1", "1.00", at="2011-03-11 10:00:00")], name="mar.csv")

    assert Refund.objects.get().external_ref == "C2"
    assert UnmatchedReturn.objects.get().external_ref == "C3"


def test_members_joined_with_their_first_invoice_and_live_where_the_last_went(bring_in):
    bring_in(
        [
            row("1", "A1", "1", "1", at="2011-03-01 10:00:00", country="France"),
            row("2", "A1", "1", "1", at="2011-04-01 10:00:00", country="EIRE"),
        ]
    )

    member = Member.objects.get()
    assert (member.source, member.external_id) == ("online-retail", "17850")
    assert member.joined_at == datetime(2011, 3, 1, 2, tzinfo=UTC)
    assert member.region == "EIRE"
    assert is_member_number(member.number)
    assert list(
        Order.objects.order_by("external_ref").values_list("region", flat=True)
    ) == ["France", "EIRE"]


def test_who_only_returned_is_a_member_too(bring_in):
    bring_in([row("C1", "A1", "-1", "1.00")])

    assert UnmatchedReturn.objects.get().member == Member.objects.get()


def test_products_are_named_as_most_priced_rows_name_them(bring_in):
    bring_in(
        [
            row("1", "A1", "1", "0", name="damaged"),
            row("1", "A1", "1", "0", name="damaged"),
            row("1", "A1", "1", "2.00", name="MUG"),
            row("2", "A1", "1", "3.00", name="MUG, RED", at="2011-02-01 00:00:00"),
            row("1", "B1", "1", "0", name="?"),
            row("1", "D1", "1", "1.00", name=""),
        ]
    )

    found = {
        v.sku: (v.product.name, v.price_minor, v.product.is_listed)
        for v in Variant.objects.select_related("product")
    }
    assert found == {
        "A1": ("MUG, RED", 300, True),
        "B1": ("?", 0, False),  # Never had a price: not for sale.
        "D1": ("D1", 100, True),
    }
    # What was free was called what the row called it.
    assert OrderLine.objects.filter(name="damaged").count() == 2


def test_products_that_are_there_are_used_as_they_are(bring_in):
    product = Product.objects.create(name="Mug", kind="gift_card", created_at=NOW)
    variant = Variant.objects.create(product=product, sku="A1", price_minor=999)

    bring_in([row("1", "A1", "1", "1.00", name="MUG")])

    line = OrderLine.objects.get()
    assert (line.variant, line.kind) == (variant, "gift_card")
    variant.refresh_from_db()
    assert (variant.price_minor, variant.product.name) == (999, "Mug")


def test_stock_codes_are_case_sensitive(bring_in):
    bring_in([row("1", "15056BL", "1", "1"), row("1", "15056bl", "1", "1")])

    assert Variant.objects.count() == 2


def test_bad_rows_are_reported_and_the_rest_goes_in(bring_in):
    summary = bring_in(
        [
            row("1", "A1", "x", "1.00"),
            row("1", "A1", "2", "1.00"),
            row("2", "A1", "1", "1.00", at="yesterday"),
            row("3", "A1", "1", "1.00")[:5],
        ]
    )

    assert (summary.rows_read, summary.rows_stored, summary.rows_reported) == (4, 1, 3)
    assert Order.objects.get().total_minor == 200
    assert list(
        ImportIssue.objects.order_by("row").values_list("row", "column", "code")
    ) == [
        (2, "Quantity", "not_a_whole_number"),
        (4, "InvoiceDate", "not_a_moment"),
        (5, "", "wrong_number_of_cells"),
    ]


def test_a_file_of_only_bad_rows_is_done_too(bring_in):
    summary = bring_in([row("1", "A1", "x", "1.00")])

    assert (summary.rows_stored, summary.rows_reported) == (0, 1)
    assert ImportBatch.objects.get().state == "done"


def test_an_invoice_belongs_to_the_first_customer_it_names(bring_in):
    summary = bring_in(
        [
            row("1", "A1", "1", "1.00", customer=""),
            row("1", "A1", "1", "1.00", customer="17850"),
            row("1", "A1", "1", "1.00", customer="12346"),
        ]
    )

    assert (summary.rows_stored, summary.rows_reported) == (2, 1)
    assert Order.objects.get().member.external_id == "17850"
    assert not Member.objects.filter(external_id="12346").exists()
    issue = ImportIssue.objects.get()
    assert (issue.row, issue.code, issue.value) == (4, "another_customer", "12346")


def test_an_invoice_scattered_over_the_file_is_one_order(bring_in):
    bring_in(
        [
            row("1", "A1", "1", "1.00"),
            row("2", "A1", "1", "1.00"),
            row("1", "A1", "1", "1.00"),
        ]
    )

    assert list(
        Order.objects.order_by("external_ref").values_list("total_minor", flat=True)
    ) == [200, 100]


def test_the_same_file_again_changes_nothing(bring_in):
    first = bring_in(ODD)
    before = fingerprints()

    again = bring_in(ODD, name="renamed.csv")

    assert again.is_repeat
    assert again.rows_stored == first.rows_stored
    assert again.counts == first.counts
    assert fingerprints() == before


def test_the_same_invoices_in_another_file_are_reported(bring_in):
    bring_in(ODD)
    everything = [t for t in fingerprints() if "import" not in t and "fact" not in t]
    before = fingerprints(everything)

    summary = bring_in(list(reversed(ODD)))

    assert (summary.rows_read, summary.rows_stored, summary.rows_reported) == (
        12,
        0,
        12,
    )
    assert fingerprints(everything) == before
    codes = ImportIssue.objects.filter(batch_id=summary.batch_id, is_stored=False)
    assert codes.filter(code="already_there").count() == 11


def test_new_invoices_beside_old_ones_go_in(bring_in):
    bring_in(ODD)

    summary = bring_in([*ODD, row("999", "85123A", "1", "2.55")])

    assert (summary.rows_read, summary.rows_stored, summary.rows_reported) == (
        13,
        1,
        12,
    )
    assert Order.objects.filter(external_ref="999").count() == 1


def test_a_dry_run_says_the_same_and_writes_nothing(bring_in):
    before = fingerprints()

    dry = bring_in(ODD, dry_run=True)

    assert fingerprints() == before
    assert staging_tables() == 0
    assert [(issue.row, issue.code) for issue in dry.issues] == [
        (8, "price_rounded"),
        (9, "write_off"),
    ]
    wet = bring_in(ODD)
    assert dry.counts == wet.counts
    assert (dry.rows_stored, dry.rows_reported) == (wet.rows_stored, wet.rows_reported)


@pytest.mark.parametrize("stop_at", range(1, 10))
def test_stopped_anywhere_it_goes_on_to_the_same_books(bring_in, write_csv, stop_at):
    path = write_csv(ODD)

    with pytest.raises(Stopped):
        bring_in(path, progress=Watcher(stop_at=stop_at))
    summary = bring_in(path)

    assert (summary.rows_stored, summary.rows_reported) == (11, 1)
    assert summary.counts["order_lines"] == OrderLine.objects.count() == 7
    assert net_by_month() == {"2011-01": -1099446, "2011-02": -2540}
    assert Fact.objects.count() == 1
    assert staging_tables() == 0


def test_a_crash_of_the_database_empties_the_waiting_room_only(bring_in, write_csv):
    path = write_csv(ODD)
    with pytest.raises(Stopped):
        bring_in(path, progress=Watcher(stop_at=6))
    assert Order.objects.exists()
    assert staging_tables() == 2
    with connection.cursor() as cursor:  # Unlogged tables are empty after a crash.
        batch = ImportBatch.objects.get().pk
        cursor.execute(f"TRUNCATE orders_import_{batch}_rows")
        cursor.execute(f"TRUNCATE orders_import_{batch}_invoices")

    interrupted = bring_in(path)

    assert (interrupted.rows_stored, interrupted.rows_reported) == (11, 1)
    found = books()
    ImportBatch.objects.all().delete()
    assert found["lines"][0] == 7
    assert net_by_month() == {"2011-01": -1099446, "2011-02": -2540}


@pytest.mark.parametrize(
    ("_case", "content", "refusal"),
    [
        ("other columns", "a,b\n1,2\n", ColumnsMissing),
        ("only a heading", "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,"
         "UnitPrice,CustomerID,Country\n", FileEmpty),
        ("breaks in the middle", "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,"
         "UnitPrice,CustomerID,Country\n" + "1,A1,MUG,1,2011-01-10,2.50,7,UK\n" * 30_000
         + '1,A1,"' + "MUG\n" * 99_000, FileNotCsv),
    ],
)  # fmt: skip
def test_a_refused_file_leaves_nothing(bring_in, tmp_path, _case, content, refusal):
    before = fingerprints()
    path = tmp_path / "bad.csv"
    path.write_text(content)

    with pytest.raises(refusal):
        bring_in(path)

    assert fingerprints() == before
    assert staging_tables() == 0


def test_unknown_profiles_and_other_currencies_are_refused(write_csv):
    path, common = write_csv(ODD), {"now": NOW, "progress": Watcher()}

    with pytest.raises(
        UnknownProfile, match="no import profile shopify. There is: online-retail"
    ):
        import_orders(path=path, profile="shopify", **common)
    with pytest.raises(
        CurrencyIsNotTheShops, match="keeps its books in CNY and cannot add GBP"
    ):
        import_orders(path=path, profile=PROFILES[0], currency="GBP", **common)
    assert not ImportBatch.objects.exists()


def test_the_shops_currency_may_be_said(bring_in):
    bring_in(ODD, currency=settings.SHOP_CURRENCY)

    assert set(Order.objects.values_list("currency", flat=True)) == {"CNY"}


def test_only_one_import_runs_at_a_time(bring_in, monkeypatch):
    monkeypatch.setattr("orders.services.importing_session._WAIT_SECONDS", 0.2)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtextextended('orders.import:online-retail', 0))"
            )
        with pytest.raises(ImportIsRunning):
            bring_in(ODD)
    finally:
        other.close()
    assert not ImportBatch.objects.exists()
    assert bring_in(ODD).rows_stored == 11


def test_who_moved_the_batch_meanwhile_wins(bring_in):
    class Rival(Watcher):
        def advance(self, **told):
            super().advance(**told)
            if len(self.told) == 2:
                ImportBatch.objects.update(cursor={"phase": "orders", "next": 0})

    with pytest.raises(ImportIsRunning):
        bring_in(ODD, progress=Rival())


def test_progress_only_grows_and_ends_full(bring_in):
    watcher = Watcher()

    bring_in(ODD, progress=watcher)

    done = [told[0] for told in watcher.told]
    assert done == sorted(done)
    assert all(told[0] <= told[1] for told in watcher.told)
    assert watcher.told[0][2] == "Reading"


def test_the_session_is_as_impatient_as_before(bring_in):
    def timeout():
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return cursor.fetchone()[0]

    before = timeout()

    bring_in(ODD)

    assert timeout() == before
