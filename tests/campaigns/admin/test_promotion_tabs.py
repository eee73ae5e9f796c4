"""Two who look at one draft: nobody publishes or overwrites what they have not seen."""

from django.urls import reverse

from campaigns.models import Promotion
from campaigns.services.drafting import write_draft
from tests.campaigns.admin.test_promotion import draft, url
from tests.campaigns.recipes import of_kind
from tests.cast import NOON

SAID = "Somebody changed it since you looked at it."


def posted(page) -> dict:
    """Return what the form of a page would send."""
    form = page.context["form"]
    values = {each.html_name: each.value() for each in form}
    told = {name: value for name, value in values.items() if value not in (None, "")}
    told |= {"starts_at_0": "2026-11-21", "starts_at_1": "12:00"}
    return told | {"seen": page.context["seen"], "gives_percent_bp": "10"}


def more(promotion, actor) -> None:
    half = of_kind("percent", {"percent_bp": 5_000})
    write_draft(promotion_id=promotion.pk, content=half, actor=actor, now=NOON)


def test_1_8_what_was_not_seen_is_not_published(staff, dana):
    client, made = staff("marketer"), draft(dana)
    page = client.get(url("campaigns_promotion_change", made))
    seen = page.context["seen"]
    assert f'name="seen" value="{seen}"' in page.content.decode()
    more(made, dana)
    told = {"step": "publish", "reason": "spring"}
    where = reverse("admin:promotion_step", args=[made.pk])
    said = client.post(where, told | {"seen": seen})
    assert SAID in said.content.decode()
    assert Promotion.objects.get().state == "draft"
    told["seen"] = said.context["seen"]
    assert client.post(where, told).status_code == 302
    assert Promotion.objects.get().state == "live"


def test_1_8_a_form_does_not_overwrite_what_it_has_not_shown(staff, dana):
    client, made = staff("marketer"), draft(dana)
    where = url("promotion_edit", made)
    told = posted(client.get(where))
    more(made, dana)
    said = client.post(where, told)
    assert SAID in said.content.decode()
    assert f'value="{told["seen"]}"' in said.content.decode(), "it stays so"
    assert Promotion.objects.get().recipe["gives"] == {"percent_bp": 5_000}
    assert client.post(where, posted(client.get(where))).status_code == 302
    assert Promotion.objects.get().recipe["gives"] == {"percent_bp": 1_000}
