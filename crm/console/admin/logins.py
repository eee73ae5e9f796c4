"""Logins of staff, and the roles that say what they may do."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from crm.shared.clock import now
from crm.shared.staff_lists import StaffAdmin
from members.models import User
from members.services.devices import end_sessions
from members.services.second_factors import reset_second_factor

#: Apps whose tables have no page; nobody needs a permission for them.
PLUMBING = ["account", "admin", "contenttypes", "mfa", "sessions", "socialaccount"]
#: Fields of a login that say what it may do.
RIGHTS = ("is_active", "is_superuser", "groups")
_VERBS = {
    "add": _("%(app)s · %(model)s · add"),
    "change": _("%(app)s · %(model)s · change"),
    "delete": _("%(app)s · %(model)s · delete"),
    "view": _("%(app)s · %(model)s · view"),
}


def permission_label(permission: Permission) -> str:
    """Return what a permission allows; Django keeps only the English name."""
    model = permission.content_type.model_class()
    if model is None:
        return str(permission)
    names = {
        "app": apps.get_app_config(model._meta.app_label).verbose_name,
        "model": model._meta.verbose_name,
    }
    verb = permission.codename.partition("_")[0]
    if verb in _VERBS and permission.codename == f"{verb}_{model._meta.model_name}":
        return str(_VERBS[verb]) % names
    own = dict(model._meta.permissions).get(permission.codename, permission.name)
    return f"{names['app']} · {names['model']} · {own}"


@admin.register(User)
class StaffLoginAdmin(DjangoUserAdmin, StaffAdmin):
    """Logins of staff. Those of members belong to the members."""

    when_empty = _("People who may sign in to this console.")
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["=username"]
    ordering = ["username"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": [("first_name", "last_name"), "language"]}),
        (
            _("Permissions"),
            {"fields": ["is_active", "is_superuser", "groups"]},
        ),
        (_("Important dates"), {"fields": [("last_login", "date_joined")]}),
    ]
    filter_horizontal = ["groups"]
    actions = ["reset_second_factor"]

    def get_queryset(self, request):
        """Leave logins of members out."""
        return super().get_queryset(request).filter(is_staff=True)

    def save_model(self, request, obj, form, change):
        """Make every login made here one of staff."""
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """Sign out whoever's rights were changed: they come back with the new ones."""
        super().save_related(request, form, formsets, change)
        if set(RIGHTS) & set(form.changed_data):
            end_sessions(user_id=form.instance.pk)

    @admin.action(
        description=_("Take the second factor off (phone and codes are lost)"),
        permissions=["change"],
    )
    def reset_second_factor(self, request, queryset):
        """Let others set a new one up; nobody does this for themselves."""
        taken = 0
        for login in queryset.exclude(pk=request.user.pk):
            if not self.has_change_permission(request, login):
                continue
            taken += 1
            reset_second_factor(
                user_id=login.pk, actor=request.user, reason="", now=now()
            )
        self.message_user(
            request,
            ngettext("%(count)d login.", "%(count)d logins.", taken) % {"count": taken},
        )

    def get_readonly_fields(self, request, obj=None):
        """Only those above all rules may lift others there."""
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        return [*fields, "is_superuser"]

    def has_change_permission(self, request, obj=None) -> bool:
        """Refuse to touch a login that stands above all rules from below."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: whoever left is made inactive, their deeds keep their name."""
        return False


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, StaffAdmin):
    """Roles. ``sync_roles`` puts the built-in ones back to what they should be."""

    when_empty = _("What a group of staff may do.")
    list_display = ["name"]
    search_fields = ["name"]
    ordering = ["name"]

    def formfield_for_manytomany(self, db_field, request=None, **kwargs):
        """Offer what somebody can grant here, in the language of the page."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions":
            field.queryset = field.queryset.exclude(
                content_type__app_label__in=PLUMBING
            )
            field.label_from_instance = permission_label
        return field
