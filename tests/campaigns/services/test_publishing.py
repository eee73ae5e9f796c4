"""The life of a promotion: drafts, one and two people, revisions, ends."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from campaigns.models import Budget, Promotion, PromotionRevision
from campaigns.services.drafting import (
    NotADraft,
    NotPublished,
    RecipeInvalid,
    begin_change,
    clone_promotion,
    content_of,
    discard_draft,
    write_draft,
)
from campaigns.services.publishing import (
    AskedBySomebodyElse,
    ChangedSinceAsked,
    LimitBelowUses,
    MoveNotAllowed,
    PromotionOver,
    ReasonMissing,
    end_promotion,
    pause_promotion,
    publish_promotion,
    resume_promotion,
    take_back_promotion,
)
from crm.shared.approvals import approve, reject
from crm.shared.models import Approval, AuditEntry
from orders.services.carts import keep_seen
from orders.services.quoting import priced_cart, quote_cart
from tests.campaigns.recipes import of_kind, use
from tests.cast import NOON, make_user, make_variant
from tests.faults.callers import at_once, tally
from tests.orders.shop import fill_cart, place

HOUR = timedelta(hours=1)
HALF = of_kind("percent", {"percent_bp": 5_000})
MORE = of_kind("percent", {"percent_bp": 5_001})


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def draft(actor, **content):
    usual = {"name": "春茶", "starts_at": NOON, **HALF}
    return write_draft(
        promotion_id=None, content=usual | content, actor=actor, now=NOON
    )


def do(verb, promotion, actor, *, reason="spring", now=NOON):
    return verb(promotion_id=promotion.pk, reason=reason, actor=actor, now=now)


def trail(promotion) -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(object_id=promotion.public_id).order_by("pk")
    return [(each.action.rpartition(".")[2], each.reason) for each in entries]


def stored(promotion) -> Promotion:
    return Promotion.objects.get(pk=promotion.pk)


def test_a_draft_becomes_live_and_leaves_a_revision(dana):
    made = draft(dana)
    live = do(publish_promotion, made, dana)
    assert (live.state, live.revision) == ("live", 1)
    revision = PromotionRevision.objects.get()
    assert (revision.number, revision.kind, revision.author) == (1, "percent", "dana")
    assert revision.recipe == HALF["recipe"]
    assert revision.terms["name"] == "春茶"
    assert trail(made) == [("add", ""), ("publish", "spring")]


def test_the_whole_way_of_a_promotion(dana):
    made = do(publish_promotion, draft(dana), dana)
    assert do(pause_promotion, made, dana).state == "paused"
    assert do(resume_promotion, made, dana).state == "live"
    assert do(end_promotion, made, dana).state == "ended"
    assert [verb for verb, _why in trail(made)][2:] == ["move", "move", "move"]


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("draft", {publish_promotion}),
        ("waiting", {take_back_promotion}),
        ("live", {pause_promotion, end_promotion}),
        ("paused", {resume_promotion, end_promotion}),
        ("ended", set()),
    ],
)
def test_no_other_move_is_made_from_anywhere(state, allowed, dana):
    verbs = {
        *(publish_promotion, take_back_promotion, pause_promotion),
        *(resume_promotion, end_promotion),
    }
    made = draft(dana)
    for verb in verbs:
        Promotion.objects.update(state=state)
        before = AuditEntry.objects.count()
        if verb in allowed:
            do(verb, made, dana)
            continue
        with pytest.raises(MoveNotAllowed), transaction.atomic():
            do(verb, made, dana)
        assert (stored(made).state, AuditEntry.objects.count()) == (state, before)


def test_every_move_wants_a_reason(dana):
    made = draft(dana)
    with pytest.raises(ReasonMissing):
        do(publish_promotion, made, dana, reason=" ")
    assert stored(made).state == "draft"


def test_what_is_over_is_not_published_or_resumed(dana):
    late = draft(dana, ends_at=NOON + HOUR)
    with pytest.raises(PromotionOver), transaction.atomic():
        do(publish_promotion, late, dana, now=NOON + HOUR)
    do(publish_promotion, late, dana)
    do(pause_promotion, late, dana)
    with pytest.raises(PromotionOver):
        do(resume_promotion, late, dana, now=NOON + HOUR)
    assert stored(late).phase(NOON + HOUR) == "ended"


# --- Two people -----------------------------------------------------------------


def test_what_gives_much_away_waits_for_somebody_else(dana, erik):
    made = draft(dana, **MORE)
    approval = do(publish_promotion, made, dana)
    assert isinstance(approval, Approval)
    assert (stored(made).state, PromotionRevision.objects.count()) == ("waiting", 0)
    with pytest.raises(NotADraft), transaction.atomic():
        write_draft(promotion_id=made.pk, content={"name": "x"}, actor=dana, now=NOON)
    approve(approval_id=approval.pk, decider=erik, now=NOON)
    assert stored(made).state == "live"
    assert PromotionRevision.objects.get().author == "dana"


def test_a_large_budget_waits_and_a_small_one_does_not(dana, settings):
    settings.PROMOTION_LIMIT_MINOR = 1_000
    small = Budget.objects.create(name="S", amount_minor=1_000)
    large = Budget.objects.create(name="L", amount_minor=1_001)
    assert do(publish_promotion, draft(dana, budget_id=small.pk), dana).state == "live"
    do(publish_promotion, made := draft(dana, budget_id=large.pk), dana)
    assert stored(made).state == "waiting"


def test_a_refused_promotion_goes_back_to_its_drawer(dana, erik):
    made = draft(dana, **MORE)
    approval = do(publish_promotion, made, dana)
    reject(approval_id=approval.pk, decider=erik, note="too dear", now=NOON)
    assert stored(made).state == "waiting"
    assert do(take_back_promotion, made, erik).state == "draft"
    again = do(publish_promotion, made, dana, now=NOON + HOUR)
    assert again.pk != approval.pk
    assert stored(made).approval == again


def test_who_asked_takes_it_back_and_nobody_else(dana, erik):
    made = draft(dana, **MORE)
    approval = do(publish_promotion, made, dana)
    with pytest.raises(AskedBySomebodyElse), transaction.atomic():
        do(take_back_promotion, made, erik)
    do(take_back_promotion, made, dana)
    approval.refresh_from_db()
    assert (stored(made).state, approval.state) == ("draft", "withdrawn")


def test_nobody_approves_what_is_not_what_was_asked_for(dana, erik):
    budget = Budget.objects.create(name="B", amount_minor=2_000)
    made = draft(dana, budget_id=budget.pk, **MORE)
    approval = do(publish_promotion, made, dana)
    Budget.objects.update(amount_minor=9_000_000)
    with pytest.raises(ChangedSinceAsked), transaction.atomic():
        approve(approval_id=approval.pk, decider=erik, now=NOON)
    assert stored(made).state == "waiting"
    Promotion.objects.all().delete()
    with pytest.raises(ChangedSinceAsked), transaction.atomic():
        approve(approval_id=approval.pk, decider=erik, now=NOON)


# --- Drafts and changes -----------------------------------------------------------


def test_a_recipe_nobody_can_mean_is_not_written(dana):
    with pytest.raises(RecipeInvalid), transaction.atomic():
        draft(dana, **of_kind("percent", {"percent_bp": 0}))
    assert not Promotion.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_is_published_is_not_edited_but_changed(dana):
    live = do(publish_promotion, draft(dana), dana)
    with pytest.raises(NotADraft), transaction.atomic():
        write_draft(promotion_id=live.pk, content={"name": "x"}, actor=dana, now=NOON)
    change = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    same = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    assert (same.pk, content_of(change)) == (change.pk, content_of(live))
    tenth = of_kind("percent", {"percent_bp": 1_000})
    write_draft(promotion_id=change.pk, content=tenth, actor=dana, now=NOON)
    assert stored(live).recipe == HALF["recipe"]
    use(live, "SO1")

    after = do(publish_promotion, change, dana)

    assert (after.pk, after.revision, after.used) == (live.pk, 2, 1)
    assert stored(live).recipe == tenth["recipe"]
    assert [r.recipe for r in PromotionRevision.objects.order_by("number")] == [
        HALF["recipe"],
        tenth["recipe"],
    ]
    assert Promotion.objects.count() == 1


def test_a_change_of_what_is_paused_stays_paused(dana):
    live = do(publish_promotion, draft(dana), dana)
    change = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    do(pause_promotion, live, dana)
    assert do(publish_promotion, change, dana).state == "paused"


def test_a_change_that_gives_much_away_waits_while_the_old_one_goes_on(dana, erik):
    live = do(publish_promotion, draft(dana), dana)
    change = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    write_draft(promotion_id=change.pk, content=MORE, actor=dana, now=NOON)
    approval = do(publish_promotion, change, dana)
    assert stored(live).recipe == HALF["recipe"]
    approve(approval_id=approval.pk, decider=erik, now=NOON)
    assert (stored(live).recipe, stored(live).revision) == (MORE["recipe"], 2)


def test_a_limit_below_what_was_used_is_refused_whole(dana):
    live = do(publish_promotion, draft(dana), dana)
    use(live, "SO1")
    use(live, "SO2")
    change = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    write_draft(
        promotion_id=change.pk, content={"limit_total": 1}, actor=dana, now=NOON
    )
    with pytest.raises(LimitBelowUses), transaction.atomic():
        do(publish_promotion, change, dana)
    assert (stored(live).limit_total, stored(change).state) == (None, "draft")


def test_what_ends_takes_its_change_along(dana):
    live = do(publish_promotion, draft(dana), dana)
    begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    do(end_promotion, live, dana)
    assert Promotion.objects.get().pk == live.pk
    with pytest.raises(NotPublished):
        begin_change(promotion_id=live.pk, actor=dana, now=NOON)


def test_a_clone_keeps_all_but_dates_budget_and_counts(dana):
    budget = Budget.objects.create(name="B", amount_minor=2_000)
    live = draft(dana, ends_at=NOON + HOUR, limit_total=5, budget_id=budget.pk)
    do(publish_promotion, live, dana)
    use(live, "SO1", amount_minor=100)
    clone = clone_promotion(promotion_id=live.pk, actor=dana, now=NOON + HOUR)
    kept = {"name", "kind", "recipe", "limit_total", "priority", "exclusive_group"}
    assert {n: getattr(clone, n) for n in kept} == {n: getattr(live, n) for n in kept}
    assert (clone.state, clone.used, clone.revision) == ("draft", 0, 0)
    assert (clone.starts_at, clone.ends_at) == (NOON + HOUR, None)
    assert clone.budget is None


def test_only_drafts_are_thrown_away(dana):
    made = draft(dana)
    discard_draft(promotion_id=made.pk, actor=dana, now=NOON)
    assert not Promotion.objects.exists()
    live = do(publish_promotion, draft(dana), dana)
    with pytest.raises(NotADraft), transaction.atomic():
        discard_draft(promotion_id=live.pk, actor=dana, now=NOON)


def test_revisions_are_never_rewritten(dana):
    do(publish_promotion, draft(dana), dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRevision.objects.update(author="erik")
    with pytest.raises(IntegrityError), transaction.atomic():
        connection.cursor().execute("DELETE FROM campaigns_promotionrevision")


def test_s23_a_change_leaves_placed_orders_alone_and_reprices_carts(dana):
    make_variant("COAT", 40_000, on_hand=9)
    live = do(publish_promotion, draft(dana), dana)
    order = place(fill_cart({"COAT": 1}))
    cart = fill_cart({"COAT": 1})
    seen = quote_cart(cart=cart, now=NOON)
    change = begin_change(promotion_id=live.pk, actor=dana, now=NOON)
    tenth = of_kind("percent", {"percent_bp": 1_000})
    write_draft(promotion_id=change.pk, content=tenth, actor=dana, now=NOON)
    do(publish_promotion, change, dana)
    now_seen = quote_cart(cart=cart, now=NOON)
    assert (seen.discount_minor, now_seen.discount_minor) == (20_000, 4_000)
    assert seen.hash != now_seen.hash, "S27"
    order.refresh_from_db()
    assert order.discount_minor == 20_000
    assert order.offers.get().terms["recipe"] == HALF["recipe"]


def test_s23_a_cart_is_told_what_became_of_a_promotion(dana):
    make_variant("COAT", 40_000, on_hand=9)
    made = do(publish_promotion, draft(dana), dana)
    cart = fill_cart({"COAT": 1})
    keep_seen(priced=priced_cart(cart=cart, now=NOON))

    def told():
        cart.refresh_from_db()
        changes = priced_cart(cart=cart, now=NOON).changes
        return [(each.code, each.was_minor, each.is_minor) for each in changes]

    assert told() == []
    do(pause_promotion, made, dana)
    assert told() == [("offer_gone", 20_000, None)]
    do(resume_promotion, made, dana)
    assert told() == []
    change = begin_change(promotion_id=made.pk, actor=dana, now=NOON)
    tenth = of_kind("percent", {"percent_bp": 1_000})
    write_draft(promotion_id=change.pk, content=tenth, actor=dana, now=NOON)
    do(publish_promotion, change, dana)
    assert told() == [("offer_changed", 20_000, 4_000)]
    do(end_promotion, made, dana)
    assert told() == [("offer_gone", 20_000, None)]


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_publish_one_draft_one_does(dana):
    made = draft(dana)
    answers = at_once([lambda: do(publish_promotion, made, dana).state] * 20)
    assert tally(answers) == {"live": 1, "MoveNotAllowed": 19}
    assert PromotionRevision.objects.count() == 1
