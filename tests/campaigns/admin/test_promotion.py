"""The marketer's form: a gallery, a typed form, a trial, and the life of a promotion."""

from dataclasses import fields
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import Budget, Promotion
from campaigns.promotion_labels import GALLERY, LABELS
from campaigns.promotion_words import promotion_sentence
from campaigns.rules.recipes import KINDS
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import begin_change, write_draft
from crm.shared.approvals import approve
from crm.shared.models import Approval, AuditEntry
from orders.models import Brand, Category, Variant
from tests.campaigns.recipes import of_kind, published, use
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, pay, place

ADD = "/admin/campaigns/promotion/add/?kind="
USUAL = {
    "name": "春茶",
    "starts_at_0": "2026-11-21",
    "starts_at_1": "12:00",
    "priority": "0",
    "on_return": "keep",
}
#: What a marketer types for each kind, and what it means.
TYPED = {
    "spend_ladder": (
        {
            **{"rung_1_spend": "300", "rung_1_off": "50"},
            **{"rung_2_spend": "600", "rung_2_off": "120.50"},
        },
        {"rungs": [[30_000, 5_000], [60_000, 12_050]]},
    ),
    "spend_every": (
        {"gives_spend_minor": "100", "gives_off_minor": "10", "gives_most_times": "3"},
        {"spend_minor": 10_000, "off_minor": 1_000, "most_times": 3},
    ),
    "percent": ({"gives_percent_bp": "12.5"}, {"percent_bp": 1_250}),
    "amount": (
        {"gives_off_minor": "5", "gives_per": "unit"},
        {"off_minor": 500, "per": "unit"},
    ),
    "one_price": ({"gives_price_minor": "99"}, {"price_minor": 9_900}),
    "buy_get": (
        {"gives_buy": "2"},
        {"buy": 2, "get": 1, "percent_bp": 10_000, "most_times": 0},
    ),
    "nth_item": (
        {"gives_nth": "2", "gives_pays_bp": "50"},
        {"nth": 2, "pays_bp": 5_000, "most_times": 0},
    ),
    "cheapest_free": ({"gives_of": "3"}, {"of": 3, "most_times": 0}),
    "bundle": (
        {"gives_units": "3", "gives_price_minor": "99"},
        {"units": 3, "price_minor": 9_900, "most_times": 0},
    ),
    "gift": (
        {"gives_skus": "MUG", "gives_units": "2"},
        {"skus": ["MUG"], "units": 2, "most_times": 1},
    ),
    "free_freight": ({}, {"percent_bp": 10_000}),
    "member_price": (
        {"gives_percent_bp": "5", "when_audience": ["member"]},
        {"percent_bp": 500},
    ),
    "flash_price": ({"gives_price_minor": "9.90"}, {"price_minor": 990}),
}


def url(name: str, row: Promotion) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def draft(actor, **content) -> Promotion:
    usual = {
        "name": "春茶",
        "starts_at": NOON,
        **of_kind("percent", {"percent_bp": 10}),
    }
    return write_draft(
        promotion_id=None, content=usual | content, actor=actor, now=NOON
    )


def live(actor, **content) -> Promotion:
    return published(draft(actor, **content), actor)


# --- Gallery and form ------------------------------------------------------------------


def test_every_kind_is_in_the_gallery_and_has_words():
    assert set(GALLERY) == set(KINDS) == set(Promotion.Kind.values) == set(TYPED)


def test_every_field_of_every_kind_has_a_label():
    for kind, gives in KINDS.items():
        for each in fields(gives):
            assert f"gives.{each.name}" in LABELS, kind


def test_the_gallery_leads_to_a_form_of_each_kind(staff):
    client = staff("marketer")
    page = client.get(reverse("admin:campaigns_promotion_add")).content.decode()
    for kind in KINDS:
        assert f'href="?kind={kind}"' in page
        assert client.get(ADD + kind).status_code == 200


@pytest.mark.parametrize("kind", sorted(TYPED))
def test_what_is_typed_in_yuan_and_percent_is_kept_in_whole_numbers(kind, staff):
    make_variant("MUG", 900)
    typed, gives = TYPED[kind]
    client = staff("marketer")
    answer = client.post(ADD + kind, USUAL | typed)
    saved = Promotion.objects.get()
    assert answer.url == url("campaigns_promotion_change", saved)
    assert (saved.kind, saved.recipe["gives"]) == (kind, gives)
    assert saved.state == "draft"
    assert AuditEntry.objects.get().action == "campaigns.promotion.add"
    # What is saved stands in the form again, and saves as the same.
    shown = client.get(url("promotion_edit", saved)).context["form"]
    again = {
        bound.html_name: bound.value() for bound in shown if bound.value() is not None
    }
    again |= {k: v for k, v in USUAL.items() if k.startswith("starts_at")}
    again = {k: v for k, v in again.items() if k not in {"starts_at", "ends_at"}}
    client.post(url("promotion_edit", saved), again)
    assert Promotion.objects.get().recipe == saved.recipe
    assert AuditEntry.objects.count() == 1, "nothing changed"


