"""Reviews: the queue of the moderators, and the page where they decide."""

import base64

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, CALM, GOOD, LedgerAdmin, labelled
from orders.models import Review
from orders.rules.reviews import LONGEST_REPLY
from orders.services.moderating import (
    LEAST_REASON,
    publish_review,
    reject_review,
    reply_to_review,
)

_FIRST_WORDS = 60


class StarsFilter(admin.SimpleListFilter):
    """Reviews with so many stars; what there is to choose is known."""

    title = _("rating")
    parameter_name = "rating"

    def lookups(self, request, model_admin):
        """Offer one to five stars."""
        return [(str(stars), "★" * stars) for stars in range(5, 0, -1)]

    def queryset(self, request, queryset):
        """Keep the chosen rating."""
        if self.value() not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(rating=self.value())


@admin.register(Review)
class ReviewAdmin(LedgerAdmin):
    """Reviews to moderate first, oldest first. Who may change one decides on it."""

    when_empty = _(
        "What members write about what they bought stands here, to be "
        "published or refused. They may write once an order was delivered."
    )

    list_display = [
        "words",
        "stars",
        "product",
        "member",
        "state_label",
        "helpful_count",
        "created_at",
    ]
    list_select_related = ["product", "member"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        StarsFilter,
    ]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["state", "created_at"]
    actions = ["publish"]

    @admin.display(description=_("rating"), ordering="rating")
    def stars(self, review: Review) -> str:
        """Return the stars as people see them."""
        return "★" * review.rating

    @admin.display(description=_("text"))
    def words(self, review: Review) -> str:
        """Return how it begins: who may moderate may read."""
        return Truncator(review.text or "").chars(_FIRST_WORDS) or gettext(
            "No words, only stars"
        )

    @display(
        description=_("state"),
        label={"pending": CALM, "published": GOOD, "rejected": BAD},
    )
    def state_label(self, review: Review) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(review, "state")

    def has_publish_permission(self, request) -> bool:
        """Whether this login decides on reviews."""
        return request.user.has_perm("orders.change_review")

    @admin.action(description=_("Publish"), permissions=["publish"])
    def publish(self, request, queryset):
        """Publish those of the chosen reviews that wait, one service call each."""
        waiting = queryset.filter(state=Review.State.PENDING).order_by("created_at")
        moment = now()
        ids = list(waiting.values_list("pk", flat=True))
        for pk in ids:
            publish_review(review_id=pk, actor=request.user, now=moment)
        done = ngettext(
            "%(count)s review was published.",
            "%(count)s reviews were published.",
            len(ids),
        )
        messages.success(request, done % {"count": len(ids)})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one review as a page where it is decided on and answered."""
        review = self.get_object(request, object_id)
        if review is None:
            raise Http404
        if not self.has_view_permission(request, review):
            raise PermissionDenied
        error = ""
        if request.method == "POST":
            if not self.has_publish_permission(request):
                raise PermissionDenied
            try:
                self._decide(request, review)
                return HttpResponseRedirect(request.path)
            except Refusal as refusal:
                error = str(refusal)
        return self._page(request, review, error, extra_context)

    def _decide(self, request, review: Review) -> None:
        what = request.POST.get("deed", "")
        told = {"review_id": review.pk, "actor": request.user, "now": now()}
        if what == "publish":
            publish_review(**told)
            messages.success(request, gettext("The review was published."))
        elif what == "reject":
            reject_review(reason=request.POST.get("reason", ""), **told)
            messages.success(request, gettext("The review was rejected."))
        elif what == "reply":
            reply_to_review(text=request.POST.get("reply", ""), **told)
            messages.success(request, gettext("The answer was saved."))

    def _page(self, request, review: Review, error: str, extra_context):
        line = review.order_line
        pictures = [
            "data:image/webp;base64," + base64.b64encode(picture.webp).decode("ascii")
            for picture in review.pictures.all()
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Review %(id)s") % {"id": review.public_id},
            "opts": self.opts,
            "original": review,
            "review": review,
            "line": line,
            "stars": "★" * review.rating,
            "pictures": pictures,
            "state": review.get_state_display(),
            "may_decide": self.has_publish_permission(request),
            "may_see_order": request.user.has_perm("orders.view_order"),
            "error": error,
            "reason": request.POST.get("reason", ""),
            "least_reason": LEAST_REASON,
            "longest_reply": LONGEST_REPLY,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "orders/review_page.html", context)
