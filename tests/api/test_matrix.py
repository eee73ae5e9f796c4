"""Every operation of the API x every kind of caller (S1 of the reliability goals).

The operations come from the URL resolver: one without a row in ``POLICY`` fails.
"""

from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from members.models import (
    Member,
)
from orders.models import Order, Payment
from tests.api.world import CARD, HOME, TICKET, client_of
from tests.cast import make_member, make_user, put_in_state
from tests.members.pictures import picture
from tests.tables import digest

#: Not operations of callers: the descriptions, and what gateways sign.
SIGNED = {
    "schema",
    "server-schema",
    "payment-callbacks",
    "test-payment-outcome",
    "verifier-callbacks",
    "test-verdict",
}
MONEY = {"amount": "99.00", "currency": "CNY"}


@dataclass(frozen=True)
class Policy:
    """Who may call: ``members`` only or anyone; ``own`` hides it from all others.

    ``server`` is for the shop's programs: no person may call it, whoever they are.
    """

    members: bool
    own: bool = False
    server: bool = False
    #: Method -> a body that is fine, or what makes one of the ids.
    bodies: dict = field(default_factory=dict)
    #: What a member who lacks something of their own may hear instead.
    lacking: frozenset[int] = frozenset()
    #: Answers a member with every right gets to it.
    fine: frozenset[int] = frozenset({200, 201, 202, 204})


ANYONE, MEMBERS = Policy(members=False), Policy(members=True)
SERVER = Policy(members=False, server=True)
RETURN = {
    "kind": "return",
    "reason": "damaged",
    "items": [{"position": 1, "quantity": 1}],
}
PARCEL = {"carrier": "SF", "tracking_number": "SF1"}
#: What a member has or has not: asking for it is no refusal.
MAYBE = Policy.fine | {404}
CONSENT = {"purpose": "marketing", "channel": "email", "granted": True}

