"""A copy of one person's data: asked for, made in the background, fetched once."""

from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.encryption import decrypt_bytes, encrypt_bytes
from crm.shared.errors import Refusal
from crm.shared.jobs import enqueue
from members.models import DataExport, Member, User
from members.services.freezing import ReasonMissing
from members.services.portraying import archive

#: How long a finished copy waits.
LIFETIME = timedelta(hours=24)
#: Copies a member can begin within one lifetime; more would be a machine.
MOST_COPIES = 5
_JOB = "members.export_data"
_State = DataExport.State
_OPEN = (_State.PREPARING, _State.READY)


class ExportGone(Refusal):
    """This copy was fetched already, or waited too long."""

    code = "export_gone"
    status = 410
    message = _("This copy was fetched already, or waited too long. Ask for a new one.")


class ExportNotReady(Refusal):
    """The copy is still being prepared."""

    code = "export_not_ready"
    message = _("The copy is still being prepared.")


class TooManyExports(Refusal):
    """There were enough copies for today."""

    code = "too_many_exports"
    status = 429
    message = _("There were %(count)s copies within a day. Try again tomorrow.")


@transaction.atomic
def ask_for_export(
    *, member_id: int, actor: User | None = None, reason: str = "", now: datetime
) -> DataExport:
    """Begin a copy of everything about a member; while one is open, return that one.

    Args:
        member_id: whose.
        actor: who of the staff asks; None when the member does.
        reason: why staff ask.
        now: when, aware.

    Raises:
        ReasonMissing: staff gave no reason.
        TooManyExports: five copies were begun within 24 hours.
    """
    if actor is not None and not reason.strip():
        raise ReasonMissing
    # The member's row is the lock: two clicks are one copy.
    member = Member.objects.select_for_update().get(pk=member_id)
    expire_exports(now=now, member_id=member_id)
    export = DataExport.objects.filter(member=member, state__in=_OPEN).first()
    if export is None:
        _refuse_too_many(member, now=now)
        export = DataExport.objects.create(
            member=member, asked_by=actor, reason=reason.strip(), asked_at=now
        )
        enqueue(kind=_JOB, params={"export": export.public_id}, owner=actor, now=now)
    record_audit(
        actor=actor or "member",
        action="members.export_data.ask",
        obj=member,
        reason=reason.strip(),
        detail={"export": export.public_id},
        now=now,
    )
    return export


def _refuse_too_many(member: Member, *, now: datetime) -> None:
    """Count under the lock of the member's row."""
    begun = member.data_exports.filter(asked_at__gt=now - LIFETIME).count()
    if begun >= MOST_COPIES:
        raise TooManyExports(count=MOST_COPIES)


def write_export(*, public_id: str, now: datetime) -> None:
    """Make the copy, seal it and open its 24 hours; once made, do nothing."""
    export = DataExport.objects.get(public_id=public_id)
    if export.state != _State.PREPARING:
        return
    content = archive(member_id=export.member_id, now=now)
    name = f"privacy/{public_id}.sealed"
    # A worker that died half-way left a file that no row names yet.
    default_storage.delete(name)
    file = default_storage.save(
        name, ContentFile(encrypt_bytes(content, _place(public_id)))
    )
    made = DataExport.objects.filter(pk=export.pk, state=_State.PREPARING).update(
        state=_State.READY, file=file, ready_at=now, expires_at=now + LIFETIME
    )
    if not made:
        default_storage.delete(file)


def fetch_export(*, public_id: str, actor: User, now: datetime) -> bytes:
    """Return the copy (a ZIP file) and end it: it can be fetched once.

    Raises:
        DataExport.DoesNotExist: there is none.
        ExportNotReady: it is still being made.
        ExportGone: it was fetched, or its 24 hours are over.
    """
    with transaction.atomic():
        export = (
            DataExport.objects.select_for_update(of=("self",))
            .select_related("member")
            .get(public_id=public_id)
        )
        if export.state == _State.PREPARING:
            raise ExportNotReady
        if export.state != _State.READY or export.expires_at <= now:
            raise ExportGone
        with default_storage.open(export.file) as sealed:
            content = decrypt_bytes(sealed.read(), _place(public_id))
        file, export.file = export.file, ""
        export.state, export.fetched_at = _State.FETCHED, now
        export.save(update_fields=["state", "file", "fetched_at"])
        record_audit(
            actor=actor,
            action="members.export_data.fetch",
            obj=export.member,
            detail={"export": public_id},
            now=now,
        )
    default_storage.delete(file)
    return content


def expire_exports(*, now: datetime, member_id: int | None = None) -> int:
    """End copies nobody fetched in time, and their files; return how many.

    Those whose making failed end a day after they were asked for.
    """
    overdue = DataExport.objects.filter(
        Q(state=_State.READY, expires_at__lte=now)
        | Q(state=_State.PREPARING, asked_at__lte=now - LIFETIME)
    )
    if member_id is not None:
        overdue = overdue.filter(member_id=member_id)
    return sum(_drop(export) for export in overdue)


def drop_exports(*, member_id: int) -> int:
    """End every open copy of a member who is being erased; return how many."""
    return sum(
        _drop(export)
        for export in DataExport.objects.filter(member_id=member_id, state__in=_OPEN)
    )


def _drop(export: DataExport) -> int:
    ended = DataExport.objects.filter(pk=export.pk, state=export.state).update(
        state=_State.EXPIRED, file=""
    )
    if ended and export.file:
        default_storage.delete(export.file)
    return ended


def _place(public_id: str) -> str:
    return f"members_dataexport.file|{public_id}"
