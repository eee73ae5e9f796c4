"""What stands in the sidebar, for whom, and which shop this is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.console.clock import may_move_clock
from crm.console.queries.work import sees_any
from crm.console.why_not import may_ask_why_not

#: Heading -> (model label, icon). Whoever may view the model sees the entry.
SECTIONS = [
    (
        _("Members"),
        [
            ("members.member", "group"),
            ("care.ticket", "support_agent"),
            ("members.duplicatepair", "person_search"),
            ("members.merge", "merge"),
            ("members.tag", "sell"),
            ("members.attributedefinition", "list_alt"),
            ("members.interest", "interests"),
            ("members.consent", "verified_user"),
            ("members.consenttext", "article"),
            ("shared.approval", "how_to_reg"),
            ("members.dataexport", "folder_zip"),
            ("members.erasure", "person_off"),
        ],
    ),
    (
        _("Orders"),
        [
            ("orders.order", "receipt_long"),
            ("orders.payment", "payments"),
            ("orders.shipment", "local_shipping"),
            ("orders.refund", "undo"),
            ("orders.wallet", "account_balance_wallet"),
            ("orders.walletentry", "receipt"),
            ("orders.giftcard", "card_giftcard"),
            ("orders.returnrequest", "assignment_return"),
            ("orders.unmatchedreturn", "help_center"),
            ("orders.adjustment", "balance"),
            ("orders.product", "inventory_2"),
            ("orders.stockmove", "inventory"),
            ("orders.category", "category"),
            ("orders.brand", "branding_watermark"),
            ("orders.attribute", "straighten"),
            ("orders.channel", "storefront"),
            ("orders.freightrule", "local_shipping"),
        ],
    ),
    (
        _("Loyalty"),
        [
            ("loyalty.pointsaccount", "account_balance_wallet"),
            ("loyalty.pointsentry", "history"),
            ("loyalty.pointsclose", "menu_book"),
            ("loyalty.reward", "redeem"),
            ("loyalty.rewardredemption", "local_mall"),
            ("loyalty.benefit", "workspace_premium"),
            ("loyalty.benefituse", "task_alt"),
            ("loyalty.benefitsanction", "block"),
            ("loyalty.tierchange", "trending_up"),
            ("loyalty.subscription", "card_membership"),
            ("loyalty.plan", "loyalty"),
            ("loyalty.earningrule", "add_circle"),
            ("loyalty.currency", "stars"),
            ("loyalty.ladder", "stairs"),
            ("loyalty.ladderversion", "edit_road"),
            ("loyalty.tier", "military_tech"),
            ("loyalty.program", "tune"),
            ("loyalty.referral", "group_add"),
            ("loyalty.referralprogram", "handshake"),
        ],
    ),
    (
        _("Marketing"),
        [
            ("campaigns.promotion", "percent"),
            ("campaigns.backtest", "query_stats"),
            ("campaigns.segment", "filter_alt"),
            ("campaigns.coupontemplate", "confirmation_number"),
            ("campaigns.coupon", "redeem"),
            ("campaigns.couponbatch", "qr_code_2"),
            ("campaigns.publiccode", "tag"),
            ("campaigns.budget", "savings"),
            ("campaigns.groupdeal", "groups"),
            ("campaigns.group", "diversity_3"),
            ("campaigns.message", "outbox"),
        ],
    ),
    (
        _("Analysis"),
        [
            ("reports.dailysales", "bar_chart"),
            ("loyalty.scoremonth", "diamond"),
            ("recommendations.boughttogether", "hub"),
            ("recommendations.popularity", "local_fire_department"),
        ],
    ),
    (
        _("System"),
        [
            ("shared.job", "pending_actions"),
            ("orders.importbatch", "upload_file"),
            ("shared.delivery", "local_shipping"),
            ("shared.fact", "event_note"),
            ("shared.auditentry", "policy"),
            ("shared.serverkey", "key"),
            ("members.retentionrun", "auto_delete"),
            ("members.user", "badge"),
            ("auth.group", "groups"),
        ],
    ),
]


#: Markup of Unfold (``unfold/helpers/app_list.html``).
_SECTION = (
    '<div class="hidden mb-1.5 has-[ol]:has-[li]:block">{}'
    '<ol class="flex flex-col gap-0.5 px-6">{}</ol></div>\n'
)
_TITLE = (
    '<h2 class="font-semibold flex flex-row group items-center mb-1 mx-3 py-1.5 px-3 '
    "select-none text-font-important-light text-sm dark:text-font-important-dark"
    '">{}</h2>'
)
_ENTRY = (
    '<li><a href="{}" class="flex h-[38px] items-center -mx-3 px-3 rounded-default '
    'hover:text-primary-600 dark:hover:text-primary-500 {}">'
    '<span class="material-symbols-outlined md-18 mr-3 w-[18px]">{}</span>'
    "<span>{}</span></a></li>\n"
)
_HERE = (
    "bg-base-100 font-semibold text-primary-600 dark:bg-white/[.06] "
    "dark:text-primary-500 active"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the sidebar, written out for elsewhere and for where one is."""

    link: str
    may_see: Callable[[Any], bool]
    elsewhere: SafeString
    here: SafeString

    is_home: bool

    def shown(self, path: str) -> SafeString:
        """Return it as it stands on a page at this path."""
        is_here = path == self.link if self.is_home else self.link in path
        return self.here if is_here else self.elsewhere