POLICY = {
    "products": ANYONE,
    "product": ANYONE,
    "product-image": ANYONE,
    "categories": ANYONE,
    "related-products": ANYONE,
    "carts": Policy(False, bodies={"post": {}}),
    # Alice's cart joins itself; nobody else may have it.
    "my-cart": Policy(
        True,
        bodies={"post": lambda ids: {"from": ids["cart"]}},
        fine=MAYBE,
        lacking=frozenset({404}),
    ),
    "cart": Policy(False, own=True, bodies={"patch": {"owner": "me"}}),
    "cart-items": Policy(False, own=True, bodies={"post": {"sku": "TEA"}}),
    "cart-item": Policy(False, own=True, bodies={"patch": {"quantity": 2}}),
    # A code nobody gave out: the cart is found, the coupon is not.
    "cart-coupons": Policy(
        False, own=True, bodies={"post": {"code": "NOSUCH"}}, fine=frozenset({422})
    ),
    "cart-coupon": Policy(False, own=True),
    "cart-offers": Policy(False, own=True),
    "cart-earning": Policy(False, own=True),
    "my-check-ins": Policy(True, bodies={"post": {}}),
    "cart-points": Policy(True, own=True, bodies={"put": {"points": 0}}),
    "cart-checkout": Policy(True, own=True, bodies={"post": {"expected_total": MONEY}}),
    "order-payments": Policy(True, own=True, bodies={"post": {"provider": "test"}}),
    "my-orders": MEMBERS,
    "my-order": Policy(True, own=True),
    "my-order-gift-cards": Policy(True, own=True),
    "my-wallet": MEMBERS,
    "my-wallet-entries": MEMBERS,
    # A code nobody sold: the operation is allowed, the code is wrong.
    "my-gift-cards": Policy(
        True, bodies={"post": {"code": "0"}}, fine=frozenset({422})
    ),
    "my-order-cancel": Policy(True, own=True, bodies={"post": {}}),
    "product-reviews": ANYONE,
    "product-rating": ANYONE,
    "review-picture": ANYONE,
    # Alice may not vote for herself; whoever else is signed in may.
    "review-helpful": Policy(True, fine=frozenset({204, 409})),
    "my-order-line-review": Policy(
        True, own=True, bodies={"post": {"rating": 5}}, fine=frozenset({409})
    ),
    "my-reviews": MEMBERS,
    "my-lines-to-review": MEMBERS,
    "my-review": Policy(True, own=True, bodies={"patch": {"rating": 4}}),
    "my-review-follow-up": Policy(True, own=True, bodies={"post": {"text": "hello"}}),
    "my-review-pictures": Policy(True, own=True, bodies={"post": picture()}),
    "my-review-picture": Policy(True, own=True),
    # Alice's order is not paid: the operation is hers, its hour has not come.
    "my-order-confirm": Policy(
        True, own=True, bodies={"post": {}}, fine=frozenset({409})
    ),
    # The order waits for its payment: allowed to ask, nothing there to return.
    "my-order-returns": Policy(
        True, own=True, bodies={"post": RETURN}, fine=frozenset({409})
    ),
    "my-order-return-quote": Policy(
        True, own=True, bodies={"post": RETURN}, fine=frozenset({409})
    ),
    "my-returns": MEMBERS,
    "my-return": Policy(True, own=True),
    "my-return-cancel": Policy(True, own=True),
    "my-return-shipment": Policy(True, own=True, bodies={"post": PARCEL}),
    "my-refund-statement": Policy(True, own=True),
    "me": Policy(True, bodies={"patch": {"name": "Alice A."}}),
    "my-consents": Policy(
        True, bodies={"put": {"text_version": "2026-11", "consents": [CONSENT]}}
    ),
    "interests": MEMBERS,
    "my-addresses": Policy(True, bodies={"post": HOME}),
    "my-address": Policy(True, own=True, bodies={"patch": {"label": "home"}}),
    "my-attributes": Policy(True, bodies={"patch": {"values": {"size": "M"}}}),
    "my-avatar": Policy(True, bodies={"put": picture()}, fine=MAYBE),
    "my-devices": MEMBERS,
    "my-device": Policy(True, own=True),
    "my-identities": MEMBERS,
    "my-identity": Policy(True, own=True),
    "my-contact-codes": Policy(
        True, bodies={"post": {"channel": "email"}}, lacking=frozenset({409})
    ),
    # A code nobody sent: the operation is allowed, the code is wrong.
    "my-contact-proofs": Policy(
        True, bodies={"post": {"id": "sic_0", "code": "123456"}}, fine=frozenset({422})
    ),
    "my-instruments": Policy(True, bodies={"post": CARD}),
    "my-instrument": Policy(True, own=True),
    "verify-instrument": Policy(True, own=True),
    "my-invitation": MEMBERS,
    "consent-texts": ANYONE,
    "my-data-export": Policy(True, fine=MAYBE),
    "my-data-export-file": Policy(True, own=True),
    # The number to confirm with is that of Alice.
    "my-erasure": Policy(
        True,
        bodies={"post": {"confirm": "M000000013"}},
        fine=MAYBE,
        lacking=frozenset({422}),
    ),
    "server-member": SERVER,
    "server-member-lookup": SERVER,
    "server-member-batch": SERVER,
    "server-member-tier": SERVER,
    "server-member-loyalty-events": SERVER,
    "server-order": SERVER,
    "server-order-batch": SERVER,
    "server-order-refunds": SERVER,
    "server-balance": SERVER,
    "server-points-entries": SERVER,
    # The program passes no points on: the operation is allowed, it is switched off.
    "my-transfers": Policy(
        True,
        bodies={"post": {"to": "M000000021", "points": 1}},
        fine=frozenset({409}),
    ),
    "my-loyalty": MEMBERS,
    "my-points": MEMBERS,
    "my-balance": MEMBERS,
    "my-points-entries": MEMBERS,
    "plans": ANYONE,
    # Nobody here has a plan: asking is allowed, there is nothing to do it with.
    "my-plan": Policy(
        True,
        bodies={"post": {"plan": "nosuch", "period": "month"}},
        fine=MAYBE,
        lacking=frozenset({404}),
    ),
    "my-plan-cancellation": Policy(True, bodies={"post": {}}, fine=frozenset({404})),
    "my-plan-pause": Policy(True, bodies={"post": {}}, fine=frozenset({404})),
    "my-plan-resume": Policy(True, bodies={"post": {}}, fine=frozenset({404})),
    "my-plan-payment": Policy(
        True, bodies={"put": {"pays_with": ""}}, fine=frozenset({404})
    ),
    "my-plan-changes-preview": Policy(
        True,
        bodies={"post": {"plan": "nosuch", "period": "month"}},
        fine=frozenset({404}),
    ),
    "my-plan-changes": Policy(
        True,
        bodies={"post": {"plan": "nosuch", "period": "month", "expected_due": MONEY}},
        fine=frozenset({404}),
    ),
    "rewards": MEMBERS,
    "reward": Policy(True),
    "reward-picture": ANYONE,
    "reward-redemptions": Policy(
        True, bodies={"post": {"expected_points": 0}}, fine=frozenset({201})
    ),
    "my-redemptions": MEMBERS,
    "my-redemption-cancel": Policy(True, own=True),
    "my-benefits": MEMBERS,
    "my-savings": MEMBERS,
    "my-referrals": MEMBERS,
    "my-referred-friends": MEMBERS,
    "my-coupons": MEMBERS,
    # No unpaid order keeps it: the operation is hers, there is nothing to free.
    "my-coupon-hold": Policy(True, own=True, fine=frozenset({409})),
    "my-coupon-gift": Policy(True, own=True),
    # A code nobody gave out: the operation is allowed, the code is wrong.
    "my-coupon-codes": Policy(
        True, bodies={"post": {"code": "NOSUCH"}}, fine=frozenset({422})
    ),
    "cart-my-coupons": Policy(True, own=True),
    "my-notifications": MEMBERS,
    "my-recommendations": MEMBERS,
    "coupon-offers": MEMBERS,
    "coupon-claims": Policy(True, bodies={"post": {}}),
    "group-buys": ANYONE,
    "group-buy": ANYONE,
    "group-buy-groups": Policy(True, bodies={"post": {}}),
    "group": ANYONE,
    # Alice sits in her group already; whoever else is signed in may join.
    "group-seats": Policy(True, bodies={"post": {}}, fine=frozenset({201, 409})),
    "my-seat": Policy(True, own=True),
    "my-groups": MEMBERS,
    "my-tickets": Policy(True, bodies={"post": TICKET}),
    "my-ticket": Policy(True, own=True),
    "my-ticket-messages": Policy(True, own=True, bodies={"post": {"text": "hello"}}),
}


