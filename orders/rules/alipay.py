"""How payments are told to and by Alipay (opendocs.alipay.com). Plain Python.

Amounts are yuan with two digits, trades are named by our payment ids, refunds by our
refund ids: asked twice with the same ``out_request_no`` the gateway pays once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from crm.shared.money import InvalidAmount, format_amount, parse_amount

CURRENCY = "CNY"
PAY_METHOD = "alipay.trade.page.pay"
QUERY_METHOD = "alipay.trade.query"
REFUND_METHOD = "alipay.trade.refund"
REFUND_QUERY_METHOD = "alipay.trade.fastpay.refund.query"
SUCCESS = "10000"
#: What a notification is answered with, or it comes again for a day.
RECEIPT = "success"
#: Nobody has opened the page where one pays.
NO_TRADE = "ACQ.TRADE_NOT_EXIST"
#: No money went and none will, whatever is asked again.
_NEVER = {
    *("ACQ.TRADE_HAS_FINISHED", "ACQ.TRADE_NOT_ALLOW_REFUND"),
    *("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "ACQ.REFUND_FEE_ERROR"),
    *("ACQ.TRADE_STATUS_ERROR", "ACQ.TRADE_HAS_CLOSE", NO_TRADE),
}
_MOST_FIELDS = 100
_LONGEST_ID = 64


class NotAMessage(ValueError):
    """This is no notification of the documented shape."""


class Status(StrEnum):
    """Where a trade stands. ``FINISHED`` is paid and beyond any refund."""

    WAITING = "WAIT_BUYER_PAY"
    CLOSED = "TRADE_CLOSED"
    SUCCESS = "TRADE_SUCCESS"
    FINISHED = "TRADE_FINISHED"


@dataclass(frozen=True, slots=True)
class Trade:
    """What Alipay says of one trade. ``payment_id`` is our name for it."""

    payment_id: str
    trade_no: str
    status: Status
    amount_minor: int


def pay_content(
    *, payment_id: str, amount_minor: int, subject: str, minutes: int
) -> str:
    """Return ``biz_content`` of the page where a buyer pays.

    Args:
        payment_id: our name for the trade.
        amount_minor: in fen.
        subject: what the buyer reads; no personal data.
        minutes: after which the trade closes by itself.
    """
    return _compact(
        {
            "out_trade_no": payment_id,
            "product_code": "FAST_INSTANT_TRADE_PAY",
            "total_amount": format_amount(amount_minor, CURRENCY),
            "subject": subject,
            "timeout_express": f"{minutes}m",
        }
    )


def query_content(*, payment_id: str) -> str:
    """Return ``biz_content`` of the question what became of a trade."""
    return _compact({"out_trade_no": payment_id})


def refund_content(*, trade_no: str, key: str, amount_minor: int) -> str:
    """Return ``biz_content`` of a refund; ``key`` makes it happen once."""
    return _compact(
        {
            "trade_no": trade_no,
            "refund_amount": format_amount(amount_minor, CURRENCY),
            "out_request_no": key,
        }
    )


def refund_query_content(*, trade_no: str, key: str) -> str:
    """Return ``biz_content`` of the question whether a refund went through."""
    return _compact({"trade_no": trade_no, "out_request_no": key})


def read_form(body: bytes) -> dict[str, str]:
    """Read a notification: a form in UTF-8, each field once.

    Raises:
        NotAMessage: it is none.

    >>> read_form(b"a=1&b=%E8%8C%B6&c=")
    {'a': '1', 'b': '茶', 'c': ''}
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise NotAMessage from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise NotAMessage("a field twice")
    return form


def notice_text(form: Mapping[str, str]) -> str:
    """Return what the signature of a notification covers.

    Unlike a request's: without ``sign_type``, and empty fields count.

    >>> notice_text({"b": "2", "a": "", "sign": "x", "sign_type": "RSA2"})
    'a=&b=2'
    """
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(form.items())
        if name not in {"sign", "sign_type"}
    )


def trade_of(fields: Mapping[str, Any]) -> Trade:
    """Read a trade from a notification or an answer that is verified.

    Raises:
        NotAMessage: something is missing or odd.
    """
    try:
        trade = Trade(
            payment_id=_word(fields["out_trade_no"]),
            trade_no=_word(fields["trade_no"]),
            status=Status(fields["trade_status"]),
            amount_minor=parse_amount(fields["total_amount"], CURRENCY),
        )
    except (KeyError, InvalidAmount, ValueError, TypeError) as error:
        raise NotAMessage from error
    return trade


def is_refused(answer: Mapping[str, Any]) -> bool:
    """Whether an answer to a refund is a no that lasts."""
    return str(answer.get("sub_code", "")) in _NEVER


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise ValueError("no id")
    return value


def _compact(content: Mapping[str, str]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