def sidebar(request: HttpRequest) -> list[SafeString]:
    """Return the sections of the sidebar, with what this login may see."""
    sections = []
    for title, entries in _sections(get_language()):
        shown = [e.shown(request.path) for e in entries if e.may_see(request.user)]
        if shown:
            entries_of = format_html_join("", "{}", ((entry,) for entry in shown))
            sections.append(format_html(_SECTION, title, entries_of))
    return sections


@cache
def _sections(language: str) -> list[tuple[SafeString, list[_Entry]]]:
    """Return the titles and entries of all sections: the same for everybody."""
    first = [
        _entry("index", "home", _("Home"), lambda user: True),
        _entry("work", "checklist", _("To do"), sees_any),
        _entry("why_not", "help", _("Why not?"), may_ask_why_not),
    ]
    sections = [
        (
            format_html(_TITLE, title),
            [_list_entry(label, icon) for label, icon in entries],
        )
        for title, entries in SECTIONS
    ]
    machine = _entry("clock", "schedule", _("Time machine"), may_move_clock)
    sections[-1][1].append(machine)
    return [(mark_safe(""), first), *sections]


def _list_entry(label: str, icon: str) -> _Entry:
    app, name = label.split(".")
    title = capfirst(apps.get_model(app, name)._meta.verbose_name_plural)
    rights = f"{app}.view_{name}", f"{app}.change_{name}"

    def may_see(user: Any) -> bool:
        return any(user.has_perm(right) for right in rights)

    return _entry(f"{app}_{name}_changelist", icon, title, may_see)


def _entry(page: str, icon: str, title: Any, may_see: Callable[[Any], bool]) -> _Entry:
    link = reverse(f"admin:{page}")
    elsewhere, here = (
        format_html(_ENTRY, link, mark, icon, title) for mark in ("", _HERE)
    )
    return _Entry(link, may_see, elsewhere, here, is_home=page == "index")


def environment(request: HttpRequest) -> list | None:
    """Return the badge of a shop that is not the real one."""
    if settings.ENVIRONMENT == "demo":
        return [_("Demo"), "warning"]
    if settings.ENVIRONMENT == "test":
        return [_("Test"), "info"]
    return None


def environment_title(request: HttpRequest) -> str | None:
    """Return what stands before page titles of a shop that is not the real one."""
    label = environment(request)
    return f"[{label[0]}]" if label else None


def style(request: HttpRequest) -> str:
    """Return the address of our style sheet."""
    return static("console.css")


def script(request: HttpRequest) -> str:
    """Return the address of our script."""
    return static("console.js")


def favicon(request: HttpRequest) -> str:
    """Return the address of our icon."""
    return static("console.svg")
