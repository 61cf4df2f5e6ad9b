"""One attempt to deliver a callback: its headers, its credentials, the POST, and what the answer means."""

from __future__ import annotations

import base64
import random
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import requests
from urllib3.exceptions import ProtocolError

from engine.conf import settings as conf
from engine.errors import BadInput
from engine.models import Delivery
from engine.runtime.callbacks import credentials, signing, targets, transport
from engine.runtime.callbacks.credentials import Rule
from engine.runtime.callbacks.renewals import NoToken
from engine.runtime.callbacks.targets import Target
from engine.runtime.callbacks.tokens import Tokens
from engine.runtime.callbacks.transport import Answer, OutOfTime, Watch

AGENT = "Towpath"
GONE = 410  # the receiver wants no more


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt: the receiver's answer, or the error that kept it from being one."""

    answer: Answer | None = None
    error: str | None = None
    final: bool = False  # no further attempt helps

    @property
    def delivered(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status < 300


class Sender:
    """What the threads of a pool share."""

    def __init__(self) -> None:
        self.tokens = Tokens()

    def attempt(self, http: requests.Session, delivery: Delivery, watch: Watch) -> Result:
        """Deliver once; never raises for what a receiver, a token endpoint or the network does."""
        try:
            target = targets.check(delivery.url)
            rule = credentials.rule_for(target, delivery.workflow)
            answer = self._posted(http, delivery, target, rule, watch)
        except BadInput as error:
            return Result(error=str(error), final=True)
        except transport.InvalidIPAddress:
            return Result(error="the name leads to a private address by now", final=True)
        except (NoToken, OutOfTime) as error:
            return Result(error=str(error))
        except (requests.RequestException, OSError) as error:
            return Result(error=_said(error))
        return _judged(answer)

    def _posted(self, http: requests.Session, delivery: Delivery, target: Target, rule: Rule | None, watch: Watch) -> Answer:
        token = self.tokens.get(rule) if rule and rule.kind in ("oauth", "oauth2") else None
        answer = _post(http, delivery, target, rule, token, watch)
        if answer.status == 401 and rule and token and not rule.given.get("token"):
            answer = _post(http, delivery, target, rule, self.tokens.get(rule, refused=token), watch)
        return answer


def _post(http: requests.Session, delivery: Delivery, target: Target, rule: Rule | None, token: str | None, watch: Watch) -> Answer:
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "X-ATK-Status": delivery.status,
        "User-Agent": AGENT,
        **signing.headers(str(delivery.pk), int(time.time()), body),
        **_login(delivery, rule, token),
    }
    return transport.post(http, _address(target, rule), body, headers, watch, most=conf.CALLBACK_RESPONSE)


def _login(delivery: Delivery, rule: Rule | None, token: str | None) -> dict[str, str]:
    """The header that a rule adds; none where something is missing for it."""
    if rule is None:
        return {}
    given = rule.given
    match rule.kind:
        case "basic":
            plain = f"{given['user']}:{given['password']}" if "user" in given and "password" in given else None
            encoded = base64.b64encode(plain.encode()).decode() if plain is not None else given.get("encoded")
            return {"Authorization": f"Basic {encoded}"} if encoded else {}
        case "oauth" | "oauth2":
            return {"Authorization": f"Bearer {token}"}
        case "custom" | "header":
            return {given["name"]: given["value"]}
        case "on-behalf" if delivery.secret:
            value = credentials.decrypted(delivery.secret)
            return {rule.header: value} if value else {}
    return {}


def _address(target: Target, rule: Rule | None) -> str:
    """The address, with the parameter that a rule adds."""
    if rule is None or rule.kind != "query":
        return target.url
    return f"{target.url}{'&' if '?' in target.url else '?'}{urlencode({rule.given['name']: rule.given['value']})}"


def _said(error: Exception) -> str:
    """The kind of trouble; the texts of the HTTP library may hold the address with its parameters."""
    if isinstance(error, requests.ConnectionError) and error.args and isinstance(error.args[0], ProtocolError):
        return "the connection broke off without an answer"
    kinds = {
        requests.exceptions.SSLError: "TLS failed",
        requests.exceptions.ConnectionError: "no connection",
        requests.exceptions.InvalidHeader: "a header cannot be sent",
    }
    return next((said for kind, said in kinds.items() if isinstance(error, kind)), type(error).__name__)


def _judged(answer: Answer) -> Result:
    if 200 <= answer.status < 300:
        return Result(answer)
    if 300 <= answer.status < 400:
        return Result(answer, f"it answered {answer.status}; redirects are not followed", final=True)
    return Result(answer, f"it answered {answer.status}", final=answer.status == GONE)


def wait_after(tries: int, answer: Answer | None) -> float:
    """How long to wait after so many failed attempts, in seconds: doubling, with jitter; longer if the receiver says so."""
    wait = min(conf.CALLBACK_MAX_WAIT, conf.CALLBACK_WAIT * 2.0 ** min(tries - 1, 40))
    wait *= random.uniform(0.75, 1.25)  # noqa: S311  # only spreads the load
    asked = answer.retry_after if answer is not None and answer.status in (429, 503) else None
    return min(conf.CALLBACK_MAX_WAIT, max(wait, float(asked) if asked and asked.isdecimal() and len(asked) < 8 else 0.0))
