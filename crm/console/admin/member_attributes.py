"""Custom attributes of one member: the form staff write them with."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminNullBooleanSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from crm.console.admin.member_page import OfOneMember
from crm.console.queries.members import shown_name
from crm.console.queries.profile import writable_attributes
from crm.shared.errors import Refusal
from members.models import AttributeDefinition
from members.rules.attributes import LONGEST_TEXT
from members.services.attributing import Author, set_attributes

_Kind = AttributeDefinition.Kind
SOURCE = "console"


def attribute_urls(model_admin) -> list:
    """Return the URL of the form, wrapped in the site's sign-in check."""
    view = MemberAttributes.as_view(model_admin=model_admin)
    return [
        path(
            "<str:public_id>/360/attributes/",
            model_admin.admin_site.admin_view(view),
            name="member_attributes",
        )
    ]


class AttributesForm(forms.Form):
    """One field per attribute that staff may write."""

    def __init__(self, definitions, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for definition in definitions:
            self.fields[definition.code] = _field(definition)

    def values(self) -> dict[str, Any]:
        """Return every field as the JSON value the service reads; empty is None."""
        return {code: _plain(value) for code, value in self.cleaned_data.items()}


def _field(definition: AttributeDefinition) -> forms.Field:
    options = [(each.code, each.label) for each in definition.options.all()]
    told = {"label": definition.label, "required": False}
    line = UnfoldAdminTextInputWidget
    match definition.kind:
        case _Kind.NUMBER:
            return forms.DecimalField(widget=line, **told)
        case _Kind.DATE:
            return forms.DateField(widget=line(attrs={"type": "date"}), **told)
        case _Kind.BOOLEAN:
            widget = UnfoldAdminNullBooleanSelectWidget
            return forms.NullBooleanField(widget=widget, **told)
        case _Kind.CHOICE:
            choices = [("", "–"), *options]
            widget = UnfoldAdminSelectWidget
            return forms.ChoiceField(choices=choices, widget=widget, **told)
        case _Kind.CHOICES:
            widget = UnfoldAdminCheckboxSelectMultipleWidget
            return forms.MultipleChoiceField(choices=options, widget=widget, **told)
    return forms.CharField(max_length=LONGEST_TEXT, widget=line, **told)


def _plain(value: Any) -> Any:
    if value in ("", []):
        return None
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


class MemberAttributes(OfOneMember):
    """The form, for those who may edit members and see personal data."""

    def dispatch(self, request, *args, **kwargs):
        """Refuse first, look up then."""
        if not self.model_admin.has_change_permission(request):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show what is kept."""
        pairs = self._attributes()
        initial = {each.code: kept.value for each, kept in pairs if kept}
        form = AttributesForm([each for each, _kept in pairs], initial=initial)
        return self._show(request, form)

    def post(self, request):
        """Write what was changed, all of it or nothing."""
        definitions = [each for each, _kept in self._attributes()]
        form = AttributesForm(definitions, request.POST)
        if not form.is_valid():
            return self._show(request, form)
        try:
            set_attributes(
                member_id=self.member.pk,
                values=form.values(),
                author=Author.STAFF,
                source=SOURCE,
                actor=request.user,
                now=self.at,
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        self.model_admin.message_user(request, _("The attributes were saved."))
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": self.page_url()})
        return HttpResponseRedirect(self.page_url())

    def _attributes(self) -> list:
        return writable_attributes(member_id=self.member.pk, allowed=Author.STAFF)

    def _show(self, request, form) -> HttpResponse:
        return render(
            request,
            "console/attributes.html",
            {
                **self.frame(request),
                "member": self.member,
                "name": shown_name(self.member, request.user),
                "form": form,
                "page_url": self.page_url(),
            },
        )
