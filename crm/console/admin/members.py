"""The member list with its views, the form behind "Edit", and the way to the page."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import Q
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateFilter,
    TextFilter,
)
from unfold.decorators import display

from crm.console.admin.bulk_actions import BulkActionsMixin
from crm.console.admin.member_addresses import address_urls
from crm.console.admin.member_attributes import attribute_urls
from crm.console.admin.member_form import MemberForm, save_member
from crm.console.admin.member_page import member_urls
from crm.console.admin.member_tier import member_tier_urls
from crm.console.admin.new_member_form import SOURCE, NewMemberForm
from crm.console.admin.saved_views import SavedViewsMixin
from crm.console.queries.members import (
    may_see_masked,
    member_condition,
    shown_name,
)
from crm.console.rules.masking import mask_phone
from crm.shared.admin import AuditedAdmin
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_filters import RelatedFilter
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    StaffAdmin,
    labelled,
    money_column,
)
from crm.shared.staff_pages import WalkedList, names_in
from crm.shared.staff_spreadsheets import (
    ExportAdmin,
    ExportWithReasonForm,
    ImportAdmin,
)
from loyalty.queries.points import available_points
from members.models import Member, MemberTag
from members.resources import MemberResource
from members.services.joining import join
from members.services.revealing import reveal_form

NEW_DAYS = 30
DORMANT_DAYS = 90


class ViewFilter(admin.SimpleListFilter):
    """The built-in views of the member list, as tabs."""

    title = _("view")
    parameter_name = "view"

    def lookups(self, request, model_admin):
        """Name the views."""
        return [
            ("new", _("New (30 days)")),
            ("active", _("Active")),
            ("dormant", _("Dormant (90 days)")),
            ("birthday", _("Birthday this month")),
        ]

    def queryset(self, request, queryset):
        """Narrow the list to one view."""
        at = now()
        long_ago = at - timedelta(days=DORMANT_DAYS)
        wanted = {
            "new": Q(joined_at__gte=at - timedelta(days=NEW_DAYS)),
            "active": Q(value__last_order_at__gte=long_ago),
            "dormant": Q(value__last_order_at__lt=long_ago),
            "birthday": Q(birth_month=localdate(at).month),
        }.get(self.value())
        return queryset if wanted is None else queryset.filter(wanted)


class StandingTagFilter(RelatedFilter):
    """Members by tag; a tag whose end has come no longer counts."""

    def queryset(self, request, queryset):
        """Narrow the list to members with the tag now."""
        if not self.value():
            return queryset
        standing = MemberTag.objects.standing(now()).filter(
            **{
                "tag__" + path.removeprefix("tags__"): value[-1]
                for path, value in self.used_parameters.items()
            }
        )
        return queryset.filter(pk__in=standing.values("member_id"))


class CityFilter(TextFilter):
    """Members by the beginning of their city: 杭州 finds 杭州市, suzhou Suzhou."""

    title = _("city")
    parameter_name = "city"

    def queryset(self, request, queryset):
        """Narrow the list; an index serves the beginning of what was written."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        as_typed, as_a_name = Q(city__startswith=text), Q(city__startswith=text.title())
        return queryset.filter(as_typed | as_a_name)


class MemberChangeList(WalkedList):
    """Sorted by what members bought, it holds those who bought.

    Others would come before the best buyer, as the database sorts what is missing
    above every number, and no index would serve the order.
    """

    def get_queryset(self, request, exclude_parameters=None):
        """Ask for a value where the order does."""
        rows = super().get_queryset(request, exclude_parameters)
        order = names_in(rows.query.order_by)
        by_value = [name for name in order if name.startswith("value__")]
        self.never_null = frozenset(by_value)
        return rows.filter(**{f"{name}__isnull": False for name in by_value})


