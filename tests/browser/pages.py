"""Every page of the console, from the URLconf: a new page cannot be forgotten."""

import contextlib

from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from campaigns.models import Backtest, CouponBatch, Segment
from crm.console.queries.work import WORK
from crm.shared.models import Job
from members.models import Merge
from orders.models import GiftCard, Order, Product

#: A walk over all pages is cut into so many tests, which may run side by side.
PARTS = 4


def console_pages(shop) -> list[str]:
    """Return the address of every page, with the first row of each table."""
    pages = [reverse(f"admin:{name}") for name in ("index", "clock", "password_change")]
    for model in admin.site._registry:
        name = model._meta.label_lower.replace(".", "_")
        pages.append(reverse(f"admin:{name}_changelist"))
        pages.append(reverse(f"admin:{name}_changelist") + "?q=nothing-like-this")
        row = model._default_manager.order_by("pk").first()
        if admin.site._registry[model].has_add_permission(_as(shop["users"]["admin"])):
            pages.append(reverse(f"admin:{name}_add"))
        if row is None:
            continue
        for page in ("change", "history"):
            pages.append(reverse(f"admin:{name}_{page}", args=[row.pk]))
        if admin.site._registry[model].has_delete_permission(
            _as(shop["users"]["admin"]), row
        ):
            pages.append(reverse(f"admin:{name}_delete", args=[row.pk]))
    busy = shop["busy"].public_id
    pages += [
        reverse("admin:member_page", args=[busy]),
        reverse("admin:members_member_changelist") + "?view=active&state__exact=active",
        reverse("admin:member_reveal", args=[busy, "phone"]),
        reverse(
            "admin:member_reveal_address",
            args=[busy, shop["busy"].addresses.get().public_id],
        ),
        reverse("admin:member_merge_with", args=[busy]),
        reverse("admin:member_merge", args=[busy, shop["members"][2].public_id]),
        reverse("admin:merge_undo", args=[Merge.objects.first().pk]),
        reverse("admin:duplicate_dismiss", args=[shop["pair"].pk]),
        *(
            reverse("admin:member_action", args=[busy, code])
            for code in (
                *("grant", "deduct", "coupon", "freeze", "consent", "tag", "suspend"),
                *("export_data", "erase", "pay_in", "pay_out", "pin_tier"),
                *("freeze_points", "unfreeze_points"),
            )
        ),
        reverse("admin:member_attributes", args=[busy]),
        reverse("admin:member_tier", args=[busy]),
        reverse("admin:ladder_version_effect", args=[shop["ladder_draft"].pk]),
        *(
            reverse(f"admin:product_{page}", args=[Product.objects.first().pk])
            for page in ("prices", "stock")
        ),
        reverse("admin:coupon_codes", args=[shop["template"].pk]),
        reverse("admin:segment_coupons", args=[Segment.objects.first().pk]),
        *(
            reverse("admin:campaigns_promotion_add") + f"?kind={kind}"
            for kind in ("spend_ladder", "gift", "flash_price")
        ),
        reverse("admin:promotion_edit", args=[shop["promotion"].pk]),
        reverse("admin:promotion_compare", args=[shop["changed"].pk, 1, 2]),
        reverse("admin:promotion_backtest", args=[shop["promotion"].pk]),
        reverse("admin:coupon_template_revoke", args=[shop["template"].pk]),
        reverse("admin:coupon_batch_revoke", args=[CouponBatch.objects.first().pk]),
        reverse("admin:gift_card_reveal", args=[GiftCard.objects.first().pk]),
        reverse("admin:order_ship", args=[shop["order"].pk]),
        reverse("admin:order_reveal_address", args=[shop["order"].pk]),
        *(
            reverse("admin:order_deed", args=[shop["order"].pk, code])
            for code in ("note", "ticket")
        ),
        reverse("admin:work"),
        reverse("admin:why_not"),
        reverse("admin:staff_discount", args=[shop["cart"].public_id]),
        reverse("admin:earning_simulator"),
        reverse("admin:points_signed_statement", args=[shop["busy"].pk]),
        reverse("admin:points_statement_check"),
        *(reverse("admin:work_queue", args=[code]) for code in WORK),
        reverse("admin:redemption_send"),
        reverse("admin:redemption_door"),
        reverse("admin:redemption_end", args=[shop["redemption"].pk]),
        reverse("admin:shipment_lose", args=[shop["parcel"].pk]),
        reverse("admin:shipment_packing_list", args=[shop["parcel"].pk]),
    ]
    with contextlib.suppress(NoReverseMatch):
        pages.append(
            reverse("admin:auth_user_password_change", args=[shop["users"]["admin"].pk])
        )
    return pages


def every_page(shop) -> list[str]:
    """Return all pages, with spreadsheets, fragments and what is asked for by name."""
    job, order = Job.objects.first(), Order.objects.first()
    names = ["members_member_import", "members_member_export", "orders_order_export"]
    names += ["orders_product_import", "orders_product_export", "order_import"]
    names += ["password_change_done"]
    more = [
        *(reverse(f"admin:{name}") for name in names),
        reverse("admin:order_refund", args=[order.pk]),
        reverse("admin:job_progress", args=[job.pk]),
        reverse("admin:backtest_progress", args=[Backtest.objects.first().pk]),
        reverse("admin:member_timeline", args=[shop["busy"].public_id]),
        reverse("admin:search") + "?s=nothing-like-this",
        reverse("admin:search") + f"?s={shop['busy'].number}",
    ]
    return list(dict.fromkeys([*console_pages(shop), *more]))


def part_of(pages: list[str], part: int) -> list[str]:
    """Return one of ``PARTS`` parts of the pages; together they are all of them.

    Neighbours, such as the pages of one table, go to different parts: pages of all
    kinds stand in each, and none takes much longer than the others.
    """
    return pages[part::PARTS]


def _as(user):
    return type("Request", (), {"user": user})()
