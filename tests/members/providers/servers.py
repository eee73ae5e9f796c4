"""WeChat and Alipay on this machine: as strict as they are documented to be.

They check app, secret, signature, time, and that a code is used once and in time. Each
can also misbehave: ``server.fault`` names how the next answers go wrong.
"""

import base64
import gzip
import json
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass
class Person:
    """Somebody with an account there. ``openids`` by app id."""

    openids: dict[str, str]
    unionid: str = ""
    user_id: str = ""
    nickname: str = ""


@dataclass
class Code:
    app_id: str
    person: Person
    good_until: float
    used: bool = False


class Server:
    """A server in a thread; a context manager. ``url`` is its base address."""

    content_type = "application/json;charset=utf-8"

    def __init__(self):
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Code] = {}
        self.fault = ""
        self.seen: list[tuple[str, dict]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                server.reply(self, parts.path, dict(parse_qsl(parts.query)))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: last[-1] for name, last in parse_qs(body).items()}
                server.reply(self, urlsplit(self.path).path, form)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def code(self, app_id, person, *, lives=300.0):
        """Return a code as the app would get it after the person said yes."""
        code = secrets.token_hex(16)
        self.codes[code] = Code(app_id, person, time.monotonic() + lives)
        return code

    def spend(self, code, app_id):
        """Return (code, "") once, or (None, why not)."""
        found = self.codes.get(code)
        if found is None or found.app_id != app_id:
            return None, "unknown"
        if found.used:
            return None, "used"
        if time.monotonic() > found.good_until:
            return None, "expired"
        found.used = True
        return found, ""

    def reply(self, handler, path, given):
        self.seen.append((path, given))
        status, kind, headers = 200, self.content_type, {}
        body = self.answer(path, given).encode()
        if self.fault == "redirect":
            status, headers = 302, {"Location": f"{self.url}/elsewhere"}
        elif self.fault == "broken":
            status = 502
        elif self.fault == "html":
            kind, body = "text/html", b"<html><body>Please try again.</body></html>"
        elif self.fault == "malformed":
            body = body[:-1]
        elif self.fault == "list":
            body = b'["openid"]'
        elif self.fault == "deep":
            body = b"[" * 60_000
        elif self.fault == "gbk":
            body = '{"openid": "张三"}'.encode("gb18030")
        elif self.fault == "huge":
            body += b" " * 70_000  # Still good JSON, wherever it is cut.
        elif self.fault == "compressed":
            body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
        elif self.fault == "silent":
            time.sleep(1.5)
        handler.send_response(status)
        headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            if self.fault == "slow":
                for byte in body:
                    handler.wfile.write(bytes([byte]))
                    handler.wfile.flush()
                    time.sleep(0.1)
            else:
                handler.wfile.write(body)
        except OSError:
            pass  # The caller had enough.


class WeChatServer(Server):
    """``api.weixin.qq.com``. ``apps`` holds the secret per app id."""

    content_type = "text/plain"

    def __init__(self, apps):
        super().__init__()
        self.apps = apps
        self.errcode = 0

    def answer(self, path, given):
        return json.dumps(self.checked(path, given), ensure_ascii=False)

    def checked(self, path, given):
        if self.errcode:
            return {"errcode": self.errcode, "errmsg": "as asked"}
        if path == "/sns/userinfo":
            return self.userinfo(given)
        if given.get("appid") not in self.apps:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if given.get("secret") != self.apps[given["appid"]]:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if given.get("grant_type") != "authorization_code":
            return {"errcode": 40002, "errmsg": "invalid grant_type"}
        mini = path == "/sns/jscode2session"
        code, why = self.spend(given["js_code" if mini else "code"], given["appid"])
        if code is None:
            return {
                "errcode": {"used": 40163, "expired": 42003}.get(why, 40029),
                "errmsg": "invalid code, rid: 6543",
            }
        names = {"openid": code.person.openids[code.app_id]}
        if code.person.unionid:
            names["unionid"] = code.person.unionid
        if mini:
            return {**names, "session_key": "HyVFkGl5F5OQWJZZaNzBBg=="}
        token = secrets.token_hex(16)
        self.tokens[token] = code
        return {
            **names,
            "access_token": token,
            "expires_in": 7200,
            "refresh_token": "REFRESH",
            "scope": "snsapi_login",
        }

    def userinfo(self, given):
        code = self.tokens.get(given.get("access_token", ""))
        if code is None:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        if code.person.openids[code.app_id] != given.get("openid"):
            return {"errcode": 40003, "errmsg": "invalid openid"}
        openid = "somebody-else" if self.fault == "other" else given["openid"]
        return {
            "openid": openid,
            "nickname": code.person.nickname,
            "headimgurl": "https://thirdwx.qlogo.cn/mmopen/x/132",
            "unionid": code.person.unionid,
        }


