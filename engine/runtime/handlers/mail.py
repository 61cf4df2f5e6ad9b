"""The mail task: `to`, `cc`, `bcc`, `from`, `subject`, `text`, `html`, `charset`, sent through Django's own mail."""

from __future__ import annotations

import re
from typing import Any

from django.core.mail import EmailMultiAlternatives

from engine.errors import HandlerError
from engine.interpreter.journal import Answer, Invocation

_BREAK = re.compile(r"[\r\n]")


def send(call: Invocation) -> Answer:
    """Send one mail; raises HandlerError without a receiver or with a line break in a header."""
    fields = call.fields
    to, cc, bcc = (_addresses(fields.get(name)) for name in ("to", "cc", "bcc"))
    if not (to or cc or bcc):
        raise HandlerError(f"{call.node}: the mail has no receiver")
    text, html = _text(fields, "text", "textVar", call), _text(fields, "html", "htmlVar", call)
    subject, sender = _header(fields.get("subject"), call), _header(fields.get("from"), call) or None
    message = EmailMultiAlternatives(subject=subject, body=text or "", from_email=sender, to=to, bcc=bcc, cc=cc)
    if fields.get("charset"):
        message.encoding = str(fields["charset"])
    if html:
        message.attach_alternative(html, "text/html")
    return _sent(message, call)


def _sent(message: EmailMultiAlternatives, call: Invocation) -> Answer:
    """`ignoreException` lets the process go on without the mail, and `exceptionVariableName` gets the reason."""
    try:
        message.send()
    except OSError as error:
        if str(call.fields.get("ignoreException", "")).lower() != "true":
            raise
        variable = call.fields.get("exceptionVariableName")
        return Answer(set={str(variable): str(error)}) if variable else Answer()
    return Answer()


def _addresses(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else str(value or "").split(",")
    return [one for a in listed if (one := str(a).strip())]


def _header(value: Any, call: Invocation) -> str:
    text = str(value or "")
    if _BREAK.search(text):
        raise HandlerError(f"{call.node}: a line break in a mail header")
    return text


def _text(fields: Any, direct: str, by_name: str, call: Invocation) -> str | None:
    """The text itself, or the variable that a field names."""
    if fields.get(direct) is not None:
        return str(fields[direct])
    name = fields.get(by_name)
    return str(call.variables.get(str(name), "")) if name else None
