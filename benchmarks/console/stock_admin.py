"""The peer: the lists as a team would write them with Django's admin alone.

Everything is Django's default, except what every team writes: the related rows of
a list come in its one query, and pages have the 25 rows that ours have. Names and
phones stand in a table in clear, because substring search needs them so; sealed
columns are not even fetched.
"""

from django.contrib import admin
from django.db import models
from django.urls import path

from loyalty.models import MemberValue, PointsAccount, PointsEntry, TierChange
from members.models import Member
from orders.models import Order


class PlainMember(models.Model):
    """What is sealed in the member's row, in clear."""

    member = models.OneToOneField(
        Member, on_delete=models.PROTECT, primary_key=True, related_name="plain"
    )
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=20)
    email = models.CharField(max_length=254)
    initials = models.CharField(max_length=20)

    class Meta:
        app_label = "members"
        managed = False
        db_table = "benchmark_plainmember"

    def __str__(self):
        return self.name


class ReadOnly:
    """A page to read, as ours are."""

    list_per_page = 25

    def has_add_permission(self, request, obj=None):
        """Refuse."""
        return False

    def has_change_permission(self, request, obj=None):
        """Refuse."""
        return False


class AccountInline(ReadOnly, admin.StackedInline):
    """Points of the member."""

    model = PointsAccount


class ValueInline(ReadOnly, admin.StackedInline):
    """Worth of the member."""

    model = MemberValue


class OrderInline(ReadOnly, admin.TabularInline):
    """Orders of the member."""

    model = Order
    fields = ["number", "placed_at", "state", "total_minor"]
    ordering = ["-placed_at"]


class TierChangeInline(ReadOnly, admin.TabularInline):
    """Tiers of the member."""

    model = TierChange
    fields = ["occurred_at", "to_tier", "reason"]


class MemberAdmin(ReadOnly, admin.ModelAdmin):
    """Members, with our columns, filters and searches."""

    list_display = [
        "who",
        "number",
        "tier",
        "state",
        "points",
        "spend",
        "last_order",
    ]
    list_select_related = ["plain", "points_account__tier", "value"]
    list_filter = ["state", "points_account__tier", "tags", "city", "joined_at"]
    search_fields = [
        "number",
        "plain__name",
        "plain__phone",
        "plain__email",
        "plain__initials",
    ]
    ordering = ["-joined_at", "-id"]
    fields = ["number", "public_id", "state", "gender", "region", "joined_at", "plain"]
    readonly_fields = ["plain"]
    inlines = [AccountInline, ValueInline, OrderInline, TierChangeInline]

    def get_queryset(self, request):
        """Leave sealed columns and their indexes out."""
        sealed = ["name", "name_tokens", "phone", "phone_index", "phone_tail_index"]
        sealed += ["email", "email_index", "birthday"]
        return super().get_queryset(request).defer(*sealed)

    def who(self, member):
        """Return name and phone."""
        return f"{member.plain.name} {member.plain.phone}"

    def plain(self, member):
        """Return name, phone and address."""
        return f"{member.plain.name} {member.plain.phone} {member.plain.email}"

    def tier(self, member):
        """Return the tier."""
        return member.points_account.tier

    def points(self, member):
        """Return what can be spent."""
        return member.points_account.available

    @admin.display(ordering="value__net_minor")
    def spend(self, member):
        """Return the lifetime spend."""
        value = getattr(member, "value", None)
        return value and f"{value.net_minor / 100:,.2f}"

    @admin.display(ordering="value__last_order_at")
    def last_order(self, member):
        """Return when the newest order was placed."""
        value = getattr(member, "value", None)
        return value and value.last_order_at


class PointsEntryAdmin(ReadOnly, admin.ModelAdmin):
    """The ledger."""

    list_display = [
        "occurred_at",
        "member",
        "kind",
        "points",
        "balance_after",
        "source",
        "reason",
        "actor",
    ]
    list_select_related = ["account__member"]
    list_filter = ["kind", "occurred_at"]
    search_fields = ["account__member__number", "public_id"]
    ordering = ["-occurred_at", "-id"]

    def member(self, entry):
        """Return whose points moved."""
        return entry.account.member.number


class OrderAdmin(ReadOnly, admin.ModelAdmin):
    """Orders."""

    list_display = [
        "number",
        "placed_at",
        "member",
        "state",
        "channel",
        "total_minor",
        "refunded_minor",
        "region",
    ]
    list_select_related = ["member", "channel"]
    list_filter = ["state", "channel", "placed_at"]
    search_fields = ["number", "member__number"]
    ordering = ["-placed_at", "-id"]


site = admin.AdminSite()
site.register(Member, MemberAdmin)
site.register(PointsEntry, PointsEntryAdmin)
site.register(Order, OrderAdmin)

urlpatterns = [path("admin/", site.urls)]
