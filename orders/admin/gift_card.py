"""Gift cards: the list, and a code in clear for staff who say why."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import View
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, CALM, GOOD, LedgerAdmin, labelled, money_column
from orders.models import GiftCard
from orders.rules.gift_codes import in_groups
from orders.services.gift_cards import reveal_gift_card


@admin.register(GiftCard)
class GiftCardAdmin(LedgerAdmin):
    """Sold cards, newest first. Their codes are nowhere in it."""

    when_empty = _(
        "Sold gift cards stand here. Add a product of the kind “gift card”; "
        "each unit that is paid becomes a card."
    )

    list_display = [
        "public_id",
        "order_number",
        "state_label",
        "amount",
        "issued_at",
        "expires_at",
        "redeemed_by",
        "redeemed_at",
    ]
    list_select_related = ["line__order", "redeemed_by"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("issued_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=line__order__number"]
    ordering = ["-issued_at", "-id"]
    exclude = ["code", "code_mark"]
    readonly_fields = ["reveal_link"]

    amount = money_column("amount_minor", _("amount"), ordering=False)

    @admin.display(description=_("order"))
    def order_number(self, card: GiftCard) -> str:
        """Return where it was bought."""
        return card.line.order.number

    @display(
        description=_("state"), label={"issued": CALM, "redeemed": GOOD, "voided": BAD}
    )
    def state_label(self, card: GiftCard) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(card, "state")

    @admin.display(description=_("code"))
    def reveal_link(self, card: GiftCard) -> str:
        """Return the way to the code."""
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:gift_card_reveal", args=[card.pk]),
            _("Show the code"),
        )

    def get_urls(self):
        """Add the page that shows a code."""
        view = self.admin_site.admin_view(RevealPage.as_view(model_admin=self))
        return [
            path("<int:pk>/reveal/", view, name="gift_card_reveal"),
            *super().get_urls(),
        ]


@method_decorator(never_cache, name="dispatch")
class RevealPage(View):
    """Asks why, then shows one code."""

    model_admin = None

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Refuse first, look up then."""
        if not request.user.has_perm("orders.change_giftcard"):
            raise PermissionDenied
        self.card = GiftCard.objects.defer("code").filter(pk=pk).first()
        if self.card is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Ask why."""
        return self._show(request)

    def post(self, request):
        """Show the code once the reason is written down."""
        reason = request.POST.get("reason", "")[:200]
        try:
            code = reveal_gift_card(
                card_id=self.card.pk, actor=request.user, reason=reason, now=now()
            )
        except Refusal as refusal:
            return self._show(request, error=str(refusal), reason=reason)
        return self._show(request, code=in_groups(code))

    def _show(self, request, **shown: str):
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Code of gift card %(id)s") % {"id": self.card.public_id},
            "opts": self.model_admin.opts,
            "original": self.card,
            **shown,
        }
        return TemplateResponse(request, "orders/gift_card_page.html", context)