def test_goods_conditions_and_company_are_typed_too(staff):
    variant = make_variant("MUG", 900)
    category = Category.objects.create(code="tea", name="茶")
    brand = Brand.objects.create(code="acme", name="Acme")
    other = Promotion.objects.create(
        name="O", starts_at=NOON, **of_kind("percent", {"percent_bp": 1})
    )
    budget = Budget.objects.create(name="B", amount_minor=500)
    typed = {
        "gives_percent_bp": "10",
        "goods_categories": [category.pk],
        "goods_not_brands": [brand.pk],
        "goods_products": [variant.product_id],
        "goods_not_skus": "MUG",
        "when_least_spend_minor": "88.80",
        "when_weekdays": ["6", "7"],
        "when_since": "20:00",
        "when_until": "02:00",
        "beside_cap_minor": "30",
        "beside_forbids": [other.public_id],
        "beside_skips_discounted": "on",
        "limit_total": "9",
        "budget": budget.pk,
    }
    staff("marketer").post(ADD + "percent", USUAL | typed)
    saved = Promotion.objects.latest("pk")
    assert saved.recipe == {
        "gives": {"percent_bp": 1_000},
        "goods": {
            "categories": [category.pk],
            "products": [variant.product_id],
            "not_brands": [brand.pk],
            "not_skus": ["MUG"],
        },
        "when": {
            "least_spend_minor": 8_880,
            "weekdays": [6, 7],
            "since": "20:00",
            "until": "02:00",
        },
        "beside": {
            "cap_minor": 3_000,
            "forbids": [other.public_id],
            "skips_discounted": True,
        },
    }
    assert (saved.limit_total, saved.budget) == (9, budget)


@pytest.mark.parametrize(
    ("kind", "typed", "field"),
    [
        ("percent", {"gives_percent_bp": "0"}, "gives_percent_bp"),
        ("percent", {"gives_percent_bp": "101"}, "gives_percent_bp"),
        ("percent", {"gives_percent_bp": "ten"}, "gives_percent_bp"),
        ("amount", {"gives_off_minor": "0", "gives_per": "order"}, "gives_off_minor"),
        (
            "amount",
            {"gives_off_minor": "1.234", "gives_per": "order"},
            "gives_off_minor",
        ),
        ("gift", {"gives_skus": "NONE"}, "gives_skus"),
        ("member_price", {"gives_percent_bp": "5"}, "when_audience"),
        (
            "spend_ladder",
            {
                **{"rung_1_spend": "300", "rung_1_off": "50"},
                **{"rung_2_spend": "200", "rung_2_off": "60"},
            },
            "rung_1_off",
        ),
        ("spend_ladder", {"rung_1_spend": "300", "rung_1_off": ""}, "rung_1_off"),
        (
            "percent",
            {"gives_percent_bp": "1", "ends_at_0": "2026-11-20", "ends_at_1": "12:00"},
            "ends_at",
        ),
    ],
)
def test_s13_the_form_refuses_at_the_field_and_saves_nothing(kind, typed, field, staff):
    answer = staff("marketer").post(ADD + kind, USUAL | typed)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not Promotion.objects.exists()


# --- The trial ---------------------------------------------------------------------------


def tried(client, kind="percent", **typed):
    asked = {"kind": kind, "cart": "own", "lines": "COAT 2", "gives_percent_bp": "10"}
    return client.post(reverse("admin:promotion_try"), USUAL | asked | typed)


def test_x6_the_trial_is_priced_as_checkout_will_be(staff, dana):
    make_variant("COAT", 40_000, on_hand=9)
    Variant.objects.update(cost_minor=15_000)
    client = staff("marketer")
    context = tried(client).context
    found = context["found"]
    assert (found.takes_minor, found.margin_minor) == (8_000, 42_000)
    assert found.margin_without_minor == 50_000
    assert not Promotion.objects.exists()
    live(dana, **of_kind("percent", {"percent_bp": 1_000}))
    order = place(fill_cart({"COAT": 2}))
    assert order.total_minor == found.with_it.total_minor


