"""Why an offer or a code does nothing on a cart, as the storefront asks."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Coupon, CouponTemplate, Promotion, PublicCode
from campaigns.services.issuing import issue_coupon
from crm.shared import clock
from orders.models import Cart
from orders.services.explaining import MOST_TOLD
from tests.campaigns.api.test_coupons import API, client_of
from tests.campaigns.recipes import ladder, of_kind
from tests.cast import make_variant
from tests.orders.shop import fill_cart


@pytest.fixture
def cart(alice, template):
    make_variant("TEA", 8_000, on_hand=10)
    long_ago = clock.now() - timedelta(days=1)
    CouponTemplate.objects.update(starts_at=long_ago)
    return fill_cart({"TEA": 1}, member=alice)


def give(member, template, **changes):
    coupon = issue_coupon(
        template_id=template.pk, member_id=member.pk, source="x", now=clock.now()
    )
    Coupon.objects.filter(pk=coupon.pk).update(**changes)
    coupon.refresh_from_db()
    return coupon


def enter(cart, *codes):
    Cart.objects.filter(pk=cart.pk).update(coupon_codes=list(codes))


def offers(cart, member=None, code=None):
    query = {} if code is None else {"code": code}
    return client_of(member).get(f"{API}/carts/{cart.public_id}/offers", query)


def promotion(name, rungs, **fields):
    fields = {"starts_at": clock.now() - timedelta(days=1), **fields}
    return Promotion.objects.create(
        name=name, state=Promotion.State.LIVE, **ladder(*rungs), **fields
    )


def yuan(amount):
    return {"amount": amount, "currency": "CNY"}


def test_a_promotion_and_a_coupon_each_with_its_path(alice, cart, template):
    # 2.00 off from 90.00 on: spending for the coupon brings it, too.
    promotion("满90减2", [[9_000, 200]])
    coupon = give(alice, template)
    enter(cart, coupon.code)

    body = offers(cart, alice).json()

    assert body["applicable"] == []
    near, far = body["inapplicable"]
    assert (near["reason"]["code"], near["path"]["code"]) == (
        "threshold_not_met",
        "spend_more",
    )
    assert near["path"]["params"] == {"missing": yuan("10.00")}
    assert far["id"] == coupon.public_id
    assert far["reason"]["params"] == {"missing": yuan("20.00")}
    assert far["path"] == {
        "code": "spend_more",
        "message": "Spend ¥22.00 more.",
        "params": {"missing": yuan("22.00")},
        "saves": yuan("20.00"),
        "total": yuan("80.00"),
    }


def test_c20_the_wallet_stands_beside_the_cart_the_best_first(alice, cart, template):
    best = CouponTemplate.objects.create(
        code="third",
        name="三折",
        name_en="Third",
        state="live",
        kind="percent",
        percent_bp=3_000,
        starts_at=clock.now() - timedelta(days=1),
    )
    far, near = give(alice, template), give(alice, best)

    first, second = offers(cart, alice).json()["coupons"]

    assert (first["id"], first["usable"], first["saves"], first["path"]) == (
        near.public_id,
        True,
        yuan("24.00"),
        None,
    )
    assert (second["id"], second["usable"]) == (far.public_id, False)
    assert second["reason"]["message"] == "Spend ¥20.00 more to use this coupon."
    assert second["path"]["params"] == {"missing": yuan("20.00")}


def test_a_coupon_of_later_says_when_to_come(alice, cart, template):
    CouponTemplate.objects.update(min_spend_minor=0)
    begins_at = (clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    coupon = give(alice, template, usable_from=begins_at)

    (told,) = offers(cart, alice).json()["coupons"]

    assert (told["id"], told["path"]["code"]) == (coupon.public_id, "come_later")
    assert told["path"]["saves"] == yuan("20.00")


def test_of_two_codes_the_one_that_gave_way_says_which_to_remove(alice, cart, template):
    CouponTemplate.objects.update(min_spend_minor=0)
    smaller = CouponTemplate.objects.create(
        code="five",
        name="五元券",
        state="live",
        kind="amount",
        amount_minor=500,
        starts_at=clock.now() - timedelta(days=1),
    )
    big, small = give(alice, template), give(alice, smaller)
    enter(cart, big.code, small.code)

    body = offers(cart, alice).json()

    assert [each["id"] for each in body["applicable"]] == [big.public_id]
    (told,) = body["skipped"]
    assert told["reason"]["params"] == {"with": big.public_id}
    assert told["path"]["params"] == {"code": big.code}
    assert told["path"]["total"] == yuan("75.00")


def test_one_code_is_asked_about_alone(alice, cart, template):
    promotion("满50减2", [[5_000, 200]])
    coupon = give(alice, template)

    body = offers(cart, alice, code=coupon.code.lower()).json()

    assert (body["applicable"], body["skipped"], body["coupons"]) == ([], [], [])
    (told,) = body["inapplicable"]
    assert (told["id"], told["path"]["params"]) == (
        coupon.public_id,
        {"missing": yuan("22.00")},
    )
    cart.refresh_from_db()
    assert cart.coupon_codes == []


def test_a_public_code_that_applies_says_what_it_takes_of_which_line(cart, template):
    CouponTemplate.objects.update(min_spend_minor=0)
    PublicCode.objects.create(code="SPRING26", template=template)
    guest = fill_cart({"TEA": 2})

    (told,) = offers(guest, code="spring-26").json()["applicable"]

    line = guest.lines.get().public_id
    assert told["lines"] == [{"id": line, "saves": yuan("20.00")}]


def test_c5_unknown_and_foreign_codes_are_answered_alike_and_counted(
    alice, mallory, cart, template
):
    hers = give(mallory, template)
    answers = [offers(cart, alice, code=code).json() for code in ("NOSUCH", hers.code)]
    for body in answers:
        (told,) = body["inapplicable"]
        assert told["reason"]["code"] == "coupon_not_found"
        assert told["path"] is None
    for number in range(8):
        assert offers(cart, alice, code=f"WRONG{number}").status_code == 200
    answer = offers(cart, alice, code="SPRING26")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_often")
    # Who asks about no code is not kept waiting.
    assert offers(cart, alice).status_code == 200


def test_a_visitor_is_told_of_promotions_and_of_nobodys_wallet(alice, cart, template):
    give(alice, template)
    promotion("满90减2", [[9_000, 200]])
    guest = fill_cart({"TEA": 1})
    body = offers(guest).json()
    assert (len(body["inapplicable"]), body["coupons"]) == (1, [])


def of_goods(name, kind="percent", gives=None, **parts):
    return Promotion.objects.create(
        name=name,
        exclusive_group="",
        state=Promotion.State.LIVE,
        starts_at=clock.now() - timedelta(days=1),
        **of_kind(kind, gives or {"percent_bp": 1_000}, **parts),
    )


def test_nothing_in_the_cart_goes_with_it_but_these_goods_would(alice, cart):
    make_variant("POT", 3_000, on_hand=1)
    make_variant("CUP", 900, on_hand=0)
    both = {"skus": ["POT", "CUP"]}
    of_goods("壶九折", goods=both)
    of_goods("第二件半价", "nth_item", {"pays_bp": 5_000}, goods={"skus": ["POT"]})
    of_goods("杯九折", goods={"skus": ["CUP"]})
    body = offers(cart, alice).json()
    told = {each["name"]: each for each in body["inapplicable"]}
    assert told["壶九折"]["reason"]["code"] == "products_not_in_cart"
    assert told["壶九折"]["path"] == {
        "code": "add_goods",
        "message": "Put 1 × Thing POT into the cart.",
        "params": {"missing": 1, "sku": "POT", "product": "Thing POT"},
        "saves": yuan("3.00"),
        "total": yuan("107.00"),
    }
    assert told["第二件半价"]["path"]["params"]["missing"] == 2
    assert told["第二件半价"]["path"]["saves"] == yuan("13.50")
    assert told["杯九折"]["path"] is None, "sold out"


def test_goods_are_looked_for_once_for_all_offers(alice, cart):
    client, counts = client_of(alice), []
    where = f"{API}/carts/{cart.public_id}/offers"
    for number in range(8):
        make_variant(f"POT{number}", 3_000 + number, on_hand=9)
        of_goods(f"P{number}", goods={"skus": [f"POT{number}"]})
        client.get(where)
        with CaptureQueriesContext(connection) as asked:
            body = client.get(where).json()
        assert all(each["path"] for each in body["inapplicable"])
        assert len(body["inapplicable"]) == number + 1
        counts.append(len(asked))
    assert len(set(counts)) == 1, counts


def test_a_foreign_cart_and_an_unknown_parameter(alice, mallory, cart):
    assert offers(cart, mallory).status_code == 404
    assert offers(cart).status_code == 404
    answer = client_of(alice).get(f"{API}/carts/{cart.public_id}/offers?coupon=X")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert offers(cart, alice, code="X" * 41).status_code == 400


def test_the_database_is_asked_as_often_for_much_as_for_little(alice, cart, template):
    client = client_of(alice)

    def statements():
        where = f"{API}/carts/{cart.public_id}/offers"
        client.get(where)
        with CaptureQueriesContext(connection) as asked:
            client.get(where)
        return len(asked)

    CouponTemplate.objects.update(limit_member=5)
    codes = [give(alice, template).code]
    promotion("满90减2", [[9_000, 200]])
    enter(cart, *codes)
    few = statements()
    for number in range(8):
        other = CouponTemplate.objects.create(
            code=f"t{number}",
            name="x",
            state="live",
            kind="amount",
            amount_minor=100 + number,
            limit_member=5,
            min_spend_minor=0 if number % 2 else 20_000,
            starts_at=clock.now() - timedelta(days=1),
        )
        codes.append(give(alice, other).code)
        promotion(f"p{number}", [[9_000 + number, 200]], exclusive_group="g")
    enter(cart, *codes)
    assert (few, statements()) == (7, 7)


def test_of_very_many_offers_the_nearest_are_told_and_the_rest_counted(alice, cart):
    live = {"state": Promotion.State.LIVE, "starts_at": clock.now() - timedelta(days=1)}
    Promotion.objects.bulk_create(
        Promotion(name=f"{n}", exclusive_group="", **ladder((90_000 - n, 200)), **live)
        for n in range(MOST_TOLD + 5)
    )
    body = offers(cart, alice).json()
    assert (len(body["inapplicable"]), body["left_out"]) == (MOST_TOLD, 5)
    assert body["inapplicable"][0]["name"] == f"{MOST_TOLD + 4}"
    assert [each["path"] is not None for each in body["inapplicable"]] == (
        [True] * 20 + [False] * (MOST_TOLD - 20)
    )