@admin.register(Member)
class MemberAdmin(
    BulkActionsMixin, SavedViewsMixin, ImportAdmin, ExportAdmin, StaffAdmin
):
    """Members. The first column opens the page; the form is for corrections."""

    when_empty = _(
        "Who joins stands here: in the app, from other systems, or in a file "
        "you import."
    )

    list_display = [
        "who",
        "number",
        "tier_label",
        "state_label",
        "points",
        "spend",
        "last_order",
    ]
    list_display_links = None
    list_select_related = ["points_account__tier", "value"]
    list_reads = (
        *("public_id", "number", "state", "name", "phone"),
        *(f"points_account__{name}" for name in ("balance", "held", "is_frozen")),
        *(f"points_account__tier__{name}" for name in ("name", "name_en", "color")),
        *("value__net_minor", "value__last_order_at"),
    )
    list_filter = [
        ViewFilter,
        ("state", ChoicesDropdownFilter),
        ("points_account__tier", RelatedFilter),
        ("tags", StandingTagFilter),
        CityFilter,
        ("joined_at", RangeDateFilter),
    ]
    search_fields = ["number"]
    search_help_text = _("Number, phone, last four digits, e-mail, name or initials")
    ordering = ["-joined_at", "-id"]
    form = MemberForm
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("number", "public_id"),
                    ("name", "nickname"),
                    "gender",
                    "seen_version",
                ]
            },
        ),
        (_("Contact"), {"fields": [("phone", "email"), ("birthday", "language")]}),
        (
            _("Profile"),
            {"fields": ["city", ("occupation", "education"), "interests", "bio"]},
        ),
        (_("Origin"), {"fields": [("source", "region"), "joined_at"]}),
    ]
    add_fieldsets = [
        (None, {"fields": [("name", "gender")]}),
        (_("Contact"), {"fields": [("phone", "email"), ("birthday", "language")]}),
        (_("Origin"), {"fields": [("region", "invitation_code")]}),
    ]
    readonly_fields = ["number", "public_id", "source", "joined_at"]
    resource_classes = [MemberResource]

    spend = money_column("value__net_minor", _("lifetime spend"))

    def get_changelist(self, request, **kwargs):
        """Use the list that sorts by value well."""
        return MemberChangeList

    def get_queryset(self, request):
        """Leave columns out that the list does not show; add spendable points."""
        rows = super().get_queryset(request)
        rows = rows.annotate(spendable=available_points(now()))
        return rows.defer("name_tokens", "birthday", "email", "nickname", "bio")

    def get_search_results(self, request, queryset, search_term):
        """Look where the shape of the text says, by one index."""
        if not search_term.strip():
            return queryset, False
        personal = may_see_masked(request.user)
        return queryset.filter(member_condition(search_term, personal=personal)), False

    @admin.display(description=_("member"))
    def who(self, member: Member) -> str:
        """Return name and masked phone, linked to the page, or the number alone."""
        return format_html(
            '<a class="cs-who" data-value href="{}">{}<small>{}</small></a>',
            reverse("admin:member_page", args=[member.public_id]),
            member.shown or member.number,
            member.shown_phone,
        )

    @admin.display(description=_("tier"), empty_value="–")
    def tier_label(self, member: Member) -> str | None:
        """Return the tier as a badge of its colour."""
        account = getattr(member, "points_account", None)
        if account is None or account.tier is None:
            return None
        return format_html(
            '<span class="cs-tier" data-value><i style="background:{}"></i>{}</span>',
            account.tier.color,
            account.tier.label,
        )

    @display(
        description=_("state"),
        label={
            "pending": BUSY,
            "active": GOOD,
            "frozen": CALM,
            "dormant": CALM,
            "closed": BAD,
            "merged": BAD,
            "erased": BAD,
        },
    )
    def state_label(self, member: Member) -> tuple[str, str]:
        """Return where the membership stands."""
        return labelled(member, "state")

    @admin.display(description=_("available points"), empty_value="–")
    def points(self, member: Member) -> str | None:
        """Return what can be spent now (P2)."""
        if getattr(member, "points_account", None) is None:
            return None
        return f"{member.spendable:,d}"

    @admin.display(
        description=_("last order"),
        ordering="value__last_order_at",
        empty_value="–",
    )
    def last_order(self, member: Member):
        """Return the day of the newest order."""
        value = getattr(member, "value", None)
        return localdate(value.last_order_at) if value and value.last_order_at else None

    def get_changelist_instance(self, request):
        """Give every row the name this login may see."""
        changelist = super().get_changelist_instance(request)
        masked = may_see_masked(request.user)
        for member in changelist.result_list:
            member.shown = shown_name(member, request.user)
            member.shown_phone = mask_phone(member.phone) if masked else ""
        return changelist

    def get_urls(self):
        """Add the page of one member and what can be done there."""
        own = member_urls(self) + attribute_urls(self) + address_urls(self)
        own += member_tier_urls(self)
        return own + super().get_urls()

    def get_export_form_class(self):
        """Offer clear text; the resource refuses whoever may not have it."""
        return ExportWithReasonForm

    def get_export_resource_kwargs(self, request, **kwargs):
        """Say who takes the members out, how and why."""
        form = kwargs.get("export_form")
        wanted = form.cleaned_data if form is not None else {}
        return {
            "user": request.user,
            "clear": bool(wanted.get("clear")),
            "reason": wanted.get("reason", ""),
        }

    def export_action(self, request):
        """Take members out; a refusal is a sentence above the list."""
        try:
            return super().export_action(request)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:members_member_changelist")

    def get_export_queryset(self, request):
        """Fetch the columns the list leaves out."""
        return super().get_export_queryset(request).defer(None)

    def has_change_permission(self, request, obj=None) -> bool:
        """The form shows personal data in clear: only for those who may see it."""
        return super().has_change_permission(request, obj) and request.user.has_perm(
            "members.view_pii"
        )

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Open the form for those who may use it, the page for all others.

        The form shows everything in clear, so opening it counts as a reveal.
        """
        member = self.get_object(request, object_id)
        if member is not None and self.has_view_permission(request, member):
            page = redirect("admin:member_page", member.public_id)
            if not self.has_change_permission(request):
                return page
            if request.method == "GET":
                try:
                    reveal_form(member_id=member.pk, actor=request.user, now=now())
                except Refusal as refusal:
                    messages.error(request, str(refusal))
                    return page
        return super().change_view(request, object_id, form_url, extra_context)

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: members are closed or erased, never deleted."""
        return False

    def get_fieldsets(self, request, obj=None):
        """Leave out what only members who are there have."""
        return self.fieldsets if obj else self.add_fieldsets

    def refused(self, request, refusal: Refusal, *form):
        """Show the form again, as it was typed."""
        request.refusal = refusal
        return self.changeform_view(request, *form)

    def get_form(self, request, obj=None, change=False, **kwargs):
        """Ask for a new member in a form of its own; hand it what the service said."""
        if obj is None:
            kwargs["form"] = NewMemberForm
        form = super().get_form(request, obj, change, **kwargs)
        form.refusal = getattr(request, "refusal", None)
        return form

    def save_model(self, request, obj, form, change):
        """Join or correct through the services; obj then is what they wrote."""
        if change:
            saved = save_member(form=form, actor=request.user, now=now())
        else:
            saved = join(**form.joining(), source=SOURCE, now=now())
        obj.__dict__.update(saved.__dict__)

    def log_change(self, request, obj, message):
        """Leave the audit trail to the service, which has written it."""
        return super(AuditedAdmin, self).log_change(request, obj, message)