@pytest.mark.parametrize(
    ("minimum", "margin_bp", "takes", "said"),
    [
        (38_000, None, 4_000, "It stops at the minimum price of COAT."),
        (38_000, 16_000, 2_000, "It stops at the margin floor of COAT."),
    ],
)
def test_s12_the_trial_says_which_floor_bit(
    staff, dana, settings, minimum, margin_bp, takes, said
):
    make_variant("COAT", 40_000, on_hand=9)
    Variant.objects.update(cost_minor=15_000, minimum_price_minor=minimum)
    settings.MARGIN_FLOOR_BP = margin_bp
    client = staff("marketer")
    answer = tried(client)
    assert answer.context["found"].takes_minor == takes
    assert said in answer.content.decode()
    Variant.objects.update(minimum_price_minor=40_000)
    settings.MARGIN_FLOOR_BP = None
    page = tried(client).content.decode()
    assert "This costs the least it may already." in page


def test_the_trial_says_why_not_and_who_gives_way(staff, dana):
    make_variant("COAT", 40_000, on_hand=9)
    client = staff("marketer")
    page = tried(client, when_least_spend_minor="1000").content.decode()
    assert "It does not apply:" in page
    assert "200.00" in page
    better = of_kind("percent", {"percent_bp": 5_000})
    live(dana, name="Better", exclusive_group="g", **better)
    page = tried(client, exclusive_group="g").content.decode()
    assert "It gives way:" in page
    context = tried(client, exclusive_group="g", gives_percent_bp="60").context
    assert context["found"].takes_minor == 48_000
    assert [name for name, _why in context["gave_way"]] == ["Better"]
    assert context["needs_two"]


def test_a_change_is_tried_in_the_place_of_what_it_changes(staff, dana):
    make_variant("COAT", 40_000, on_hand=9)
    old = live(dana, **of_kind("percent", {"percent_bp": 1_000}))
    change = begin_change(promotion_id=old.pk, actor=dana, now=NOON)
    found = tried(
        staff("marketer"), promotion=change.pk, gives_percent_bp="20"
    ).context["found"]
    assert found.without_it.discount_minor == 8_000
    assert found.with_it.discount_minor == 16_000


def test_the_trial_takes_an_order_or_a_typical_cart(staff):
    make_variant("COAT", 40_000, on_hand=9)
    client = staff("marketer")
    nothing = tried(client, cart="usual").content.decode()
    assert "There is nothing to try it on" in nothing
    order = place(fill_cart({"COAT": 1}))
    pay(order)
    one = tried(client, cart="order", order_number=order.number).context["found"]
    usual = tried(client, cart="usual").context["found"]
    assert one.takes_minor == usual.takes_minor == 4_000
    assert tried(client, cart="order", order_number="SO-none").context["error"]


def test_the_trial_supposes_the_buyer_that_was_chosen(staff):
    make_variant("COAT", 40_000, on_hand=9)
    client = staff("marketer")
    gold = {"when_audience": ["member"], "when_nth_order": "1"}
    assert tried(client, **gold).context["found"].why_not.code == "not_for_you"
    found = tried(client, buyer="member", **gold).context["found"]
    assert found.takes_minor == 8_000


def test_the_trial_of_half_a_form_names_what_is_missing(staff):
    page = tried(staff("marketer"), name="", gives_percent_bp="").content.decode()
    assert "Not yet complete:" in page
    assert "Percentage off" in page


# --- Its life on the page ------------------------------------------------------------------


def step(client, promotion, code, reason="spring"):
    return client.post(
        url("promotion_step", promotion), {"step": code, "reason": reason}
    )


def test_a_promotion_goes_its_way_by_buttons(staff, dana):
    client = staff("marketer")
    made = draft(dana)
    step(client, made, "publish")
    for code, state in (("pause", "paused"), ("resume", "live"), ("end", "ended")):
        step(client, made, code)
        made.refresh_from_db()
        assert made.state == state
    page = client.get(url("campaigns_promotion_change", made)).content.decode()
    assert "spring" in page
    assert "<svg" in page


def test_a_step_that_is_refused_says_why_on_the_page(staff, dana):
    client = staff("marketer")
    made = draft(dana)
    answer = step(client, made, "publish", reason="")
    assert "Say why." in answer.content.decode()
    assert "cannot do that" in step(client, made, "pause").content.decode()
    made.refresh_from_db()
    assert made.state == "draft"


