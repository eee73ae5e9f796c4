"""What stands in the sidebar, for whom, and which shop this is."""

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import capfirst
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


def sidebar(request: HttpRequest) -> list[dict]:
    """Return the sidebar: home, then sections with what this login may see."""
    home = {
        "title": _("Home"),
        "icon": "home",
        "link": reverse_lazy("admin:index"),
    }
    work = {
        "title": _("To do"),
        "icon": "checklist",
        "link": reverse_lazy("admin:work"),
        "permission": lambda request: sees_any(request.user),
    }
    machine = {
        "title": _("Time machine"),
        "icon": "schedule",
        "link": reverse_lazy("admin:clock"),
        "permission": lambda request: may_move_clock(request.user),
    }
    why_not = {
        "title": _("Why not?"),
        "icon": "help",
        "link": reverse_lazy("admin:why_not"),
        "permission": lambda request: may_ask_why_not(request.user),
    }
    sections = [
        {
            "title": title,
            "collapsible": False,
            "items": [_entry(label, icon) for label, icon in entries],
        }
        for title, entries in SECTIONS
    ]
    sections[-1]["items"].append(machine)
    return [{"items": [home, work, why_not]}, *sections]


def _entry(label: str, icon: str) -> dict:
    app, name = label.split(".")
    model = apps.get_model(app, name)

    def permission(request: HttpRequest) -> bool:
        user = request.user
        return user.has_perm(f"{app}.view_{name}") or user.has_perm(
            f"{app}.change_{name}"
        )

    return {
        "title": capfirst(model._meta.verbose_name_plural),
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": permission,
    }


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
