"""The job centre: progress, log, cancel, try again."""

from pathlib import PurePath

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.console.queries.job_words import KINDS
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.jobs import cancel_job, job_view, retry_job
from crm.shared.models import Job
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, LedgerAdmin, labelled


@admin.register(Job)
class JobAdmin(LedgerAdmin):
    """Long work, newest first."""

    when_empty = gettext_lazy(
        "Long work runs in the background and tells its progress here."
    )
    list_display = [
        "kind_name",
        "state_label",
        "progress",
        "owner",
        "created_at",
        "finished_at",
        "public_id",
    ]
    list_select_related = ["owner"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["=public_id", "=kind"]
    ordering = ["-created_at"]

    @admin.display(description=gettext_lazy("kind"))
    def kind_name(self, job: Job) -> str:
        """Return what the kind of job is called."""
        return str(KINDS.get(job.kind, job.kind))

    @display(
        description=gettext_lazy("state"),
        label={
            "queued": BUSY,
            "running": BUSY,
            "done": GOOD,
            "failed": BAD,
            "cancelled": CALM,
        },
    )
    def state_label(self, job: Job) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(job, "state")

    @admin.display(description=gettext_lazy("progress"), empty_value="–")
    def progress(self, job: Job) -> str | None:
        """Return per cent done, or what was done so far."""
        if job.percent is not None:
            return f"{job.percent} %"
        return f"{job.done:,d}" if job.done else None

    def get_urls(self):
        """Add the live part and the two verbs."""
        own = [
            path("<path:pk>/progress/", self.fragment, name="job_progress"),
            path("<path:pk>/cancel/", self.cancel, name="job_cancel"),
            path("<path:pk>/retry/", self.retry, name="job_retry"),
            path("<path:pk>/files/<slug:role>/", self.file, name="job_file"),
        ]
        for pattern in own:
            pattern.callback = self.admin_site.admin_view(pattern.callback)
        return own + super().get_urls()

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one job as a page."""
        job = self._job(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Background job %(id)s") % {"id": job.public_id},
            "opts": self.opts,
            "original": job,
            **self._facts(request, job),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "console/job_page.html", context)

    def fragment(self, request, pk):
        """Answer the poll: only what changes."""
        job = self._job(request, pk)
        return TemplateResponse(
            request, "console/job_progress.html", self._facts(request, job)
        )

    @method_decorator(require_POST)
    def cancel(self, request, pk):
        """Ask a job to stop after its chunk."""
        return self._do(request, pk, cancel_job, _("The job stops after this step."))

    @method_decorator(require_POST)
    def retry(self, request, pk):
        """Queue a job again where it stopped."""
        return self._do(request, pk, retry_job, _("The job goes on where it stopped."))

    def file(self, request, pk, role):
        """Hand out a file of the job to its owner, or to who may change jobs."""
        job = self._job(request, pk)
        is_owner = job.owner_id == request.user.pk
        if not is_owner and not request.user.has_perm("shared.change_job"):
            raise PermissionDenied
        name = job.files.get(role, "")
        if not name or not default_storage.exists(name):
            raise Http404
        return FileResponse(
            default_storage.open(name), as_attachment=True, filename=PurePath(name).name
        )

    def _do(self, request, pk, verb, done: str):
        if not request.user.has_perm("shared.change_job"):
            raise PermissionDenied
        job = self._job(request, pk)
        try:
            verb(job_id=job.pk, actor=request.user, now=now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        return HttpResponseRedirect(reverse("admin:shared_job_change", args=[job.pk]))

    def _job(self, request, pk) -> Job:
        job = self.get_object(request, pk)
        if job is None:
            raise Http404
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        return job

    def _facts(self, request, job: Job) -> dict:
        return {
            "job": job,
            "view": job_view(job),
            "may_change": request.user.has_perm("shared.change_job"),
        }