#: Paths that are patterns, as one that fits them.
PLAIN = {
    "server-member": "api/server/v1/members/erp/17",
    "server-member-tier": "api/server/v1/members/mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB/tier",
    "server-member-loyalty-events": (
        "api/server/v1/members/mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB/loyalty-events"
    ),
    "server-order": "api/server/v1/orders/erp/17",
    "server-balance": "api/server/v1/members/mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB"
    "/points/balance",
    "server-points-entries": "api/server/v1/members/mem_01JD2V7Q4N8Z6XK3M5T9W0RYHB"
    "/points/entries",
    "server-order-refunds": "api/server/v1/orders/erp/17/refunds",
}


def operations():
    """Return ``(name, method, pattern)`` of every operation below ``/api/``."""

    def walk(patterns, prefix):
        for each in patterns:
            path = prefix + str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, path)
            elif isinstance(each, URLPattern) and path.startswith("api/"):
                yield path, each

    for path, each in walk(get_resolver().url_patterns, ""):
        view = each.callback.cls
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                yield each.name, method, PLAIN.get(each.name, path)


OPERATIONS = list(operations())


def call(client, name, method, path, ids):
    path = path.replace("<int:position>", "1")
    for word, value in ids.items():
        path = path.replace(f"<str:{word}>", value)
    assert "<" not in path, path
    body = POLICY[name].bodies.get(method)
    body = body(ids) if callable(body) else body
    kind = {"format": "json"}
    if isinstance(body, bytes):
        kind = {"content_type": "image/png"}
    return getattr(client, method)(
        f"/{path}", body, headers={"Idempotency-Key": "matrix"}, **kind
    )


def wrong_cells(client, world, expected):
    """Return the cells whose answer is not the expected one."""
    before, wrong = digest(), {}
    for name, method, path in OPERATIONS:
        if name in SIGNED:
            continue
        policy = POLICY[name]
        wanted = {401, 403} if policy.server else expected(policy)
        with transaction.atomic():
            answer = call(client, name, method, path, world)
            refused = answer.status_code in {401, 403, 404}
            transaction.set_rollback(not refused)
        if answer.status_code not in wanted:
            wrong[name, method] = (answer.status_code, answer.content[:200])
    # What was refused was not rolled back: it must not have written anything.
    assert digest() == before
    return wrong


def test_every_operation_has_its_policy():
    assert {name for name, _method, _path in OPERATIONS} == {*POLICY, *SIGNED}


def test_the_owner_is_served(alice, world):
    assert not wrong_cells(client_of(alice), world, lambda policy: policy.fine)


def test_visitors_see_the_shop_and_nothing_of_anybody(world):
    def expected(policy):
        if policy.members:
            return {401}
        return {404} if policy.own else policy.fine

    assert not wrong_cells(APIClient(), world, expected)


def test_a_wrong_token_opens_nothing(world):
    client = APIClient(headers={"X-Session-Token": "a" * 32})
    assert not wrong_cells(client, world, lambda _policy: {401})


def test_what_is_alices_does_not_exist_for_others(mallory, world):
    def expected(policy):
        return {404} if policy.own else policy.fine | policy.lacking

    assert not wrong_cells(client_of(mallory), world, expected)


def test_staff_are_no_members(dana, world):
    client = APIClient()
    client.force_login(dana)

    def expected(policy):
        return {403} if policy.members else {404} if policy.own else policy.fine

    assert not wrong_cells(client, world, expected)


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_whose_membership_ended_is_a_stranger(state, world):
    user = make_user("gone")
    put_in_state(make_member(9, user=user), state)
    client = APIClient()
    client.force_login(user)

    def expected(policy):
        return {403} if policy.members else {404} if policy.own else policy.fine

    assert not wrong_cells(client, world, expected)


def test_the_frozen_read_and_do_not_buy(alice, world):
    Member.objects.filter(pk=alice.pk).update(state="frozen")
    client = client_of(alice)
    for name, method, path in OPERATIONS:
        if method == "get" and name not in SIGNED and not POLICY[name].server:
            status = call(client, name, method, path, world).status_code
            assert status in POLICY[name].fine, name
    orders, payments = Order.objects.count(), Payment.objects.count()
    (path,) = {each[2] for each in OPERATIONS if each[0] == "cart-checkout"}
    answer = call(client, "cart-checkout", "post", path, world)
    assert 400 <= answer.status_code < 500
    assert (Order.objects.count(), Payment.objects.count()) == (orders, payments)