class AlipayServer(Server):
    """``openapi.alipay.com``: refuses requests that are not signed by the shop's key."""

    def __init__(self, app_ids, shop_key):
        super().__init__()
        self.app_ids = app_ids
        self.shop_key = shop_key
        self.key = make_key()
        self.signing_key = self.key
        self.sub_code = ""

    def answer(self, path, given):
        node, content = self.checked(path, given)
        text = json.dumps(content, ensure_ascii=False, separators=(", ", ": "))
        if content.get("sub_code") == "isv.invalid-app-id":
            return f'{{"{node}":{text}}}'  # Whose key would it sign with?
        signature = base64.b64encode(
            self.signing_key.sign(text.encode(), PKCS1v15(), SHA256())
        ).decode()
        if self.fault == "forged":
            text = text.replace("2088", "2089")
        if self.fault == "unsigned":
            return f'{{"{node}":{text}}}'
        return f'{{"{node}":{text},"sign":"{signature}"}}'

    def checked(self, path, given):
        def error(sub_code):
            return "error_response", {
                "code": "40002",
                "msg": "Invalid Arguments",
                "sub_code": sub_code,
                "sub_msg": "非法的参数",
            }

        method = given.get("method", "")
        node = f"{method.replace('.', '_')}_response"
        if path != "/gateway.do" or given.get("app_id") not in self.app_ids:
            return error("isv.invalid-app-id")
        fixed = {"charset": "utf-8", "sign_type": "RSA2", "version": "1.0"}
        if any(given.get(name) != value for name, value in fixed.items()):
            return error("isv.invalid-charset")
        at = datetime.fromisoformat(f"{given['timestamp']}+08:00")
        if abs(datetime.now(UTC) - at) > timedelta(minutes=15):
            return error("isv.invalid-timestamp")
        text = "&".join(f"{n}={given[n]}" for n in sorted(given) if n != "sign")
        try:
            self.shop_key.verify(
                base64.b64decode(given["sign"]), text.encode(), PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            return error("isv.invalid-signature")
        if self.sub_code:
            return error(self.sub_code)
        return self.serve(method, node, given, error)

    def serve(self, method, node, given, error):
        if method == "alipay.user.info.share":
            return node, self.profile(given)
        code, why = self.spend(given.get("code", ""), given["app_id"])
        if code is None:
            return error("isv.code-is-reused" if why == "used" else "isv.code-invalid")
        token = f"composeB{secrets.token_hex(12)}"
        self.tokens[token] = code
        return node, {
            **self.names(code),
            "access_token": token,
            "expires_in": 3600,
            "refresh_token": "composeR",
        }

    def names(self, code):
        names = {}
        if code.app_id in code.person.openids:
            names["open_id"] = code.person.openids[code.app_id]
        if code.person.user_id:
            names["user_id"] = code.person.user_id
        return names

    def profile(self, given):
        code = self.tokens.get(given.get("auth_token", ""))
        if code is None:
            return {"code": "20001", "sub_code": "aop.invalid-auth-token"}
        return {
            "code": "10000",
            "msg": "Success",
            **self.names(code),
            "nick_name": code.person.nickname,
            "avatar": "https://tfs.alipayobjects.com/images/partner/x",
        }


def make_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key):
    return (
        key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