def test_a_change_is_compared_published_and_compared_again(staff, dana):
    client = staff("marketer")
    made = live(dana, **of_kind("percent", {"percent_bp": 1_000}))
    answer = step(client, made, "change")
    change = Promotion.objects.get(changes=made)
    assert answer.url == url("campaigns_promotion_change", change)
    write_draft(
        promotion_id=change.pk,
        content={**of_kind("percent", {"percent_bp": 2_000}), "limit_total": 5},
        actor=dana,
        now=NOON,
    )
    rows = {("Percentage off", "10 %", "20 %"), ("Uses in all", "–", "5")}
    for older, newer in ((1, 0), (1, 2)):
        if newer:
            step(client, change, "publish")
        page = client.get(
            reverse("admin:promotion_compare", args=[made.pk, older, newer])
        )
        found = {(label.capitalize(), a, b) for label, a, b in page.context["rows"]}
        assert found == rows
    for older, newer in ((1, 0), (1, 3), (3, 1)):
        gone = reverse("admin:promotion_compare", args=[made.pk, older, newer])
        assert client.get(gone).status_code == 404


def test_copies_and_drafts_that_are_thrown_away(staff, dana):
    client = staff("marketer")
    made = draft(dana)
    step(client, made, "clone")
    copy = Promotion.objects.latest("pk")
    assert (copy.name, copy.state, copy.pk != made.pk) == (made.name, "draft", True)
    answer = step(client, copy, "discard")
    assert answer.url == reverse("admin:campaigns_promotion_changelist")
    assert Promotion.objects.get() == made


def test_what_gives_much_away_is_agreed_to_by_finance(staff, dana):
    client = staff("marketer")
    made = draft(dana, **of_kind("percent", {"percent_bp": 9_000}))
    step(client, made, "publish")
    approval = Approval.objects.get()
    finance = staff("finance")
    page = finance.get(reverse("admin:shared_approval_change", args=[approval.pk]))
    assert "90 %" in page.content.decode()
    approve(
        approval_id=approval.pk,
        decider=page.wsgi_request.user,
        now=NOON,
    )
    made.refresh_from_db()
    assert made.state == "live"
    shown = finance.get(url("campaigns_promotion_change", made))
    assert shown.status_code == 200


def test_the_page_projects_the_day_on_which_it_is_gone(staff, dana, monkeypatch):
    budget = Budget.objects.create(name="B", amount_minor=100_000)
    made = live(dana, budget_id=budget.pk, limit_total=100)
    monkeypatch.setattr("campaigns.admin.promotion.now", lambda: NOON + timedelta(7))
    order = use(made, "SO1", amount_minor=700)
    assert order.pk
    burn = (
        staff("marketer").get(url("campaigns_promotion_change", made)).context["burn"]
    )
    assert (burn["uses"], burn["amount_minor"], len(burn["days"])) == (1, 700, 30)
    # A seventh of a use, and 1.00, a day: 99 uses, and 993.00, are left.
    assert burn["uses_end"].isoformat() == "2028-10-21"
    assert burn["money_end"].isoformat() == "2029-08-17"


def flash(**content):
    """Return what a draft of a flash price of 9.90 says."""
    return of_kind("flash_price", {"price_minor": 990}) | content


def test_a_flash_price_is_typed_with_its_pieces_and_nothing_else_is(staff):
    client = staff("marketer")
    pieces = {"limit_units": "50", "limit_member_units": "2"}
    typed = USUAL | TYPED["flash_price"][0] | pieces
    client.post(ADD + "flash_price", typed)
    saved = Promotion.objects.get()
    assert (saved.limit_units, saved.limit_member_units) == (50, 2)
    form = client.get(url("promotion_edit", saved)).context["form"]
    assert form["limit_units"].value() == 50
    refused = client.post(ADD + "flash_price", typed | {"limit_units": "0"})
    assert "limit_units" in refused.context["form"].errors
    assert "limit_units" not in client.get(ADD + "one_price").context["form"].fields


def test_the_page_tells_pieces_and_the_day_on_which_they_are_gone(
    staff, dana, monkeypatch
):
    made = live(dana, **flash(limit_units=40, limit_member_units=7))
    monkeypatch.setattr("campaigns.admin.promotion.now", lambda: NOON + timedelta(7))
    use(made, "SO1", amount_minor=700, units=7)
    page = staff("marketer").get(url("campaigns_promotion_change", made))
    burn = page.context["burn"]
    assert burn["units"] == 7
    # One a day, and 33 are left.
    assert burn["units_end"].isoformat() == "2026-12-31"
    text = page.content.decode()
    assert "7 / 40" in text
    said = "Pieces at this price: 40; any further one costs as usual."
    assert f"{said} Pieces for each member: 7." in text


