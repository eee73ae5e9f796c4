"""Alipay's payments on this machine: signs, checks and forgets nothing.

``AlipayServer`` checks app, time and signature of every call. Here are its trades: the
buyer opens the page, pays, gets money back, and notifications are made as the real
gateway would make them.
"""

import base64
import itertools
import json
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.members.providers.servers import AlipayServer

APP, SELLER = "2021000000000009", "2088100000000009"


@dataclass
class Trade:
    out_trade_no: str
    trade_no: str
    total: Decimal
    notify_url: str
    status: str = "WAIT_BUYER_PAY"
    #: Money given back by ``out_request_no``.
    refunds: dict[str, Decimal] = field(default_factory=dict)


class AlipayPayServer(AlipayServer):
    """``openapi.alipay.com`` for one seller."""

    def __init__(self, shop_key):
        super().__init__({APP}, shop_key)
        self.trades: dict[str, Trade] = {}
        self.numbers = itertools.count(1)
        #: Sub codes of the next refunds, one each; "" goes through.
        self.next_refunds: list[str] = []
        #: The next refunds go through, but their answers say that nothing moved.
        self.says_nothing_moved = False

    # --- What people do ---

    def open_page(self, pay_url):
        """Open the page as the buyer's browser does."""
        given = dict(parse_qsl(urlsplit(pay_url).query))
        self.seen.append(("page", given))
        node, content = self.checked(urlsplit(pay_url).path, given)
        assert content["code"] == "10000", (node, content)
        return self.trades[content["out_trade_no"]]

    def notice(self, trade, **changed):
        """Return the body of the notification about a trade."""
        form = {
            "notify_id": f"notify{next(self.numbers):030d}",
            "notify_type": "trade_status_sync",
            "notify_time": "2026-11-21 12:00:00",
            "app_id": APP,
            "charset": "utf-8",
            "version": "1.0",
            "seller_id": SELLER,
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
            "total_amount": f"{trade.total:.2f}",
            "subject": "Regulars 店铺 & 茶",
            "passback_params": "",
            **changed,
        }
        text = "&".join(f"{name}={form[name]}" for name in sorted(form))
        signature = self.signing_key.sign(text.encode(), PKCS1v15(), SHA256())
        form["sign_type"] = "RSA2"
        form["sign"] = base64.b64encode(signature).decode()
        return urlencode(form).encode()

    # --- What the shop asks ---

    def serve(self, method, node, given, error):
        content = json.loads(given["biz_content"])
        verb = method.removeprefix("alipay.trade.").replace(".", "_")
        answer = getattr(self, f"do_{verb}")(content, given)
        ok = {"code": "10000", "msg": "Success"}
        return node, answer if "sub_code" in answer else {**ok, **answer}

    def no(self, sub_code):
        return {"code": "40004", "msg": "Business Failed", "sub_code": sub_code}

    def found(self, content):
        """Return a trade by either of its names."""
        named = self.trades.get(content.get("out_trade_no", ""))
        by_number = {trade.trade_no: trade for trade in self.trades.values()}
        return named or by_number.get(content.get("trade_no", ""))

    def do_page_pay(self, content, given):
        assert content["product_code"] == "FAST_INSTANT_TRADE_PAY"
        out_trade_no = content["out_trade_no"]
        trade = Trade(
            out_trade_no=out_trade_no,
            trade_no=f"20261121{next(self.numbers):020d}",
            total=Decimal(content["total_amount"]),
            notify_url=given["notify_url"],
        )
        self.trades.setdefault(out_trade_no, trade)
        return {"out_trade_no": out_trade_no}

    def do_query(self, content, given):
        trade = self.found(content)
        if trade is None:
            return self.no("ACQ.TRADE_NOT_EXIST")
        return {
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
            "total_amount": f"{trade.total:.2f}",
        }

    def do_refund(self, content, given):
        trade = self.found(content)
        if trade is None:
            return self.no("ACQ.TRADE_NOT_EXIST")
        sub_code = self.next_refunds.pop(0) if self.next_refunds else ""
        if sub_code:
            return self.no(sub_code)
        key, amount = content["out_request_no"], Decimal(content["refund_amount"])
        moved = key not in trade.refunds
        if moved and sum(trade.refunds.values()) + amount > trade.total:
            return self.no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        if not moved and trade.refunds[key] != amount:
            return self.no("ACQ.DISCORDANT_REPEAT_REQUEST")
        trade.refunds.setdefault(key, amount)
        if sum(trade.refunds.values()) == trade.total:
            trade.status = "TRADE_CLOSED"
        fund_change = "Y" if moved and not self.says_nothing_moved else "N"
        return {"trade_no": trade.trade_no, "fund_change": fund_change}

    def do_fastpay_refund_query(self, content, given):
        trade = self.found(content)
        key = content["out_request_no"]
        if trade is None or key not in trade.refunds:
            return {}
        return {
            "trade_no": trade.trade_no,
            "out_request_no": key,
            "refund_amount": f"{trade.refunds[key]:.2f}",
            "refund_status": "REFUND_SUCCESS",
        }
