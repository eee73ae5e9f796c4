from crm.reports.models import DailySales
from crm.reports.tasks import refresh_rollups
from crm.shared.clock import day_bounds, now, today
from orders.models import Order


def test_the_task_brings_today_up_to_date(db):
    Order.objects.create(
        number="T1",
        currency="CNY",
        goods_minor=70,
        total_minor=70,
        paid_minor=70,
        placed_at=day_bounds(today())[0],
        paid_at=now(),
        state="paid",
    )
    refresh_rollups()
    refresh_rollups()
    row = DailySales.objects.get()
    assert (row.day, row.orders, row.sales_minor) == (today(), 1, 70)
