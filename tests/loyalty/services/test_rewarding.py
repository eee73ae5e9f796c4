import pytest

from crm.shared.outbox import drain
from loyalty.models import PointsEntry, Program
from loyalty.services.adjusting import grant_points
from loyalty.services.redeeming import redeem_points
from loyalty.services.rewarding import (
    reward_profile,
    reward_review,
    take_back_of_refund,
    take_grant_back,
    take_review_points_back,
)
from members.models import Interest
from members.services.correcting import correct_member
from orders.services.moderating import reject_review
from orders.services.refunding import refund_order
from orders.services.reviewing import add_review_picture, withdraw_review, write_review
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import account_of, assert_sound, ledger, rule
from tests.members.pictures import picture
from tests.orders.services.test_reviewing import publish, review_of

PROFILE = {
    "phone": "13800001234",
    "email": "bob@example.com",
    "birthday": "1990-02-28",
    "gender": "male",
    "city": "杭州",
    "nickname": "Bobby",
    "occupation": "retired",
    "education": "school",
    "interests": ["tea"],
}


def pay(points: int) -> None:
    if points:
        rule("profile", occasion="profile", points=points)


def test_a_complete_profile_brings_points_once(bob):
    pay(200)
    for _again in range(3):
        entry = reward_profile(member_id=bob.pk, now=NOON)
    assert (entry.kind, entry.points, entry.source) == (
        "grant",
        200,
        f"profile:{bob.public_id}",
    )
    assert ledger(bob) == [("grant", 200, 200)]
    assert_sound()


def test_a_program_that_gives_nothing_writes_nothing(bob):
    pay(0)
    assert reward_profile(member_id=bob.pk, now=NOON) is None
    assert not PointsEntry.objects.exists()


@pytest.mark.parametrize("state", ["closed", "merged", "erased"])
def test_who_may_not_earn_gets_nothing(db, state):
    pay(200)
    member = make_member(9)
    put_in_state(member, state)
    assert reward_profile(member_id=member.pk, now=NOON) is None
    assert not PointsEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_from_the_form_to_the_points():
    pay(150)
    Interest.objects.create(code="tea", name="茶")
    bob = make_member(2, name="Bob")
    for nickname in ("Bobby", None, "Rob"):
        correct_member(
            member_id=bob.pk, changes={**PROFILE, "nickname": nickname}, now=NOON
        )
        drain(now=NOON)
    assert account_of(bob).balance == 150
    assert ledger(bob) == [("grant", 150, 150)]


def reward_reviews(points: int, *, pictures: int = 0, back: bool = False) -> None:
    Program.objects.update(takes_review_points_back=back)
    rule("review", occasion="review", points=points)
    if pictures:
        shown = {"field": "event.pictures", "is": "yes"}
        rule(
            "pictures",
            occasion="review",
            points=pictures,
            role="bonus",
            condition=shown,
        )


def test_a_published_review_brings_points_once(alice):
    reward_reviews(20, pictures=30)
    review = review_of(alice, rating=1)
    assert reward_review(review_id=review.pk, now=NOON) is None
    publish(review)
    for _again in range(3):
        entry = reward_review(review_id=review.pk, now=NOON)
    line = review.order_line
    assert (entry.points, entry.source) == (20, f"review:{line.order.public_id}:1")
    review.refresh_from_db()
    assert review.is_rewarded
    withdraw_review(review_id=review.pk)
    again = write_review(member_id=alice.pk, line=line, rating=5, text="", now=NOON)
    add_review_picture(review_id=again.pk, data=picture(), now=NOON)
    publish(again)
    assert reward_review(review_id=again.pk, now=NOON) == entry
    assert_sound()


def test_pictures_bring_more_and_stars_do_not(alice):
    reward_reviews(20, pictures=30)
    review = review_of(alice)
    add_review_picture(review_id=review.pk, data=picture(), now=NOON)
    publish(review)
    assert reward_review(review_id=review.pk, now=NOON).points == 50


def test_a_review_that_is_gone_brings_nothing(db):
    reward_reviews(20)
    assert reward_review(review_id=404, now=NOON) is None


@pytest.mark.parametrize(("back", "left"), [(False, 20), (True, 0)])
def test_r20_points_of_a_review_taken_down_go_if_the_program_says_so(alice, back, left):
    reward_reviews(20, back=back)
    review = publish(review_of(alice))
    reward_review(review_id=review.pk, now=NOON)
    before = account_of(alice).balance
    reject_review(review_id=review.pk, reason="an advert", actor="test", now=NOON)
    for _again in range(2):
        take_review_points_back(review_id=review.pk, now=NOON)
    assert account_of(alice).balance - before == left - 20
    review.refresh_from_db()
    assert review.is_rewarded is not back
    assert_sound()


def test_r20_points_go_when_every_unit_came_back(alice):
    reward_reviews(20, back=True)
    review = publish(review_of(alice))
    reward_review(review_id=review.pk, now=NOON)
    refund = refund_order(
        order_id=review.order_line.order_id,
        items={1: 1},
        reason="broken",
        actor="test",
        request_key="r20",
        now=NOON,
    )
    assert take_back_of_refund(refund_id=refund.pk, now=NOON) == 1
    assert take_back_of_refund(refund_id=refund.pk, now=NOON) == 0
    review.refresh_from_db()
    assert (review.state, review.is_rewarded) == ("published", False)


@pytest.mark.parametrize(
    ("policy", "spent", "waived"),
    [
        ("pending", 0, None),
        ("pending", 60, 60),
        ("to_zero", 60, 60),
        ("debt", 60, None),
    ],
)
def test_p17_what_a_reward_taken_back_waives_says_by_whom_and_why(
    alice, policy, spent, waived
):
    Program.objects.update(claw_back=policy)
    source = "referral:one:inviter"
    grant_points(
        member_id=alice.pk, points=100, reason="x", actor="t", source=source, now=NOON
    )
    if spent:
        redeem_points(member_id=alice.pk, points=spent, source="x:1", now=NOON)
    entry = take_grant_back(member_id=alice.pk, source=source, now=NOON)
    assert entry.trace.get("waived") == waived
    told = ("program", policy) if waived else ("", "")
    assert (entry.actor, entry.reason) == told
    assert account_of(alice).balance == 0, "there is nothing left to spend (P16)"
