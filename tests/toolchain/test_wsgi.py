"""A body is read whether its client says how long it is or sends it in chunks; a longer one than any view takes is known as such."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest

from workflow_site import wsgi


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What Django makes of a call with this body: (length, body)."""
    monkeypatch.setattr(wsgi, "_site", lambda environ, _: WSGIRequest(environ))

    def call(body: bytes, method: str = "POST", **more: str) -> tuple[str | None, bytes]:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": "/", "wsgi.input": io.BytesIO(body), **more}
        request: Any = wsgi.application(environ, lambda *_: None)
        return request.META.get("CONTENT_LENGTH"), request.read()

    return call


def test_a_body_that_comes_in_chunks_is_read_whole(read: Any) -> None:
    large = b"x" * 3_000_000
    assert (read(b'{"a": 1}'), read(large), read(b"")) == (("8", b'{"a": 1}'), ("3000000", large), ("0", b""))


def test_a_length_that_is_said_counts(read: Any) -> None:
    assert read(b'{"a": 1}{"b": 2}', CONTENT_LENGTH="8") == ("8", b'{"a": 1}')


def test_what_sends_nothing_is_not_waited_for(read: Any) -> None:
    assert read(b"left alone", method="GET") == (None, b"")


def test_of_a_body_that_is_too_long_no_more_is_read_than_shows_it(read: Any, settings: Any) -> None:
    settings.ENGINE_MAX_BODY, settings.ENGINE_MAX_ZIP_SIZE = 2048, 1024
    length, body = read(b"x" * 9_000_000)
    assert (length, len(body)) == (str(2048 + 2 * 1024 * 1024 + 1), 2048 + 2 * 1024 * 1024 + 1)
