"""Codes of coupons: batches with their progress, and one word for all."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from campaigns.models import CouponBatch, CouponTemplate, PublicCode
from campaigns.rules.coupon_codes import code_bits, guessing_chance
from campaigns.rules.coupons import normalise_code
from campaigns.sentences import revocation_sentence, revoked_sentence
from campaigns.services.coding import (
    MOST_CODES,
    note_download,
    order_codes,
    read_codes,
)
from campaigns.services.promising import wants_two_for_code
from campaigns.services.revoking import (
    MOST_AT_ONCE,
    Revocation,
    order_revocation,
    revocation_of_batch,
    revocation_of_template,
    revoke_batch,
    revoke_coupons,
)
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.models import Job
from crm.shared.money import display_amount
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    StaffAdmin,
)

_MOST_BATCHES = 50


class CodesForm(forms.Form):
    """How many codes, and what they begin with."""

    prefix = forms.CharField(
        label=gettext_lazy("Prefix"),
        min_length=2,
        max_length=6,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "2 to 6 letters and digits that codes begin with; not 0, O, 1, I or L."
        ),
    )
    count = forms.IntegerField(
        label=gettext_lazy("How many codes"),
        min_value=1,
        max_value=MOST_CODES,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean_prefix(self) -> str:
        """Return the prefix as codes are compared."""
        return normalise_code(self.cleaned_data["prefix"])


class CodesPage(View):
    """The batches of one template, how hard they are to guess, and a form for more."""

    model_admin = None

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Find the template; refuse whoever may not see batches."""
        if not request.user.has_perm("campaigns.view_couponbatch"):
            raise PermissionDenied
        self.template = CouponTemplate.objects.filter(pk=pk).first()
        if self.template is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show what there is."""
        return self._show(request, CodesForm())

    def post(self, request):
        """Ask for a batch and show its job."""
        if not request.user.has_perm("campaigns.add_couponbatch"):
            raise PermissionDenied
        form = CodesForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        try:
            batch = order_codes(
                template_id=self.template.pk,
                actor=request.user,
                now=now(),
                **form.cleaned_data,
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        return HttpResponseRedirect(
            reverse("admin:shared_job_change", args=[batch.job_id])
        )

    def _show(self, request, form: CodesForm):
        batches = self.template.batches.select_related("job").order_by("-id")
        live = sum(batches.filter(revoked_at=None).values_list("made", flat=True))
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Codes of “%(name)s”") % {"name": self.template.label},
            "opts": self.model_admin.opts,
            "template": self.template,
            "batches": batches[:_MOST_BATCHES],
            "public_codes": self.template.public_codes.order_by("id")[:_MOST_BATCHES],
            "form": form,
            "live": live,
            "bits": f"{code_bits():.0f}",
            "chance": f"{guessing_chance(live):.1e}",
            "may_add": request.user.has_perm("campaigns.add_couponbatch"),
            "may_revoke": request.user.has_perm("campaigns.change_couponbatch"),
        }
        return TemplateResponse(request, "campaigns/codes_page.html", context)


class RevokePage(View):
    """What revoking would do, why, and the deed: of a batch or of a template."""

    model_admin = None
    of_batch = True

    def dispatch(self, request, *args, pk: int, **kwargs):
        """Refuse first, look up then."""
        needed = "couponbatch" if self.of_batch else "coupon"
        if not request.user.has_perm(f"campaigns.change_{needed}"):
            raise PermissionDenied
        model = CouponBatch if self.of_batch else CouponTemplate
        self.row = model.objects.filter(pk=pk).first()
        if self.row is None:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Say what it would do."""
        return self._show(request)

    def post(self, request):
        """Revoke, for a reason."""
        reason = request.POST.get("reason", "").strip()
        if not 3 <= len(reason) <= 200:
            return self._show(request, error=_("Give a reason of 3 to 200 characters."))
        how = {"actor": request.user, "reason": reason, "now": now()}
        if self.of_batch:
            outcome = revoke_batch(batch_id=self.row.pk, **how)
        elif self._effect().coupons > MOST_AT_ONCE:
            job = order_revocation(template_id=self.row.pk, **how)
            messages.info(
                request, _("They are being revoked, some thousand at a time.")
            )
            return HttpResponseRedirect(self._progress_of(job))
        else:
            outcome = revoke_coupons(template_id=self.row.pk, **how)
        messages.success(request, revoked_sentence(outcome))
        return HttpResponseRedirect(self._back())

    def _progress_of(self, job: Job) -> str:
        """Return where a job is watched, by who may see jobs."""
        if self.request.user.has_perm("shared.view_job"):
            return reverse("admin:shared_job_change", args=[job.pk])
        return self._back()

    def _back(self) -> str:
        if self.of_batch:
            return reverse("admin:coupon_codes", args=[self.row.template_id])
        return reverse("admin:campaigns_coupontemplate_change", args=[self.row.pk])

    def _effect(self) -> Revocation:
        if self.of_batch:
            return revocation_of_batch(batch=self.row)
        return revocation_of_template(template=self.row)

    def _show(self, request, error: str = ""):
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Revoke coupons"),
            "opts": self.model_admin.opts,
            "text": revocation_sentence(self._effect()),
            "error": error,
            "back": self._back(),
            "button": _("Revoke"),
        }
        return TemplateResponse(request, "console/reason_page.html", context)


