"""Alipay: the page where one pays, signed notifications, questions and refunds.

Written to the public specification (opendocs.alipay.com, "alipay.trade.page.pay" and
what follows it); see ``docs/adr/0024-payment-gateways.md``.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from members.providers.outbound import ask
from members.providers.rsa2 import is_signed, sign
from members.rules.alipay import request_parameters, signed_part, text_to_sign
from members.rules.provider_answers import ProviderFailed
from orders.providers.base import (
    BadSignature,
    NotForUs,
    Notice,
    NoticeKind,
    ProviderUnavailable,
    RefundAnswer,
    Started,
)
from orders.providers.configuration import AlipayAccount
from orders.rules import alipay as rules

log = logging.getLogger(__name__)

_PATH = "/gateway.do"
_KINDS = {
    rules.Status.WAITING: NoticeKind.WAITING,
    rules.Status.CLOSED: NoticeKind.FAILED,
    rules.Status.SUCCESS: NoticeKind.CAPTURED,
    rules.Status.FINISHED: NoticeKind.CAPTURED,
}


class AlipayPayments:
    """Payments through one account at Alipay (``settings.ALIPAY_PAYMENTS``)."""

    demo_only: ClassVar[bool] = False
    takes_payments: ClassVar[bool] = True
    is_stored_value: ClassVar[bool] = False
    receipt: ClassVar[str] = rules.RECEIPT

    @property
    def is_ready(self) -> bool:
        """Whether the shop has an account."""
        return settings.ALIPAY_PAYMENTS is not None

    @property
    def account(self) -> AlipayAccount:
        """The shop's account."""
        return settings.ALIPAY_PAYMENTS

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Sign the address of the page where the buyer pays; Alipay is not asked.

        The trade exists, and has a reference, only once the buyer has opened it.
        """
        content = rules.pay_content(
            payment_id=payment_id,
            amount_minor=amount_minor,
            subject=settings.SHOP_NAME,
            minutes=settings.PAYMENT_MINUTES,
        )
        path = reverse("payment-callbacks", args=["alipay"])
        parameters = self._signed(
            rules.PAY_METHOD,
            biz_content=content,
            notify_url=f"{settings.PUBLIC_URL}{path}",
            return_url=settings.STOREFRONT_URL,
        )
        return Started("", f"{self.account.api}{_PATH}?{urlencode(parameters)}")

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Check signature, app and seller, then read."""
        try:
            form = rules.read_form(body)
            if form.get("sign_type") != "RSA2" or not is_signed(
                rules.notice_text(form), form.get("sign", ""), self.account.public_key
            ):
                raise BadSignature
            if (form.get("app_id"), form.get("seller_id")) != (
                self.account.app_id,
                self.account.seller_id,
            ):
                raise NotForUs
            trade = rules.trade_of(form)
        except rules.NotAMessage as error:
            raise BadSignature from error
        told = form.get("notify_id") or f"{trade.trade_no}:{trade.status}"
        return _notice(trade, told)

    def query(
        self, *, payment_id: str, amount_minor: int, currency: str
    ) -> Notice | None:
        """Ask what became of a trade."""
        answer = self._call(
            rules.QUERY_METHOD, rules.query_content(payment_id=payment_id)
        )
        if answer.get("sub_code") == rules.NO_TRADE:
            return None
        self._demand_success(answer)
        try:
            trade = rules.trade_of(answer)
        except rules.NotAMessage as error:
            raise ProviderUnavailable from error
        if trade.payment_id != payment_id:
            raise ProviderUnavailable
        return _notice(trade, f"query:{trade.trade_no}:{trade.status}")

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        """Give money back; a no, or nothing moved, is looked into before it counts."""
        answer = self._call(
            rules.REFUND_METHOD,
            rules.refund_content(
                trade_no=reference, key=key, amount_minor=amount_minor
            ),
        )
        refused = rules.is_refused(answer)
        if not refused:
            self._demand_success(answer)
            if answer.get("fund_change") == "Y":
                return RefundAnswer.DONE
        if self._was_refunded(reference, key):
            return RefundAnswer.DONE
        if refused:
            return RefundAnswer.REFUSED
        raise ProviderUnavailable

    def _was_refunded(self, trade_no: str, key: str) -> bool:
        answer = self._call(
            rules.REFUND_QUERY_METHOD,
            rules.refund_query_content(trade_no=trade_no, key=key),
        )
        if answer.get("sub_code") == rules.NO_TRADE:
            return False
        self._demand_success(answer)
        return answer.get("refund_status") == "REFUND_SUCCESS"

    def _demand_success(self, answer: Mapping[str, Any]) -> None:
        if str(answer.get("code")) != rules.SUCCESS:
            # Codes of the specification; nothing of a person is in them.
            log.warning("Alipay answered %.60s.", answer.get("sub_code", ""))
            raise ProviderUnavailable

    def _call(self, method: str, content: str) -> Mapping[str, Any]:
        parameters = self._signed(method, biz_content=content)
        try:
            text = ask(self.account.api, _PATH, form=parameters)
            part, signature, _is_error = signed_part(text, method)
            if not is_signed(part, signature, self.account.public_key):
                raise ProviderFailed("answer is not signed by Alipay")
        except ProviderFailed as failure:
            log.warning("Alipay did not answer well: %s", failure.detail)
            raise ProviderUnavailable from failure
        return json.loads(part)

    def _signed(self, method: str, **extra: str) -> dict[str, str]:
        parameters = request_parameters(
            app_id=self.account.app_id,
            method=method,
            # Real time, not the shop's: the gateway compares it with its own.
            at=datetime.now(UTC),
            extra=extra,
        )
        text = text_to_sign(parameters)
        parameters["sign"] = sign(text, self.account.private_key)
        return parameters


def _notice(trade: rules.Trade, event_id: str) -> Notice:
    return Notice(
        event_id=event_id[:80],
        kind=_KINDS[trade.status],
        payment_id=trade.payment_id,
        reference=trade.trade_no,
        amount_minor=trade.amount_minor,
        currency=rules.CURRENCY,
    )
