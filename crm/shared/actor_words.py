"""Who did something, as staff read it: a login as it is, programs in words."""

from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring

#: Actors that are no logins -> what they are. The audit keeps the names themselves.
ACTORS: dict[str, Any] = {
    "member": _("the member"),
    "system": _("the shop"),
    "checkout": _("checkout"),
    "deadline": _("the deadline passed"),
    "silence": _("nobody complained"),
    "import": _("a file that was brought in"),
    "payment": _("a payment"),
    "plans": _("paid memberships"),
    "program": _("the points program"),
    "group": _("group buying"),
    "campaigns.coupons": _("coupons"),
    "campaigns.groups": _("group buying"),
    "close_points": _("the end of the month"),
    "loyalty.benefits": _("benefits"),
    "loyalty.referrals": _("referral program"),
    "loyalty.rewarding": _("earning rules"),
    "loyalty.rewards": _("rewards"),
    "members.merging": _("a merge of members"),
    "members.sign_in": _("sign-in"),
    "members.tasks.mark_dormant": _("the nightly work"),
    "orders.refunds": _("the shop"),
}


def actor_words(actor: str) -> str:
    """Return who did something; of somebody nobody knows the name itself."""
    kind, colon, name = actor.partition(":")
    if kind == "key" and colon:
        return str(_("server key %(name)s")) % {"name": name}
    if colon and kind in wiring.ACTOR_WORDS:
        return import_string(wiring.ACTOR_WORDS[kind])(name)
    return str(ACTORS.get(actor, actor))