def download(request, pk: int):
    """Stream the codes of a batch; who took them is written down."""
    if not request.user.has_perm("campaigns.add_couponbatch"):
        raise PermissionDenied
    batch = CouponBatch.objects.filter(pk=pk).first()
    if batch is None:
        raise Http404
    note_download(batch=batch, actor=request.user, now=now())
    return StreamingHttpResponse(
        read_codes(batch_id=batch.pk),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{batch.public_id}.csv"',
            "Cache-Control": "no-store",
        },
    )


@admin.register(CouponBatch)
class CouponBatchAdmin(LedgerAdmin):
    """Batches of unique codes, newest first. The codes themselves are in no list."""

    when_empty = gettext_lazy(
        "Make codes on the page of a coupon template, for leaflets or partners."
    )
    list_display = [
        *("public_id", "template", "prefix", "state_label", "made", "wanted"),
        *("asked_by", "asked_at"),
    ]
    list_select_related = ["template", "asked_by", "job"]
    list_filter = [("template", AutocompleteSelectFilter)]
    search_fields = ["=public_id", "=prefix"]
    ordering = ["-id"]

    @display(
        description=gettext_lazy("state"),
        label={"ready": GOOD, "making": BUSY, "part": CALM, "revoked": BAD},
    )
    def state_label(self, batch: CouponBatch) -> tuple[str, str]:
        """Return whether its codes are there and work."""
        if batch.revoked_at:
            return "revoked", _("revoked")
        if batch.made == batch.wanted:
            return "ready", _("ready")
        if batch.job is not None and batch.job.is_open:
            return "making", _("being made")
        return "part", _("a part was made")

    def get_urls(self):
        """Add the deeds of a batch."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/revoke/",
                view(RevokePage.as_view(model_admin=self)),
                name="coupon_batch_revoke",
            ),
            path("<int:pk>/codes.csv", view(download), name="coupon_batch_download"),
            *super().get_urls(),
        ]


class PublicCodeForm(forms.ModelForm):
    """A word, tidied as typed codes are."""

    class Meta:
        model = PublicCode
        fields = ["template", "code", "limit_total", "is_active"]

    def clean_code(self) -> str:
        """Return the code as it is compared."""
        return normalise_code(self.cleaned_data["code"])

    def _post_clean(self) -> None:
        """Refuse more uses than one person may give away (1.8)."""
        super()._post_clean()
        if not self.errors and wants_two_for_code(self.instance):
            most = display_amount(
                settings.PROMOTION_LIMIT_MINOR, settings.SHOP_CURRENCY
            )
            said = _(
                "With it the coupons may cost more than %(most)s. Limit its uses, or "
                "those of the template; of a template two people can agree to more."
            )
            self.add_error(None, said % {"most": most})


@admin.register(PublicCode)
class PublicCodeAdmin(StaffAdmin):
    """One word that many people use."""

    when_empty = gettext_lazy(
        "A word that anybody may type in for a coupon, such as SPRING10."
    )
    form = PublicCodeForm
    list_display = ["code", "template", "is_active", "used", "limit_total"]
    list_select_related = ["template"]
    list_filter = ["is_active"]
    search_fields = ["code"]
    autocomplete_fields = ["template"]
    fields = ["template", "code", "limit_total", "is_active", "used"]
    readonly_fields = ["used"]
    ordering = ["-id"]

    def save_model(self, request, obj, form, change):
        """Leave out what was counted since the row was read."""
        obj.save(update_fields=form.changed_data if change else None)
