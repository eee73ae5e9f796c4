"""Tabs over a list: built-in views, and filters that staff saved."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.console.models import SavedView
from crm.console.queries.saved_views import seen_views
from crm.shared.clock import now

_LONGEST_QUERY = 500
#: Not part of a filter: where in the list somebody was.
_PLACE = {"p", "all", "e", "o"}
#: What was searched for may be a phone or a name: never kept.
_SEARCH = "q"


class SavedViewsMixin:
    """Admin mixin: saved views as tabs, with save, share, default and delete."""

    list_before_template = "console/list_tabs.html"

    def changelist_view(self, request, extra_context=None):
        """Hand the tabs to the template."""
        context = {
            "view_tabs": self.built_in_tabs(request),
            "saved_views": self.saved_views(request),
            "current_query": filter_of(request.GET),
            "save_view_url": reverse(f"admin:{self._name('save_view')}"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def built_in_tabs(self, request) -> list[dict]:
        """Return one tab per built-in view, and one for everything."""
        chosen = request.GET.get("view", "")
        filters = [f for f in self.list_filter if hasattr(f, "lookups")]
        views = filters[0].lookups(None, request, self) if filters else []
        return [
            {"label": _("All"), "query": "", "active": not filter_of(request.GET)},
            *(
                {
                    "label": label,
                    "query": f"view={code}",
                    "active": filter_of(request.GET) == f"view={code}"
                    and chosen == code,
                }
                for code, label in views
            ),
        ]

    def saved_views(self, request) -> list[dict]:
        """Return the saved views this login sees, and which of them is open."""
        here = filter_of(request.GET)
        delete = f"admin:{self._name('delete_view')}"
        return [
            {
                **view._asdict(),
                "active": bool(here) and here == view.query,
                "delete_url": reverse(delete, args=[view.pk]),
            }
            for view in seen_views(user_id=request.user.pk, model=self.opts.label_lower)
        ]

    def get_urls(self):
        """Add the verbs of saved views."""
        own = [
            path("views/save/", self.save_view, name=self._name("save_view")),
            path(
                "views/<int:pk>/delete/",
                self.delete_view_tab,
                name=self._name("delete_view"),
            ),
        ]
        for pattern in own:
            pattern.callback = self.admin_site.admin_view(pattern.callback)
        return own + super().get_urls()

    @method_decorator(require_POST)
    def save_view(self, request):
        """Save the filter of the list under a name; the same name is replaced."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        name = request.POST.get("name", "").strip()[:60]
        query = filter_of(QueryDict(request.POST.get("query", "")))
        back = f"{reverse('admin:' + self._name('changelist'))}?{query}"
        if not name or not query or len(query) > _LONGEST_QUERY:
            messages.error(request, _("Filter the list and give the view a name."))
            return HttpResponseRedirect(back)
        try:
            with transaction.atomic():
                SavedView.objects.update_or_create(
                    owner=request.user,
                    model=self.opts.label_lower,
                    name=name,
                    defaults={"query": query, "is_shared": "shared" in request.POST},
                    create_defaults={
                        "query": query,
                        "is_shared": "shared" in request.POST,
                        "created_at": now(),
                    },
                )
        except IntegrityError:
            messages.error(request, _("That name was just taken; try again."))
        else:
            messages.success(
                request, _("The view “%(name)s” was saved.") % {"name": name}
            )
        return HttpResponseRedirect(back)

    @method_decorator(require_POST)
    def delete_view_tab(self, request, pk: int):
        """Delete a view of one's own."""
        view = get_object_or_404(SavedView, pk=pk, owner=request.user)
        view.delete()
        messages.success(
            request, _("The view “%(name)s” was deleted.") % {"name": view.name}
        )
        return HttpResponseRedirect(reverse(f"admin:{self._name('changelist')}"))

    def _name(self, what: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{what}"


def filter_of(query: QueryDict) -> str:
    """Return a query string without the place in the list, in a fixed order."""
    pairs = sorted(
        (name, value)
        for name, values in query.lists()
        if name not in {*_PLACE, _SEARCH} and not name.startswith("_")
        for value in values
        if value
    )
    return urlencode(pairs)
