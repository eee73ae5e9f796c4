"""Where an order goes, in clear, for a reason that is kept."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from crm.console.admin.revealing import RevealDialog
from crm.console.queries.addresses import written_out
from crm.shared.clock import now
from members.models import User
from orders.models import Order
from orders.services.revealing import reveal_delivery


def delivery_urls(model_admin) -> list:
    """Return the URL of the dialog, wrapped in the site's sign-in check."""
    view = RevealDelivery.as_view(model_admin=model_admin)
    return [
        path(
            "<int:pk>/address/",
            model_admin.admin_site.admin_view(view),
            name="order_reveal_address",
        )
    ]


@method_decorator(never_cache, name="dispatch")
class OfOneOrder(View):
    """Base: finds the order, for those who may view orders."""

    model_admin = None

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Refuse first, look up then."""
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        numbers = Order.objects.filter(pk=pk).values_list("number", flat=True)
        self.pk, self.number, self.at = pk, numbers.first(), now()
        if self.number is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def about(self) -> str:
        """Return the number of the order it is about."""
        return self.number

    def page_url(self) -> str:
        """Return the address of the order's page."""
        return reverse("admin:orders_order_change", args=[self.pk])

    def frame(self, request) -> dict:
        """Return what the page around a dialog needs, when it stands alone."""
        if request.headers.get("HX-Request"):
            return {}
        return self.model_admin.admin_site.each_context(request)


class RevealDelivery(RevealDialog, OfOneOrder):
    """The address of one order, for those who may see addresses and personal data."""

    rights = ("orders.view_order", "members.view_address", "members.view_pii")

    def value(self, actor: User, reason: str) -> str:
        """Return the address; refused where there is none any more."""
        return written_out(
            reveal_delivery(order_id=self.pk, actor=actor, reason=reason, now=self.at)
        )
