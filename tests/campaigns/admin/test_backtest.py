"""The pages of back-tests: asked for, watched, stopped, read, taken out."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.models import Backtest, Budget, Promotion
from campaigns.services.backtesting import order_backtest
from campaigns.services.drafting import begin_change, write_draft
from campaigns.services.publishing import publish_promotion
from crm.shared.clock import now
from crm.shared.jobs import run_job
from crm.shared.models import AuditEntry, Job
from orders.models import Order, Variant
from tests.campaigns.admin.test_promotion import draft, live
from tests.campaigns.recipes import ladder, of_kind
from tests.cast import make_variant
from tests.orders.shop import fill_cart, pay, place


@pytest.fixture
def tea(db, settings) -> Order:
    """Return the only order, of 100.00 yesterday; its goods cost 40.00."""
    settings.FREIGHT_MINOR = 0
    Variant.objects.filter(pk=make_variant("TEA", 10_000).pk).update(cost_minor=4_000)
    at = now() - timedelta(days=1)
    order = place(fill_cart({"TEA": 1}, now=at), now=at)
    pay(order, now=at)
    return order


def page(row: Backtest) -> str:
    return reverse("admin:campaigns_backtest_change", args=[row.pk])


def url(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def asked(promotion: Promotion, actor, *, days: int = 7) -> Backtest:
    return order_backtest(promotion_id=promotion.pk, days=days, actor=actor, now=now())


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_marketer_asks_for_one_and_reads_words_first(staff, dana, tea):
    client, promotion = staff("marketer"), draft(dana)
    button = url("promotion_backtest", promotion)
    assert (
        button
        in client.get(url("campaigns_promotion_change", promotion)).content.decode()
    )
    assert "There is none yet." in text_of(client.get(button))
    answer = client.post(button, {"days": "7"})
    found = Backtest.objects.get()
    assert answer.url == page(found)
    waiting = client.get(page(found))
    assert "No order was replayed yet." in text_of(waiting)
    assert url("backtest_progress", found) in waiting.content.decode()
    run_job(found.job_id)
    done = client.get(page(found))
    said = text_of(done)
    for sentence in (
        "Of 1 orders 1 would have been touched; it would have cost ¥0.10.",
        "All orders together would have brought ¥99.90 instead of ¥100.00.",
        "¥59.90 would have been left instead of ¥60.00",
        "Orders that would have paid less: 1, by ¥0.10.",
        tea.number,
    ):
        assert sentence in said
    assert url("backtest_progress", found) not in done.content.decode()
    assert done.content.decode().count("<svg") == 2
    assert url("orders_order_change", tea) in done.content.decode()
    assert found.public_id in text_of(client.get(button))


def test_the_day_the_budget_is_gone_is_marked_and_said(staff, dana, tea):
    budget = Budget.objects.create(name="b", amount_minor=5)
    found = asked(draft(dana, budget_id=budget.pk), dana)
    run_job(found.job_id)
    answer = staff("marketer").get(page(found))
    assert "its budget, its uses or its pieces would have been gone" in text_of(answer)
    assert "stroke-dasharray" in answer.content.decode()


def test_a_budget_that_lasts_and_a_changed_draft_are_said(staff, dana, tea):
    budget = Budget.objects.create(name="b", amount_minor=5_000)
    promotion = draft(dana, budget_id=budget.pk)
    found = asked(promotion, dana)
    run_job(found.job_id)
    client = staff("marketer")
    said = text_of(client.get(page(found)))
    assert "Its budget would have lasted; ¥49.90 of ¥50.00 is left." in said
    assert "has changed since" not in said
    Promotion.objects.update(**of_kind("percent", {"percent_bp": 20}))
    assert "has changed since" in text_of(client.get(page(found)))


def test_a_change_that_is_published_as_it_was_tried_is_not_stale(staff, dana, tea):
    old = live(dana)
    change = begin_change(promotion_id=old.pk, actor=dana, now=now())
    more = of_kind("percent", {"percent_bp": 20})
    write_draft(promotion_id=change.pk, content=more, actor=dana, now=now())
    found = asked(change, dana)
    client = staff("marketer")
    assert "has changed since" not in text_of(client.get(page(found)))
    publish_promotion(promotion_id=change.pk, reason="x", actor=dana, now=now())
    assert "has changed since" not in text_of(client.get(page(found)))
    begin_change(promotion_id=old.pk, actor=dana, now=now())
    Promotion.objects.update(priority=7)
    assert "has changed since" in text_of(client.get(page(found)))


def test_days_without_orders_are_said_to_be_empty(staff, dana):
    found = asked(draft(dana), dana)
    run_job(found.job_id)
    answer = staff("marketer").get(page(found))
    assert "No order was sold in these days" in text_of(answer)
    assert "<svg" not in answer.content.decode()


def test_it_can_be_stopped_and_goes_on(staff, dana, tea):
    found = asked(draft(dana), dana)
    client = staff("marketer")
    client.post(url("backtest_step", found), {"step": "cancel"})
    assert Job.objects.get().state == "cancelled"
    assert "It was stopped" in text_of(client.get(page(found)))
    client.post(url("backtest_step", found), {"step": "retry"})
    run_job(found.job_id)
    assert "1 would have been touched" in text_of(client.get(page(found)))
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {
        *("campaigns.backtest.start", "job.cancel", "job.retry")
    }
    # It has ended: there is nothing to stop.
    client.post(url("backtest_step", found), {"step": "cancel"})
    assert Job.objects.get().state == "done"
    assert client.post(url("backtest_step", found), {"step": "x"}).status_code == 404
    assert client.get(url("backtest_step", found)).status_code == 405


def test_the_poll_has_the_page_shown_again_when_it_is_over(staff, dana, tea):
    found = asked(draft(dana), dana)
    client = staff("marketer")
    under_way = client.get(url("backtest_progress", found))
    assert "HX-Refresh" not in under_way.headers
    assert b"hx-get" in under_way.content
    run_job(found.job_id)
    assert client.get(url("backtest_progress", found)).headers["HX-Refresh"] == "true"


def test_one_that_failed_says_so(staff, dana, tea):
    found = asked(draft(dana), dana)
    Job.objects.update(state="failed", error="Boom", finished_at=now())
    client = staff("marketer")
    assert "It could not be finished" in text_of(client.get(page(found)))
    Job.objects.all().delete()
    assert "It could not be finished" in text_of(client.get(page(found)))


def test_its_days_are_taken_out_as_csv(staff, dana, tea):
    found = asked(draft(dana), dana)
    run_job(found.job_id)
    answer = staff("analyst").get(url("backtest_days", found))
    rows = answer.content.decode().splitlines()
    assert rows[0] == "day,orders,touched,cost,change"
    assert [row.split(",")[1:] for row in rows[1:]] == [["1", "1", "0.10", "-0.10"]]


def test_carts_that_were_left_are_told_apart_from_orders(staff, dana, tea):
    promotion = draft(dana, **ladder((20_000, 1_000)))
    at = now() - timedelta(hours=2)
    for teas in (1, 2, 3):
        fill_cart({"TEA": teas}, now=at)
    make_variant("CUP", 1_000)
    fill_cart({"TEA": 1, "CUP": 7}, now=at)
    found = asked(promotion, dana)
    client = staff("analyst")
    waiting = client.get(page(found))
    assert "No cart was replayed yet." in text_of(waiting)
    assert url("backtest_carts", found) not in waiting.content.decode()
    run_job(found.job_id)
    done = client.get(page(found))
    said = text_of(done)
    for sentence in (
        "Of 1 orders none would have been touched.",
        "To 2 of 4 carts it would have applied; 2 would have been lower, by ¥20.00",
        "1 more cart nearly reaches its least spend: ¥30.00 is missing",
        "with the promotions that are live today and were on by then",
    ):
        assert sentence in said
    assert done.content.decode().count("<svg") == 3
    assert url("backtest_carts", found) in done.content.decode()
    rows = client.get(url("backtest_carts", found)).content.decode().splitlines()
    assert rows[0] == "day,carts,lower,lower_by,near_misses"
    assert [row.split(",")[1:] for row in rows[1:]] == [["4", "2", "20.00", "1"]]


def test_days_without_carts_are_said_to_be_empty(staff, dana, tea):
    found = asked(draft(dana), dana)
    run_job(found.job_id)
    answer = staff("marketer").get(page(found))
    assert "No cart was left in these days." in text_of(answer)
    assert answer.content.decode().count("<svg") == 2


def test_a_change_that_gives_less_is_said_to_make_carts_dearer(staff, dana, tea):
    old = live(dana)
    fill_cart({"TEA": 1}, now=now())
    change = begin_change(promotion_id=old.pk, actor=dana, now=now())
    less = of_kind("percent", {"percent_bp": 5})
    write_draft(promotion_id=change.pk, content=less, actor=dana, now=now())
    found = asked(change, dana)
    run_job(found.job_id)
    said = text_of(staff("marketer").get(page(found)))
    assert "1 would have been dearer, by ¥0.05 in all" in said


@pytest.mark.parametrize("days", ["", "8", "²", "-7", "9" * 50])
def test_other_spans_are_refused_and_nothing_is_written(days, staff, dana):
    promotion = draft(dana)
    answer = staff("marketer").post(
        url("promotion_backtest", promotion), {"days": days}
    )
    assert "Look back over 7, 30 or 90 days." in text_of(answer)
    assert not Backtest.objects.exists()


@pytest.mark.parametrize(
    ("role", "sees", "does"),
    [
        ("marketer", 200, True),
        ("owner", 200, True),
        ("analyst", 200, False),
        ("auditor", 200, False),
        ("support", 403, False),
        ("loyalty manager", 403, False),
        ("finance", 403, False),
    ],
)
def test_who_may_see_and_who_may_ask(role, sees, does, staff, dana):
    promotion = draft(dana)
    found = asked(promotion, dana)
    client = staff(role)
    shown = [
        page(found),
        url("promotion_backtest", promotion),
        url("backtest_progress", found),
        url("backtest_days", found),
        url("backtest_carts", found),
        reverse("admin:campaigns_backtest_changelist"),
    ]
    assert {client.get(each).status_code for each in shown} == {sees}
    step = client.post(url("backtest_step", found), {"step": "cancel"})
    more = client.post(url("promotion_backtest", promotion), {"days": "30"})
    expected = 302 if does else 403
    assert (step.status_code, more.status_code) == (expected, expected)
    assert Backtest.objects.count() == 1 + does
    assert Job.objects.filter(state="cancelled").count() == int(does)


def test_visitors_are_sent_to_the_sign_in(client, dana):
    found = asked(draft(dana), dana)
    files = [url(name, found) for name in ("backtest_days", "backtest_carts")]
    for each in (page(found), *files):
        assert client.get(each).status_code == 302
    assert client.post(url("backtest_step", found)).status_code == 302
    assert Job.objects.get().state == "queued"


def test_what_is_not_there_is_not_found(staff):
    client = staff("marketer")
    names = ("promotion_backtest", "backtest_progress", "backtest_days")
    for name in (*names, "backtest_carts"):
        assert client.get(reverse(f"admin:{name}", args=[9])).status_code == 404
    for pk in ("9", "x", "²"):
        gone = reverse("admin:campaigns_backtest_change", args=[pk])
        assert client.get(gone).status_code == 404


def test_who_may_not_see_orders_is_not_led_there(staff, dana, tea):
    found = asked(draft(dana), dana)
    run_job(found.job_id)
    client = staff("analyst")
    group = client.get(page(found)).wsgi_request.user.groups.get()
    group.permissions.remove(*group.permissions.filter(codename="view_order"))
    shown = client.get(page(found)).content.decode()
    assert url("orders_order_change", tea) not in shown
    assert tea.public_id in shown


def test_the_lists_cost_the_same_with_more_of_them(staff, dana, tea):
    promotion, counts = draft(dana), []
    client = staff("marketer")
    for days in (7, 30, 90):
        run_job(asked(promotion, dana, days=days).job_id)
        for each in (
            reverse("admin:campaigns_backtest_changelist"),
            url("promotion_backtest", promotion),
        ):
            client.get(each)
            with CaptureQueriesContext(connection) as caught:
                assert client.get(each).status_code == 200
            counts.append(len(caught))
    assert counts[:2] == counts[2:4] == counts[4:]
