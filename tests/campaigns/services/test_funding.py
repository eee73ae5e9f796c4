"""Budgets of what is published grow by two people, whichever way they would."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from campaigns.models import Budget, CouponTemplate, Promotion
from campaigns.services.drafting import begin_change, write_draft
from campaigns.services.funding import BudgetPromised, change_budget
from campaigns.services.publishing import (
    ChangedSinceAsked,
    ReasonMissing,
    pause_promotion,
    publish_promotion,
)
from crm.shared.approvals import approve, deed_of
from crm.shared.models import Approval, AuditEntry
from tests.campaigns.recipes import of_kind
from tests.cast import NOON, make_user
from tests.faults.callers import at_once
from tests.staff import client_in_role

HOUR = timedelta(hours=1)
#: A tenth off: what limits it is its budget.
TENTH = of_kind("percent", {"percent_bp": 1_000})
MOST = 1_000


@pytest.fixture(autouse=True)
def limit(settings):
    settings.PROMOTION_LIMIT_MINOR = MOST


@pytest.fixture
def budget(db) -> Budget:
    return Budget.objects.create(name="Spring", amount_minor=500)


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def live(actor, budget, **content) -> Promotion:
    told = {"name": "P", "starts_at": NOON, "budget_id": budget.pk} | TENTH | content
    made = write_draft(promotion_id=None, content=told, actor=actor, now=NOON)
    publish_promotion(promotion_id=made.pk, reason="spring", actor=actor, now=NOON)
    return made


def in_state(template, budget, state) -> CouponTemplate:
    CouponTemplate.objects.update(budget=budget, state=state)
    template.refresh_from_db()
    return template


def change(budget, amount_minor, actor, *, reason="it sells", now=NOON, **more):
    return change_budget(
        budget_id=budget.pk,
        **{"name": budget.name, "amount_minor": amount_minor} | more,
        reason=reason,
        actor=actor,
        now=now,
    )


def amount(budget) -> int:
    return Budget.objects.get(pk=budget.pk).amount_minor


def test_1_8_a_budget_is_raised_alone_up_to_the_limit(dana, budget):
    live(dana, budget)
    change(budget, MOST, dana)
    assert amount(budget) == MOST
    entry = AuditEntry.objects.get(object_id=budget.public_id)
    assert (entry.action, entry.reason) == ("campaigns.budget.change", "it sells")
    assert entry.detail == {"from": 500, "to": MOST}


def test_1_8_more_than_one_person_may_publish_waits_for_a_second(dana, erik, budget):
    live(dana, budget)
    approval = change(budget, MOST + 1, dana, name="Summer")
    assert isinstance(approval, Approval)
    budget.refresh_from_db()
    assert (budget.name, budget.amount_minor) == ("Summer", 500)
    words = deed_of(approval.kind).words(approval.params)
    assert "Summer" in words
    assert "5.00" in words
    assert "10.01" in words
    approve(approval_id=approval.pk, decider=erik, now=NOON)
    assert amount(budget) == MOST + 1
    assert isinstance(change(budget, MOST + 2, dana, now=NOON + HOUR), Approval)
    assert change(budget, MOST, dana).amount_minor == MOST, "less never waits"


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        *(("draft", False), ("waiting", False), ("live", True)),
        *(("paused", True), ("ended", False)),
    ],
)
def test_1_8_only_what_is_published_makes_it_wait(state, waits, dana, budget):
    live(dana, budget)
    Promotion.objects.update(state=state, starts_at=NOON + HOUR)
    assert isinstance(change(budget, MOST + 1, dana), Approval) is waits


@pytest.mark.parametrize(
    ("state", "waits"), [("draft", False), ("live", True), ("ended", True)]
)
def test_1_8_so_do_coupons_people_can_have(state, waits, dana, budget, template):
    in_state(template, budget, state)
    assert isinstance(change(budget, MOST + 1, dana), Approval) is waits


def test_1_8_less_than_is_promised_is_refused_in_words(dana, budget):
    Budget.objects.update(reserved_minor=200, spent_minor=201)
    with pytest.raises(BudgetPromised):
        change(budget, 400, dana)
    assert change(budget, 401, dana).amount_minor == 401


def test_1_8_another_amount_wants_a_reason_and_another_name_none(dana, budget):
    with pytest.raises(ReasonMissing), transaction.atomic():
        change(budget, 600, dana, reason=" ")
    assert change(budget, 500, dana, reason="", name="Summer").name == "Summer"
    assert AuditEntry.objects.get().detail == {"changed": ["name"]}


def test_1_8_nobody_agrees_to_what_was_changed_since(dana, erik, budget):
    live(dana, budget)
    approval = change(budget, 9_000, dana)
    change(budget, 600, dana)
    with pytest.raises(ChangedSinceAsked):
        approve(approval_id=approval.pk, decider=erik, now=NOON)
    assert amount(budget) == 600


def test_1_8_a_change_of_a_promotion_to_a_larger_budget_waits(dana, budget):
    made = live(dana, budget)
    large = Budget.objects.create(name="L", amount_minor=MOST + 1)
    draft = begin_change(promotion_id=made.pk, actor=dana, now=NOON)
    told = {"budget_id": large.pk}
    write_draft(promotion_id=draft.pk, content=told, actor=dana, now=NOON)
    pause_promotion(promotion_id=made.pk, reason="spring", actor=dana, now=NOON)
    publish_promotion(promotion_id=draft.pk, reason="more", actor=dana, now=NOON)
    made.refresh_from_db()
    assert (made.budget, made.state) == (budget, "paused")


@pytest.mark.django_db(transaction=True)
def test_1_8_raising_and_publishing_at_once_needs_two(dana, budget):
    told = {"name": "P", "starts_at": NOON, "budget_id": budget.pk, **TENTH}
    for _again in range(5):
        Budget.objects.update(amount_minor=500)
        made = write_draft(promotion_id=None, content=told, actor=dana, now=NOON)
        at_once(
            [
                lambda: change(budget, 9_000, dana),
                lambda pk=made.pk: publish_promotion(
                    promotion_id=pk, reason="x", actor=dana, now=NOON
                ),
            ]
        )
        made.refresh_from_db()
        assert (made.state, amount(budget)) in {("live", 500), ("waiting", 9_000)}
        Promotion.objects.update(state="ended")


# --- The pages ----------------------------------------------------------------------


def post(client, page, row, **told):
    return client.post(
        reverse(f"admin:campaigns_{page}_change", args=[row.pk]), told, follow=True
    ).content.decode()


def test_1_8_a_marketer_cannot_raise_it_alone_on_the_page(dana, budget):
    live(dana, budget)
    client = client_in_role("marketer")
    said = post(client, "budget", budget, name="Spring", amount_minor="9000000.00")
    assert "Say why." in said
    told = {"name": "Spring", "amount_minor": "9000000.00", "reason": "it sells"}
    said = post(client, "budget", budget, **told)
    assert "Somebody else must agree" in said
    assert "changed successfully" not in said
    assert amount(budget) == 500
    assert Approval.objects.get().params["amount_minor"] == 900_000_000


def written(shown) -> dict:
    """Return what the form of a template would post."""
    form = shown.context["adminform"].form
    values = {bound.html_name: bound.value() for bound in form}
    kept = {name: value for name, value in values.items() if value not in (None, False)}
    return kept | {"starts_at_0": "2026-11-01", "starts_at_1": "00:00", "grace_days": 0}


@pytest.mark.parametrize(
    ("state", "large", "waits"),
    [
        *(("live", True, True), ("live", False, False), ("live", None, True)),
        *(("ended", True, True), ("draft", True, False), ("draft", None, False)),
    ],
)
def test_1_8_coupons_people_can_have_get_a_larger_budget_by_two(
    state, large, waits, budget, template
):
    made = in_state(template, budget, state)
    other = Budget.objects.create(name="O", amount_minor=MOST + 1 if large else MOST)
    client = client_in_role("marketer")
    page = reverse("admin:campaigns_coupontemplate_change", args=[made.pk])
    told = written(client.get(page)) | {"budget": "" if large is None else other.pk}
    shown = client.post(page, told)
    if waits:
        assert "somebody else must agree" in shown.content.decode()
        told |= {"reason": "it sells", "name": "Other"}
        shown = client.post(page, told, follow=True)
        assert "it waits for approval" in shown.content.decode()
        trail = AuditEntry.objects.filter(object_id=made.public_id)
        assert trail.get().detail == {"changed": ["name", "starts_at"]}
    made.refresh_from_db()
    wanted = None if large is None else other.pk
    assert made.budget_id == (budget.pk if waits else wanted)
    assert Approval.objects.exists() is waits


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"stock": "", "budget": ""},
        {"kind": "percent", "percent_bp": "90", "budget": "", "stock": ""},
    ],
)
def test_1_8_a_template_that_may_cost_much_comes_out_by_two(told, budget, template):
    Budget.objects.update(amount_minor=MOST + 1)
    made = in_state(template, budget, "draft")
    client = client_in_role("marketer")
    page = reverse("admin:campaigns_coupontemplate_change", args=[made.pk])
    told = written(client.get(page)) | told | {"state": "live"}
    assert "Say why" in client.post(page, told).content.decode()
    client.post(page, told | {"reason": "spring"})
    made.refresh_from_db()
    assert made.state == "draft"
    decider = client_in_role("finance")
    asked = Approval.objects.get()
    page = reverse("admin:shared_approval_change", args=[asked.pk])
    assert "draft → live" in decider.get(page).content.decode()
    assert decider.get(deed_of(asked.kind).page(asked.params)).status_code == 200


def test_1_8_what_was_out_is_no_draft_again_where_its_budget_could_go(budget, template):
    made = in_state(template, budget, "live")
    client = client_in_role("marketer")
    page = reverse("admin:campaigns_coupontemplate_change", args=[made.pk])
    said = client.post(page, written(client.get(page)) | {"state": "draft"})
    assert "no draft again" in said.content.decode()
    made.refresh_from_db()
    assert made.state == "live"
