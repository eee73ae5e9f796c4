"""Storefront endpoints of paid plans.

A plan is bought like everything else: its SKU goes into a cart. What is here is what
only a plan has: a trial, its end, pauses, and the change to another one.
"""

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.money import as_api
from crm.shared.strict import StrictQueryMixin
from loyalty.api.plan_shapes import (
    ChangeOrderShape,
    ChangeShape,
    MyPlanShape,
    PlanShape,
    WantedChange,
    WantedPlan,
    WayToPay,
    change_shape,
    held_shape,
    plan_shape,
)
from loyalty.queries.plans import offered_plans, open_subscription, saved_so_far
from loyalty.services.changing_plans import change_plan, preview_change
from loyalty.services.ending_plans import cancel_plan, keep_plan
from loyalty.services.pausing import pause_plan, resume_plan
from loyalty.services.paying_plans import pay_plan_with
from loyalty.services.subscribing import start_trial
from members.authentication import IsMember
from orders.services.moving import MEMBER


class Plans(StrictQueryMixin, APIView):
    """GET the plans on offer."""

    permission_classes = [AllowAny]
    pagination_class = None

    @extend_schema(operation_id="plans_list", responses=PlanShape(many=True))
    def get(self, request):
        """Answer anybody."""
        return Response([plan_shape(plan) for plan in offered_plans()])


class PlanDoor(StrictQueryMixin, APIView):
    """What all doors to the member's own plan share."""

    permission_classes = [IsMember]
    pagination_class = None

    @property
    def member_id(self) -> int:
        """Return who asks."""
        return self.request.user.member.pk

    def read(self, shape) -> dict:
        """Return the body as ``shape`` reads it."""
        wanted = shape(data=self.request.data)
        wanted.is_valid(raise_exception=True)
        return wanted.validated_data

    def show(self, status: int = 200) -> Response:
        """Answer with the plan as it is now."""
        held = open_subscription(member_id=self.member_id)
        saved = saved_so_far(held, at=clock.now()) if held else 0
        return Response(held_shape(held, saved_minor=saved), status=status)


class MyPlan(PlanDoor):
    """GET the member's plan; POST begins one with its trial."""

    @extend_schema(operation_id="me_plan", responses=MyPlanShape)
    def get(self, request):
        """Answer for the caller."""
        return self.show()

    @extend_schema(
        operation_id="me_plan_trial",
        request=WantedPlan,
        responses={201: MyPlanShape},
    )
    @idempotent
    def post(self, request):
        """Begin a trial; 409 ``no_trial`` or ``already_subscribed``."""
        start_trial(member_id=self.member_id, now=clock.now(), **self.read(WantedPlan))
        return self.show(status=201)


class MyPlanCancellation(PlanDoor):
    """POST lets the plan end with its last day, DELETE takes that back."""

    @extend_schema(operation_id="me_plan_cancel", request=None, responses=MyPlanShape)
    @idempotent
    def post(self, request):
        """Cancel; again is harmless; 404 ``no_plan``."""
        cancel_plan(member_id=self.member_id, actor=MEMBER, now=clock.now())
        return self.show()

    @extend_schema(operation_id="me_plan_keep", responses=MyPlanShape)
    def delete(self, request):
        """Keep the plan after all; again is harmless."""
        keep_plan(member_id=self.member_id, actor=MEMBER, now=clock.now())
        return self.show()


class MyPlanPause(PlanDoor):
    """POST keeps the days that follow today."""

    @extend_schema(operation_id="me_plan_pause", request=None, responses=MyPlanShape)
    @idempotent
    def post(self, request):
        """Pause; 409 ``plan_state_refused`` or ``plan_not_pausable``."""
        pause_plan(member_id=self.member_id, actor=MEMBER, now=clock.now())
        return self.show()


class MyPlanResume(PlanDoor):
    """POST goes on with the days that were kept."""

    @extend_schema(operation_id="me_plan_resume", request=None, responses=MyPlanShape)
    @idempotent
    def post(self, request):
        """Resume; 409 ``plan_state_refused``."""
        resume_plan(member_id=self.member_id, actor=MEMBER, now=clock.now())
        return self.show()


class MyPlanPayment(PlanDoor):
    """PUT says with what renewals are paid."""

    @extend_schema(
        operation_id="me_plan_payment", request=WayToPay, responses=MyPlanShape
    )
    def put(self, request):
        """Set it; 404 ``not_found``, 422 ``cannot_charge``."""
        way = self.read(WayToPay)["pays_with"]
        pay_plan_with(member_id=self.member_id, way=way, now=clock.now())
        return self.show()


class MyPlanChangePreview(PlanDoor):
    """POST asks what changing to another plan costs today. Writes nothing."""

    @extend_schema(
        operation_id="me_plan_changes_preview",
        request=WantedPlan,
        responses=ChangeShape,
    )
    def post(self, request):
        """Say credit, sum due and last day; 404 ``no_plan`` or ``unknown_plan``."""
        planned = preview_change(
            member_id=self.member_id, now=clock.now(), **self.read(WantedPlan)
        )
        return Response(change_shape(planned))


class MyPlanChanges(PlanDoor):
    """POST orders the change to another plan."""

    @extend_schema(
        operation_id="me_plan_changes",
        request=WantedChange,
        responses={201: ChangeOrderShape},
    )
    @idempotent
    def post(self, request):
        """Order it at the sum previewed; 409 ``plan_change_outdated``."""
        wanted = self.read(WantedChange)
        order = change_plan(
            member_id=self.member_id,
            plan=wanted["plan"],
            period=wanted["period"],
            expected_due_minor=wanted["expected_due"],
            now=clock.now(),
        )
        shape = ChangeOrderShape(
            {"order": order.public_id, "due": as_api(order.total_minor, order.currency)}
        )
        return Response(shape.data, status=201)
