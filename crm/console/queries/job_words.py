"""What kinds of background jobs, and their results, are called on screen."""

from django.utils.translation import gettext_lazy as _

#: Kind of job (a key of ``crm.wiring.JOBS``) -> its name.
KINDS = {
    "orders.import": _("Import of orders"),
    "campaigns.backtest": _("Back-test"),
    "campaigns.make_codes": _("Making coupon codes"),
    "campaigns.revoke_coupons": _("Revoking coupons"),
    "campaigns.refresh_segment": _("Looking who is in a segment"),
    "campaigns.issue_to_segment": _("Coupons for a segment"),
    "console.advance_clock": _("Moving the clock"),
    "console.bulk_deed": _("One deed for many members"),
    "members.export_data": _("Copy of personal data"),
    "members.erase": _("Erasure of a person"),
    "members.find_duplicates": _("Search for duplicates"),
}
#: Key of a job's result or of its files -> its name.
RESULTS = {
    "done": _("Done"),
    "is_repeat": _("Repeated"),
    "rows_read": _("Rows read"),
    "rows_stored": _("Rows stored"),
    "rows_reported": _("Rows reported"),
    "members": _("Members"),
    "products": _("Products"),
    "orders": _("Orders"),
    "order_lines": _("Order lines"),
    "refunds": _("Refunds"),
    "refund_lines": _("Refund lines"),
    "unmatched_returns": _("Unmatched returns"),
    "adjustments": _("Adjustments"),
    "report": _("Error file"),
    "codes": _("codes"),
    "coupons": _("Coupons revoked"),
    "touched": _("Orders touched"),
    "issued": _("Coupons given"),
    "had_it": _("Had theirs before"),
    "too_late": _("None left for them"),
    "skipped": _("Held or used, not revoked"),
    "pairs": _("possible duplicates"),
}
