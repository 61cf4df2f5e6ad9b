"""The site for a web server that speaks WSGI.

A body that comes in chunks, without saying how long it is, is measured before Django sees it. Connections to the database are looked
after when a request ends, and not again before the next one.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from engine.conf import settings as conf

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workflow_site.settings")

_SENDING = frozenset({"POST", "PUT", "PATCH"})
_MEGA = 1024 * 1024
_site = get_wsgi_application()

request_started.disconnect(close_old_connections)
if not settings.DEBUG:  # else Django keeps no list of queries
    request_started.disconnect(reset_queries)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django reads as much of a body as `Content-Length` says, and without one nothing at all."""
    if "CONTENT_LENGTH" not in environ and environ["REQUEST_METHOD"] in _SENDING:
        _measure(environ)
    return _site(environ, start_response)  # type: ignore[no-any-return]


def _measure(environ: dict[str, Any]) -> None:
    """Keep the body in memory or, a large one, in a file; of one that no view takes, so much that its length says it."""
    most = max(conf.MAX_BODY, conf.MAX_ZIP_SIZE) + 2 * _MEGA
    kept, sent, length = tempfile.SpooledTemporaryFile(max_size=_MEGA), environ["wsgi.input"], 0  # noqa: SIM115  # closed with the request
    while length <= most and (part := sent.read(min(_MEGA, most + 1 - length))):
        length += kept.write(part)
    kept.seek(0)
    environ.update({"CONTENT_LENGTH": str(length), "wsgi.input": kept})
