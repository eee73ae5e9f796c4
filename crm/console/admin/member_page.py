"""The page of one member: who, how much, what happened, what can be done."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from crm.console.admin.member_actions import ACTIONS, allowed_actions
from crm.console.admin.revealing import RevealDialog
from crm.console.queries.addresses import masked_addresses
from crm.console.queries.member_page import (
    REVEALABLE,
    consents_now,
    erasure_of,
    get_member,
    has_priority,
    personal_details,
    spend_by_month,
    tiles,
)
from crm.console.queries.members import may_see_masked, may_see_names, shown_name
from crm.console.queries.profile import profile_card, tags_now
from crm.console.queries.tier_words import tier_words
from crm.console.queries.timeline import KINDS, seen_kinds, timeline
from crm.console.queries.value_words import value_words
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.paging import InvalidCursor
from crm.shared.pictures import picture_response
from loyalty.queries.points import points_summary
from members.models import Member, User
from members.queries import avatar_of, instruments_of
from members.services.noting import add_note
from members.services.revealing import reveal
from members.services.tagging import untag_member


def member_urls(model_admin) -> list:
    """Return the URLs of the page, wrapped in the site's sign-in check."""
    routes = [
        ("<str:public_id>/360/", MemberPage, "member_page"),
        ("<str:public_id>/360/timeline/", TimelinePart, "member_timeline"),
        ("<str:public_id>/360/note/", NoteBox, "member_note"),
        ("<str:public_id>/360/reveal/<slug:what>/", Reveal, "member_reveal"),
        ("<str:public_id>/360/untag/", Untag, "member_untag"),
        ("<str:public_id>/360/picture/", Picture, "member_picture"),
        ("<str:public_id>/360/do/<slug:code>/", MemberDialog, "member_action"),
    ]
    wrap = model_admin.admin_site.admin_view
    return [
        path(route, wrap(view.as_view(model_admin=model_admin)), name=name)
        for route, view, name in routes
    ]


@method_decorator(never_cache, name="dispatch")
class OfOneMember(View):
    """Base: finds the member, for those who may view members."""

    model_admin = None

    def dispatch(self, request, *args, public_id: str, **kwargs):
        """Refuse first, look up then."""
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        try:
            self.member = get_member(public_id)
        except Member.DoesNotExist as error:
            raise Http404 from error
        if self.member.merged_into_id:
            return redirect("admin:member_page", self.member.merged_into.public_id)
        self.at = now()
        return super().dispatch(request, *args, **kwargs)

    def about(self) -> str:
        """Return the number of whom it is about."""
        return self.member.number

    def page_url(self) -> str:
        """Return the address of the member's page."""
        return reverse("admin:member_page", args=[self.member.public_id])

    def frame(self, request) -> dict:
        """Return what the page around a dialog needs, when it stands alone."""
        if request.headers.get("HX-Request"):
            return {}
        return self.model_admin.admin_site.each_context(request)

    def moments(self, request) -> dict:
        """Return the part of the timeline the request asks for."""
        seen = seen_kinds(request.user)
        chosen = request.GET.get("kind", "")
        kinds = [chosen] if chosen in seen else seen
        try:
            part = timeline(
                member_id=self.member.pk,
                kinds=kinds,
                english=(get_language() or "en").startswith("en"),
                cursor=request.GET.get("cursor") or None,
            )
        except InvalidCursor as error:
            raise Http404 from error
        return {
            "member": self.member,
            "timeline": part,
            "kind": chosen if chosen in seen else "",
            "kinds": [(kind, KINDS[kind][0]) for kind in seen],
        }


class MemberPage(OfOneMember):
    """The whole page."""

    def get(self, request):
        """Show it, names masked for those who may not see them."""
        member, user = self.member, request.user
        name = shown_name(member, user)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "title": _("Member %(number)s") % {"number": member.number},
            "opts": self.model_admin.opts,
            "original": member,
            "name": name,
            "initial": name[:1],
            "is_first": has_priority(member, self.at),
            "tiles": tiles(member=member, user=user, at=self.at),
            "details": personal_details(member) if may_see_masked(user) else [],
            "may_reveal": user.has_perm("members.view_pii"),
            "may_edit": self.model_admin.has_change_permission(request),
            "may_note": user.has_perm("members.add_note"),
            "may_merge": user.has_perm("members.add_merge"),
            "profile": profile_card(member=member, user=user),
            "tags": tags_now(member, self.at),
            "may_tag": user.has_perm("members.add_membertag"),
            "shows_face": member.has_avatar and may_see_names(user),
            "erasure": erasure_of(member)
            if user.has_perm("members.view_erasure")
            else None,
            "consents": consents_now(member),
            "addresses": masked_addresses(member)
            if user.has_perm("members.view_address")
            else None,
            "instruments": instruments_of(member_id=member.pk)
            if user.has_perm("members.view_paymentinstrument")
            else None,
            "spend": spend_by_month(member=member, at=self.at)
            if user.has_perm("orders.view_order")
            else None,
            "tier": tier_words(
                account=getattr(member, "points_account", None), at=self.at
            ),
            "worth": value_words(score=getattr(member, "score", None), at=self.at)
            if user.has_perm("orders.view_order")
            else None,
            "actions": allowed_actions(user, member),
            **self.moments(request),
        }
        return TemplateResponse(request, "console/member_page.html", context)


