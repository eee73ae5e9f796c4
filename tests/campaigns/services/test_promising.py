"""Coupons that may cost much go out, and grow, by two people (1.8)."""

from datetime import timedelta

import pytest

from campaigns.models import Budget, CouponTemplate, PublicCode
from campaigns.services.promising import (
    DraftNoMore,
    write_template,
)
from campaigns.services.publishing import ChangedSinceAsked, ReasonMissing
from crm.shared.approvals import SamePerson, approve, deed_of
from crm.shared.models import Approval, AuditEntry
from tests.cast import NOON, make_user
from tests.faults.callers import at_once
from tests.staff import client_in_role

HOUR = timedelta(hours=1)
#: Two coupons of 20.00 are within it.
MOST = 4_000


@pytest.fixture(autouse=True)
def limit(settings):
    settings.PROMOTION_LIMIT_MINOR = MOST


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


@pytest.fixture
def drafted(template):
    """Return a draft: 20.00 off, two in stock."""
    return now_is(template, state="draft")


def now_is(template, **fields) -> CouponTemplate:
    CouponTemplate.objects.filter(pk=template.pk).update(**fields)
    template.refresh_from_db()
    return template


def write(template, actor, *, reason="it sells", now=NOON, **fields):
    for name, value in fields.items():
        setattr(template, name, value)
    changed = [name.removesuffix("_id") for name in fields]
    return write_template(
        template=template, changed=changed, reason=reason, actor=actor, now=now
    )


def stored(template) -> CouponTemplate:
    return CouponTemplate.objects.get(pk=template.pk)


PERCENT = {"kind": "percent", "percent_bp": 1_000, "amount_minor": 0}


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({}, False),
        ({"stock": 3}, True),
        ({"stock": None}, True),
        ({"stock": None, "limit_total": 2}, False),
        ({"stock": 3, "limit_total": 2}, False),
        ({"amount_minor": 2_001}, True),
        (PERCENT, True),
        ({**PERCENT, "cap_minor": 2_000}, False),
        ({**PERCENT, "cap_minor": 2_001}, True),
    ],
)
def test_1_8_coupons_go_out_alone_up_to_the_limit(fields, waits, dana, drafted):
    asked = write(drafted, dana, state="live", **fields)
    assert (asked is not None) is waits
    kept = stored(drafted)
    assert kept.state == ("draft" if waits else "live")
    assert {name: getattr(kept, name) for name in fields} == fields, "a draft is saved"


@pytest.mark.parametrize(("amount", "waits"), [(MOST, False), (MOST + 1, True)])
def test_1_8_a_budget_bounds_what_they_cost(amount, waits, dana, drafted):
    budget = Budget.objects.create(name="Spring", amount_minor=amount)
    asked = write(drafted, dana, state="live", stock=None, budget_id=budget.pk)
    assert (asked is not None) is waits


def test_1_8_a_public_code_counts_since_it_takes_nothing_off_the_stock(dana, drafted):
    PublicCode.objects.create(template=drafted, code="SPRING", limit_total=1)
    assert write(drafted, dana, state="live") is not None
    assert write(drafted, dana, state="live", stock=1) is None


def test_1_8_a_second_person_lets_them_out(dana, erik, drafted):
    asked = write(drafted, dana, state="live", stock=None)
    words = deed_of(asked.kind).words(asked.params)
    assert "二十元券" in words
    assert "Nobody can say what they cost" in words
    with pytest.raises(SamePerson):
        approve(approval_id=asked.pk, decider=dana, now=NOON)
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert stored(drafted).state == "live"
    entry = AuditEntry.objects.get(object_id=drafted.public_id)
    assert (entry.actor, entry.reason) == ("dana", "it sells")
    assert entry.detail == {"changed": ["state"]}