def test_a_change_of_the_pieces_stands_in_the_comparison(staff, dana):
    made = live(dana, **flash(limit_units=40))
    change = begin_change(promotion_id=made.pk, actor=dana, now=NOON)
    write_draft(
        promotion_id=change.pk, content={"limit_units": 60}, actor=dana, now=NOON
    )
    page = staff("marketer").get(
        reverse("admin:promotion_compare", args=[made.pk, 1, 0])
    )
    assert page.context["rows"] == [("pieces at this price", "40", "60")]


# --- Who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees", "writes", "publishes"),
    [
        ("marketer", True, True, True),
        ("finance", True, False, True),
        ("analyst", True, False, False),
        ("support", True, False, False),
        ("nobody", False, False, False),
    ],
)
def test_each_role_does_what_it_may(role, sees, writes, publishes, staff, dana):
    client = staff(role)
    made = draft(dana)
    page = client.get(url("campaigns_promotion_change", made))
    assert page.status_code == (200 if sees else 403)
    written = 200 if writes else 403
    for get in (url("promotion_edit", made), ADD + "percent"):
        assert client.get(get).status_code == written
    assert tried(client).status_code == written
    for code in ("clone", "discard", "publish"):
        before = Promotion.objects.count()
        status = step(client, made, code).status_code
        allowed = publishes if code == "publish" else writes
        assert status == (302 if allowed else 403), code
        if not allowed:
            assert Promotion.objects.count() == before
            made.refresh_from_db()
            assert made.state == "draft"
        elif code == "discard":
            made = draft(dana)


def test_strangers_are_sent_to_the_sign_in(db, dana):
    made = draft(dana)
    for name in ("campaigns_promotion_change", "promotion_edit", "promotion_step"):
        answer = Client().post(url(name, made))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))


def test_what_is_published_has_no_form_and_nothing_is_deleted(staff, dana):
    client = staff("marketer")
    made = live(dana)
    assert client.get(url("promotion_edit", made)).status_code == 302
    assert client.post(url("promotion_edit", made), USUAL).status_code == 302
    delete = url("campaigns_promotion_delete", made)
    assert client.post(delete, {"post": "yes"}).status_code == 403


# --- Words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "spend_ladder",
            "Spend and save: ¥50.00 off from ¥300.00 · ¥120.50 off from ¥600.00.",
        ),
        ("spend_every", "¥10.00 off for every ¥100.00, at most 3 times."),
        ("percent", "12.5 % off."),
        ("amount", "¥5.00 off each piece."),
        ("one_price", "Each piece for ¥99.00."),
        ("buy_get", "Buy 2, get 1 free, the cheapest ones."),
        ("nth_item", "Of every 2 pieces one at 50 % off, the cheapest ones."),
        ("cheapest_free", "Of every 3 pieces one is free, the cheapest ones."),
        ("bundle", "Any 3 pieces together for ¥99.00."),
        ("gift", "2 × MUG as a gift."),
        ("free_freight", "Free delivery."),
        ("member_price", "A price 5 % lower. For members."),
        ("flash_price", "Each piece for ¥9.90; nothing else lowers it further."),
    ],
)
def test_each_kind_in_plain_words(kind, words):
    when = {"audience": ["member"]} if kind == "member_price" else {}
    recipe = read(kind, {"gives": TYPED[kind][1], "when": when})
    with override("en"):
        assert promotion_sentence(recipe, {}, {}) == words


def test_all_that_can_be_said_besides_in_plain_words():
    recipe = read(
        "percent",
        {
            "gives": {"percent_bp": 1_000},
            "goods": {"categories": [1], "not_skus": ["A"]},
            "when": {
                "least_spend_minor": 100,
                "least_units": 2,
                "audience": ["member", "tier:gold"],
                "nth_order": 1,
                "channels": ["app"],
                "weekdays": [7, 6],
                "since": "20:00",
            },
            "beside": {"cap_minor": 50, "is_alone": True, "skips_discounted": True},
        },
    )
    terms = {
        "limit_total": 7,
        "starts_at": "2026-11-21T04:00:00+00:00",
        "ends_at": "2026-11-22T04:00:00+00:00",
    }
    with override("en"):
        said = promotion_sentence(recipe, terms, {"categories": {1: "Tea"}})
    assert said.startswith(
        "10 % off. On: Tea. Not on: A. From a spend of ¥1.00. From 2 pieces on. "
        "For members · tier gold. For a first order only. In: app. "
        "On Saturday · Sunday. From 20:00 to 24:00. At most ¥0.50 an order. "
        "Not on what is reduced already. Not together with any other offer. "
        "7 uses in all. From "
    )
