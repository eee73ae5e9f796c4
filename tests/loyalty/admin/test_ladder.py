"""The pages of ladders: begin a draft, see what it would do, publish, go back."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from crm.shared.clock import now
from crm.shared.models import Approval
from loyalty.models import Ladder, LadderVersion, Tier, TierStanding, VersionRung
from loyalty.queries.tiers import tier_progress
from loyalty.services.earning import earn_for_order
from loyalty.services.versioning import begin_draft
from tests.cast import make_user
from tests.loyalty.books import account_of, paid_order
from tests.staff import client_in_role, client_of

MANAGER, LOOKER = "loyalty manager", "analyst"


@pytest.fixture
def gold(alice):
    order = paid_order(alice, 150_000, at=now() - timedelta(days=2))
    earn_for_order(order_id=order.pk, now=now())
    return alice


@pytest.fixture
def draft(gold):
    ladder = Ladder.objects.get(code="main")
    version = begin_draft(ladder_id=ladder.pk, actor="test", now=now())
    VersionRung.objects.filter(version=version, code="gold").update(
        threshold_minor=200_000
    )
    LadderVersion.objects.update(falls="at_once")
    return version


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def step(client, draft, what):
    url = page("ladder_version_step", draft.pk)
    return client.post(url, {"step": what, "reason": "spring"})


def test_a_draft_is_begun_edited_tried_and_published(gold):
    client = client_in_role(MANAGER)
    ladder = Ladder.objects.get(code="main")
    shown = client.get(page("loyalty_ladder_change", ladder.pk))
    assert b"<svg" in shown.content

    client.post(page("ladder_draft", ladder.pk))
    version = LadderVersion.objects.get()
    form = client.get(page("loyalty_ladderversion_change", version.pk))
    assert form.status_code == 200
    assert version.rungs.count() == 4

    VersionRung.objects.filter(code="gold").update(threshold_minor=200_000)
    effect = client.get(page("ladder_version_effect", version.pk)).content.decode()
    assert "2,000.00" in effect

    step(client, version, "publish")
    assert Tier.objects.get(code="gold").threshold_minor == 200_000
    version.refresh_from_db()
    assert version.state == "live"
    fixed = client.post(page("loyalty_ladderversion_change", version.pk), {})
    assert fixed.status_code == 403, "what is in force is no draft"


@pytest.mark.parametrize("role", [MANAGER, LOOKER, "support"])
def test_what_nobody_may_change_is_read_in_words(draft, role):
    """The form would show it, too, thresholds in minor units."""
    client = client_in_role(role)
    if role == MANAGER:
        step(client, draft, "publish")
    form = client.get(page("loyalty_ladderversion_change", draft.pk))
    may_look = client.get(page("loyalty_ladderversion_changelist")).status_code == 200
    assert form.status_code == (302 if may_look else 403)
    if may_look:
        assert form["Location"] == page("ladder_version_effect", draft.pk)
        assert "2,000.00" in client.get(form["Location"]).content.decode()


def test_what_it_would_do_is_said_in_words_and_in_a_table(draft):
    client = client_in_role(MANAGER)
    found = client.get(
        page("ladder_version_effect", draft.pk), headers={"accept-language": "en"}
    ).content.decode()
    assert "Of 1 members 0 would rise and 1 would fall" in found
    assert "brought 100.0 % of all sales" in found


@pytest.mark.parametrize("role", sorted(ROLES))
def test_only_who_may_publishes_discards_and_drafts(draft, role):
    client = client_in_role(role)
    ladder = page("ladder_draft", draft.ladder_id)
    rights = ROLES[role]
    for url, body, right in [
        (ladder, {}, "loyalty.add_ladderversion"),
        (
            page("ladder_version_step", draft.pk),
            {"step": "publish"},
            "loyalty.publish_ladderversion",
        ),
        (page("ladder_version_effect", draft.pk), None, "loyalty.view_ladderversion"),
    ]:
        if right not in rights:
            answer = client.get(url) if body is None else client.post(url, body)
            assert answer.status_code == 403
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_draft_that_makes_no_ladder_says_why_and_stays(draft):
    client = client_in_role(MANAGER)
    VersionRung.objects.filter(code="member").update(threshold_minor=1)
    shown = client.get(page("ladder_version_effect", draft.pk)).content.decode()
    assert 'value="publish"' not in shown
    step(client, draft, "publish")
    draft.refresh_from_db()
    assert draft.state == "draft"


def typed(client, draft, **changed):
    """Return the form of a draft as a browser would send it."""
    shown = client.get(page("loyalty_ladderversion_change", draft.pk))
    form = shown.context["adminform"].form
    (rungs,) = shown.context["inline_admin_formsets"]
    parts = [form, rungs.formset.management_form, *rungs.formset.initial_forms]
    sent = {}
    for part in parts:
        for field in part:
            value = field.value()
            if value is True:
                sent[field.html_name] = "on"
            elif value is not None and value is not False:
                sent[field.html_name] = value
    return sent | changed


def threshold_of(draft, code):
    """Return the name of the field of a threshold in the form."""
    codes = list(draft.rungs.order_by("threshold_minor").values_list("code", flat=True))
    return f"rungs-{codes.index(code)}-threshold_minor"


def test_what_is_typed_is_counted_before_it_is_saved(draft):
    client = client_in_role(MANAGER)
    VersionRung.objects.filter(code="gold").update(threshold_minor=100_000)
    form = client.get(page("loyalty_ladderversion_change", draft.pk)).content.decode()
    url = page("ladder_version_try", draft.pk)
    assert f'hx-post="{url}"' in form
    assert f'formaction="{url}"' in form, "without a script by a button"
    sent = typed(client, draft, **{threshold_of(draft, "gold"): "2000"})

    part = client.post(
        url, sent, headers={"accept-language": "en", "hx-request": "true"}
    ).content.decode()

    assert "0 would rise and 1 would fall" in part
    assert "In a year like the last one it saves ¥4.50." in part
    assert "<html" not in part
    assert draft.rungs.get(code="gold").threshold_minor == 100_000, "nothing is saved"
    whole = client.post(url, sent, headers={"accept-language": "en"}).content.decode()
    assert "<html" in whole
    assert "1 would fall" in whole


def test_what_is_not_complete_says_what_is_missing(draft):
    client = client_in_role(MANAGER)
    url = page("ladder_version_try", draft.pk)
    bad = typed(client, draft, **{threshold_of(draft, "gold"): "many"})
    answer = client.post(url, bad, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert "Threshold: Enter an amount such as 12.30." in answer.content.decode()
    same = typed(client, draft, **{threshold_of(draft, "gold"): "500.00"})
    answer = client.post(url, same, headers={"accept-language": "en"})
    assert "Two tiers have the same threshold." in answer.content.decode()
    less = {threshold_of(draft, "gold").replace("threshold_minor", "DELETE"): "on"}
    answer = client.post(url, typed(client, draft, **less))
    assert "Gold" not in answer.context["columns"][-1:]
    assert draft.rungs.count() == 4


@pytest.mark.parametrize("role", sorted(ROLES))
def test_only_who_may_change_a_draft_tries_it(draft, role):
    client = client_in_role(role)
    answer = client.post(page("ladder_version_try", draft.pk), {})
    may = "loyalty.change_ladderversion" in ROLES[role]
    assert answer.status_code == (200 if may else 403)


def test_a_draft_that_costs_many_their_tier_is_published_by_two(draft, settings):
    settings.LADDER_FALL_LIMIT = 0
    english = {"accept-language": "en"}
    client = client_in_role(MANAGER)
    effect = page("ladder_version_effect", draft.pk)
    before = client.get(effect, headers=english).content.decode()
    assert "to publish it somebody else must agree" in before
    step(client, draft, "publish")
    asked = Approval.objects.get(kind="loyalty.ladder")
    assert Tier.objects.get(code="gold").threshold_minor == 100_000

    shown = client.get(effect, headers=english).content.decode()
    assert "It waits for somebody else to agree." in shown
    assert 'value="publish"' not in shown
    assert 'value="discard"' not in shown
    changed = client.post(page("loyalty_ladderversion_change", draft.pk), {})
    assert changed.status_code == 403, "it stays as it was asked for"
    client.post(page("approval_approve", asked.pk), {})
    assert Tier.objects.get(code="gold").threshold_minor == 100_000, "one's own"

    second = make_user("second", is_staff=True)
    second.groups.add(*asked.author.groups.all())
    other = client_of(second)
    request = other.get(page("shared_approval_change", asked.pk), headers=english)
    assert "1 member loses their tier" in request.content.decode()
    assert f'href="{effect}"' in request.content.decode()
    other.post(page("approval_approve", asked.pk), {})
    assert Tier.objects.get(code="gold").threshold_minor == 200_000


@pytest.mark.parametrize("role", sorted(ROLES))
def test_who_may_not_publish_does_not_agree_either(draft, settings, role):
    settings.LADDER_FALL_LIMIT = 0
    step(client_in_role(MANAGER), draft, "publish")
    asked = Approval.objects.get(kind="loyalty.ladder")
    rights = {"shared.change_approval", "loyalty.publish_ladderversion"}
    if not rights <= set(ROLES[role]):
        answer = client_in_role(role).post(page("approval_approve", asked.pk), {})
        assert answer.status_code == 403
        asked.refresh_from_db()
        assert asked.state == "waiting"


def test_a_draft_is_thrown_away(draft):
    step(client_in_role(MANAGER), draft, "discard")
    assert not LadderVersion.objects.exists()


def test_one_goes_back_by_a_draft_of_the_older_version(draft):
    client = client_in_role(MANAGER)
    step(client, draft, "publish")
    past = LadderVersion.objects.get(state="past")
    client.post(page("ladder_draft", draft.ladder_id), {"of": past.pk})
    again = LadderVersion.objects.get(state="draft")
    assert again.rungs.get(code="gold").threshold_minor == 100_000


# --- Members ----------------------------------------------------------------------


def deed(client, member, code, **data):
    url = page("member_action", member.public_id, code)
    return client.post(url, {"reason": "a friend", "request_key": "k", **data})


def test_t10_staff_hold_a_member_on_a_tier_and_let_go(gold):
    client = client_in_role(MANAGER)
    silver = Tier.objects.get(code="silver")

    deed(client, gold, "pin_tier", tier=silver.pk)

    assert account_of(gold).tier.code == "silver"
    member_page = client.get(
        page("member_page", gold.public_id), headers={"accept-language": "en"}
    ).content.decode()
    assert "Held by staff until somebody lets go." in member_page
    deed(client, gold, "unpin_tier", ladder=silver.ladder_id)
    assert account_of(gold).tier.code == "gold"
    assert not tier_progress(gold.pk, now()).is_pinned


def test_who_may_not_hold_members_is_refused(gold):
    client = client_in_role("support")
    answer = deed(client, gold, "pin_tier", tier=Tier.objects.first().pk)
    assert answer.status_code == 403
    assert not TierStanding.objects.exists()


def test_staff_read_why_a_member_had_a_tier_on_a_day(gold):
    client = client_in_role(LOOKER)
    url = page("member_tier", gold.public_id)
    english = {"accept-language": "en"}
    shown = client.get(url, headers=english).content.decode()
    assert "it was Gold: an order was paid" in shown
    before = client.get(f"{url}?on=2020-01-01", headers=english).content.decode()
    assert "Until then the tier had never changed." in before
    assert client_in_role("finance").get(url).status_code == 403


def test_thresholds_are_typed_as_what_is_counted(draft):
    client = client_in_role(MANAGER)
    name = threshold_of(draft, "gold")
    sent = typed(client, draft)
    assert sent[name] == "2000.00", "money"
    # As soon as orders are counted, the same field means a number of them.
    sent |= {"metric": "orders", name: "12"}
    for code, number in {"member": 0, "silver": 3, "platinum": 40}.items():
        sent[threshold_of(draft, code)] = str(number)
    client.post(page("loyalty_ladderversion_change", draft.pk), sent)
    assert draft.rungs.get(code="gold").threshold_minor == 12
    shown = typed(client, draft)
    assert shown[name] == 12
    assert (
        "¥"
        not in client.get(page("ladder_version_effect", draft.pk)).context["rungs"][2][
            "from"
        ]
    )


def test_the_second_threshold_is_typed_as_what_it_counts(draft):
    client = client_in_role(MANAGER)
    field = threshold_of(draft, "gold").replace("threshold_minor", "also_")
    sent = typed(client, draft)
    sent |= {f"{field}metric": "spend", f"{field}threshold": "99.50"}
    client.post(page("loyalty_ladderversion_change", draft.pk), sent)
    assert draft.rungs.get(code="gold").also_threshold == 9_950
    sent |= {f"{field}metric": "orders", f"{field}threshold": "99.50"}
    answer = client.post(page("loyalty_ladderversion_change", draft.pk), sent)
    assert answer.status_code == 200, "no half orders"
    assert draft.rungs.get(code="gold").also_threshold == 9_950


def test_tiers_and_their_changes_are_read_in_words(gold):
    client = client_in_role(LOOKER)
    Ladder.objects.update(metric="orders")
    Tier.objects.filter(code="gold").update(threshold_minor=12)
    tiers = client.get(page("loyalty_tier_changelist")).content.decode()
    assert ">12<" in tiers
    assert "¥0.12" not in tiers
    english = {"accept-language": "en"}
    changes = client.get(page("loyalty_tierchange_changelist"), headers=english)
    assert "an order was paid" in changes.content.decode()