def test_1_8_a_new_one_waits_as_a_draft(dana):
    made = CouponTemplate(
        code="new", name="New", state="live", kind="amount", amount_minor=1
    )
    assert isinstance(write(made, dana, starts_at=NOON), Approval)
    assert stored(made).state == "draft"


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({"stock": 3}, True),
        ({"stock": 1}, False),
        ({"stock": None}, True),
        ({"amount_minor": 2_001}, True),
        ({"amount_minor": 1_999}, False),
        ({"min_spend_minor": 1, "name": "Other"}, False),
        ({"limit_total": 1}, False),
        (PERCENT, True),
        ({"state": "ended"}, False),
    ],
)
@pytest.mark.parametrize("state", ["live", "ended"])
def test_1_8_what_is_out_grows_by_two_people(
    state, fields, waits, dana, erik, template
):
    now_is(template, state=state)
    asked = write(template, dana, **fields)
    assert (asked is not None) is waits
    kept = stored(template)
    if waits:
        assert all(getattr(kept, name) != value for name, value in fields.items())
        approve(approval_id=asked.pk, decider=erik, now=NOON)
        kept = stored(template)
    assert {name: getattr(kept, name) for name in fields} == fields


def test_1_8_less_of_what_has_no_end_is_for_one(dana, endless):
    assert write(endless, dana, amount_minor=1_999) is None
    assert write(endless, dana, amount_minor=2_000) is not None
    assert write(stored(endless), dana, state="ended") is None
    assert write(stored(endless), dana, state="live") is not None


def test_1_8_another_budget_of_what_is_out(dana, erik, endless):
    small = Budget.objects.create(name="Small", amount_minor=MOST)
    large = Budget.objects.create(name="Large", amount_minor=MOST + 1)
    assert write(endless, dana, budget_id=small.pk) is None
    asked = write(stored(endless), dana, budget_id=large.pk)
    assert "Small → Large" in deed_of(asked.kind).words(asked.params)
    assert stored(endless).budget == small
    none = write(stored(endless), dana, budget_id=None, now=NOON + HOUR)
    approve(approval_id=none.pk, decider=erik, now=NOON)
    assert stored(endless).budget is None


def test_1_8_what_was_out_is_no_draft_again(dana, template):
    with pytest.raises(DraftNoMore):
        write(template, dana, state="draft")


def test_1_8_what_waits_wants_a_reason(dana, drafted):
    with pytest.raises(ReasonMissing):
        write(drafted, dana, state="live", stock=None, reason=" ")


@pytest.mark.parametrize("what", ["template", "budget", "code"])
def test_1_8_nobody_agrees_to_what_was_changed_since(what, dana, erik, drafted):
    budget = Budget.objects.create(name="Spring", amount_minor=MOST + 1)
    asked = write(drafted, dana, state="live", stock=None, budget_id=budget.pk)
    if what == "template":
        now_is(drafted, min_spend_minor=0)
    elif what == "budget":
        Budget.objects.update(amount_minor=MOST + 2)
    else:
        now_is(drafted, stock=3)
    with pytest.raises(ChangedSinceAsked):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert stored(drafted).state == "draft"


@pytest.mark.django_db(transaction=True)
def test_1_8_two_who_each_raise_a_part_at_once(dana, template):
    now_is(template, amount_minor=1_000, stock=2)
    for _again in range(3):
        now_is(template, amount_minor=1_000, stock=2)
        at_once(
            [
                lambda: write(stored(template), dana, amount_minor=2_000),
                lambda: write(stored(template), dana, stock=4),
            ]
        )
        kept = stored(template)
        assert kept.amount_minor * kept.stock <= MOST


# --- The pages -----------------------------------------------------------------------


def test_1_8_a_word_does_not_let_more_out_than_one_may(template):
    client = client_in_role("marketer")
    told = {"template": template.pk, "code": "SPRING", "is_active": "on"}
    page = "/admin/campaigns/publiccode/add/"
    said = client.post(page, told).content.decode()
    assert "may cost more than" in said
    assert not PublicCode.objects.exists()
    now_is(template, stock=1)
    assert client.post(page, told | {"limit_total": 1}).status_code == 302
    now_is(template, stock=None)
    told["code"] = "SUMMER"
    assert client.post(page, told).status_code == 302, "what has no end has none before"
