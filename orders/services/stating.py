"""The statement of a refund (R22). Writes nothing."""

from orders.models import Refund
from orders.queries.refunds import with_parts
from orders.rules.statements import Statement, StatementLine, StatementPart
from orders.services.refund_preview import effect_sources


def refund_statement(*, refund_id: int) -> Statement:
    """Return one refund with everything that makes up its sums."""
    refund = with_parts(Refund.objects.filter(pk=refund_id)).get()
    return Statement(
        refund=refund.public_id,
        order=refund.order.number,
        kind=refund.kind,
        state=refund.state,
        reason=refund.reason,
        currency=refund.order.currency,
        requested_at=refund.requested_at,
        completed_at=refund.completed_at,
        lines=tuple(
            StatementLine(
                sku=line.order_line.sku,
                name=line.order_line.name,
                quantity=line.quantity,
                amount_minor=line.amount_minor,
                points=line.points,
            )
            for line in sorted(refund.lines.all(), key=lambda line: line.pk)
        ),
        freight_minor=refund.freight_minor,
        deductions=tuple(
            StatementPart(part.kind, part.amount_minor)
            for part in sorted(refund.deductions.all(), key=lambda part: part.pk)
        ),
        tenders=tuple(
            StatementPart(
                "wallet" if tender.to_wallet else tender.payment.provider,
                tender.amount_minor,
                tender.state,
                tender.done_at,
            )
            for tender in sorted(refund.tenders.all(), key=lambda tender: tender.pk)
        ),
        amount_minor=refund.amount_minor,
        points_returned=refund.points_returned,
        freight_points=refund.freight_points,
        points_kept=refund.points_kept,
        effects=tuple(
            effect for source in effect_sources() for effect in source.booked(refund.pk)
        ),
    )