class TimelinePart(OfOneMember):
    """Older moments, or moments of one kind."""

    def get(self, request):
        """Answer the fragment."""
        return render(request, "console/timeline.html", self.moments(request))


class NoteBox(OfOneMember):
    """The comment box."""

    def post(self, request):
        """Write a note, then show the timeline anew."""
        if not request.user.has_perm("members.add_note"):
            raise PermissionDenied
        text = request.POST.get("text", "").strip()[:2000]
        if text:
            add_note(
                member_id=self.member.pk, author=request.user, text=text, now=self.at
            )
        if request.headers.get("HX-Request"):
            return render(request, "console/timeline.html", self.moments(request))
        return HttpResponseRedirect(self.page_url())


class Untag(OfOneMember):
    """Takes one tag off."""

    def post(self, request):
        """Do it; a tag that is gone already is no mistake."""
        if not request.user.has_perm("members.add_membertag"):
            raise PermissionDenied
        untag_member(
            member_id=self.member.pk,
            name=request.POST.get("tag", ""),
            actor=request.user,
            now=self.at,
        )
        return HttpResponseRedirect(self.page_url())


class Picture(OfOneMember):
    """The member's face, for those who may see personal data."""

    def get(self, request):
        """Answer the picture."""
        if not may_see_names(request.user):
            raise PermissionDenied
        avatar = avatar_of(member_id=self.member.pk)
        if avatar is None:
            raise Http404
        return picture_response(avatar.webp)


class Reveal(RevealDialog, OfOneMember):
    """Phone, e-mail or birthday."""

    def find(self, what: str) -> None:
        """Remember which; nothing else can be revealed."""
        if what not in REVEALABLE:
            raise Http404
        self.field = what

    def value(self, actor: User, reason: str) -> str:
        """Return it; refused without a reason or budget."""
        return reveal(
            member_id=self.member.pk,
            field=self.field,
            actor=actor,
            reason=reason,
            now=self.at,
        )


class MemberDialog(OfOneMember):
    """One action: its form, its effect in words, doing it."""

    def dispatch(self, request, *args, code: str, **kwargs):
        """Find the action and refuse whoever may not do it."""
        self.action = ACTIONS.get(code)
        if self.action is None:
            raise Http404
        if not request.user.has_perm(self.action.permission):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get(self, request):
        """Show the form."""
        return self._show(request, self.action.form(member=self.member))

    def post(self, request):
        """Say what would happen (``preview``), or do it."""
        form = self.action.form(request.POST, member=self.member)
        valid = form.is_valid()
        if "preview" in request.GET:
            effect = ""
            if "points" not in form.errors and "template" not in form.errors:
                effect = self.effect(form.cleaned_data)
            return render(request, "console/effect.html", {"effect": effect})
        if not valid:
            return self._show(request, form)
        try:
            done = self.action.run(
                member=self.member,
                data=form.cleaned_data,
                actor=request.user,
                now=self.at,
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return self._show(request, form)
        self.model_admin.message_user(request, done)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": self.page_url()})
        return HttpResponseRedirect(self.page_url())

    def effect(self, data: dict) -> str:
        """Return what the action would change, in words."""
        available = points_summary(self.member.pk, self.at).available
        effect = self.action.effect(self.member, data, available)
        user = self.request.user
        if effect and self.action.waits(
            member=self.member, data=data, actor=user, now=self.at
        ):
            effect = _("%(effect)s Somebody else must approve.") % {"effect": effect}
        return effect

    def _show(self, request, form) -> HttpResponse:
        data = getattr(form, "cleaned_data", {})
        return render(
            request,
            "console/dialog.html",
            {
                **self.frame(request),
                "member": self.member,
                "name": shown_name(self.member, request.user),
                "action": self.action,
                "form": form,
                "effect": self.effect(data),
                "page_url": self.page_url(),
            },
        )
