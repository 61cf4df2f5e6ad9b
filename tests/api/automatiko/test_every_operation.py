"""Every operation, at once and accepted, with each way in which callbacks log in: the whole product in processes of its own, real receivers
and a real token endpoint, and nothing but HTTP between them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.api.automatiko import site
from tests.api.automatiko.conftest import Receiver
from tests.automatiko_workflows import FILES
from tests.automatiko_workflows.__main__ import main as deploy

pytestmark = pytest.mark.slow
KEY = b"what callbacks are signed with ."
SECRET = "whsec_" + base64.b64encode(KEY).decode()


# -- who takes part -------------------------------------------------------------------------------------------------------
class TokenEndpoint(ThreadingHTTPServer):
    """Gives access tokens to the one client it knows; a refresh token is good for one use, then the next one is."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.refresh, self.given, self.refused = "r0", {"client_credentials": set[str](), "refresh_token": set[str]()}, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"

    def answer(self, form: dict[str, str]) -> dict[str, Any] | None:
        kind = form.get("grant_type", "")
        known = form.get("client_id") == "towpath" and form.get("client_secret") == "s&t=%"
        if not known or kind not in self.given or (kind == "refresh_token" and form.get("refresh_token") != self.refresh):
            self.refused += 1
            return None
        made = f"{kind}-{len(self.given[kind])}"
        self.given[kind].add(made)
        more = {}
        if kind == "refresh_token":
            self.refresh = f"r{int(self.refresh[1:]) + 1}"
            more = {"refresh_token": self.refresh}
        return {"access_token": made, "token_type": "Bearer", "expires_in": 3600, **more}


class _Asked(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        found = self.server.answer(form)
        self.send_response(200 if found else 400)
        body = json.dumps(found or {"error": "invalid_grant"}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@dataclass
class World:
    """The site, the receiver whose credentials are configured, another one, and the token endpoint."""

    site: site.Site
    receiver: Receiver
    other: Receiver
    tokens: TokenEndpoint

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> site.Answer:
        return self.site.call(method, f"/services/{path}", body, **headers)

    def hit(self, server: Receiver, path: str) -> dict[str, Any]:
        """The callback that came to a path; the only one."""
        until = time.monotonic() + 120
        with server.came:
            while not (found := [hit for hit in server.hits if hit["path"].partition("?")[0] == path]):
                assert server.came.wait(until - time.monotonic()), f"nothing came to {path}"
        assert len(found) == 1
        return found[0]


@contextmanager
def _serving(server: Any) -> Iterator[Any]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def own_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site.own_database(tmp_path_factory.mktemp("site")) as url:
        yield url


@pytest.fixture(scope="module")
def world(own_database: str) -> Iterator[World]:
    """One for all tests of this module."""
    with ExitStack() as stack:
        receiver, other = stack.enter_context(_serving(Receiver())), stack.enter_context(_serving(Receiver()))
        tokens = stack.enter_context(_serving(TokenEndpoint()))
        told = {
            "ENGINE_SERVICES_TRUSTED": 1, "ENGINE_CALLBACK_ALLOW": "127.0.0.1", "ENGINE_CALLBACK_SECRET": SECRET, "ENGINE_JOB_RETRIES": 1,
            "ENGINE_CALLBACK_AUTH": json.dumps([rule | {"targets": f"{receiver.url}/{kind}/"} for kind, rule in _rules(tokens).items()]),
            "HOOK_PASSWORD": "p:w d",
        }  # fmt: skip
        running = stack.enter_context(site.Site(own_database, **told))
        deploy(running.url, files=(*FILES, Path(__file__).with_name("matrix.bpmn")))
        yield World(running, receiver, other, tokens)


# -- how callbacks log in -------------------------------------------------------------------------------------------------
def _rules(tokens: TokenEndpoint) -> dict[str, dict[str, Any]]:
    oauth = {"kind": "oauth2", "token_url": tokens.url, "client_id": "towpath", "client_secret": "s&t=%"}
    return {
        "basic": {"kind": "basic", "user": "hook", "password": {"env": "HOOK_PASSWORD"}},
        "client-credentials": oauth,
        "refresh-token": {**oauth, "refresh_token": "r0"},
        "header": {"kind": "header", "name": "X-Api-Key", "value": "k 1"},
        "on-behalf": {"kind": "on-behalf", "name": "X-Tenant"},
        "query": {"kind": "query", "name": "key", "value": "q&1"},
    }


KINDS = ("none", "basic", "client-credentials", "refresh-token", "header", "on-behalf", "query")
OWN = {"X_Tenant": "t 1"}  # what every caller sends; it is passed on where a rule says so


def credentials(hit: dict[str, Any]) -> dict[str, str]:
    """All that a callback brought to log in with."""
    found = {name: hit["headers"][name] for name in ("authorization", "x-api-key", "x-tenant", "cookie") if name in hit["headers"]}
    return found | {name: value for name, (value,) in parse_qs(urlsplit(hit["path"]).query).items()}


def expected(kind: str, tokens: TokenEndpoint) -> list[dict[str, str]]:
    """What may come: of tokens any that was given."""
    bearer = {
        word: [{"authorization": f"Bearer {one}"} for one in tokens.given[grant]]
        for word, grant in (("client-credentials", "client_credentials"), ("refresh-token", "refresh_token"))
    }
    fixed: dict[str, dict[str, str]] = {
        "none": {}, "basic": {"authorization": "Basic " + base64.b64encode(b"hook:p:w d").decode()}, "header": {"x-api-key": "k 1"},
        "on-behalf": {"x-tenant": "t 1"}, "query": {"key": "q&1"},
    }  # fmt: skip
    return bearer.get(kind) or [fixed[kind]]


# -- the operations -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Operation:
    """How it is called, and the data model and the word that it comes to; `{task}` is claimed before where `claimed`."""

    path: str
    body: Any = None
    shows: tuple[Any, Any] = ("first", None)  # the name and the amount afterwards
    word: str = "Active"
    method: str = "POST"
    claimed: bool = False


TASK = "{task}?user=john"
OPERATIONS = {
    "start": Operation("matrix?businessKey={key}", {"name": "first"}),
    "update": Operation("matrix/{key}", {"amount": 7}, ("first", 7)),
    "complete": Operation(TASK, {"amount": 8}, ("first", 8)),
    "claim": Operation(f"{TASK}&phase=claim", {}),
    "release": Operation(f"{TASK}&phase=release", {}, claimed=True),
    "save": Operation(f"{TASK}&phase=save", {"amount": 9}),
    "skip": Operation(f"{TASK}&phase=skip", {}),
    "abort task": Operation(TASK, method="DELETE"),
    "signal": Operation("matrix/{key}/paid", {"name": "paid"}, ("paid", None)),
    "message": Operation("matrix/{key}/called", {"name": "called"}, ("called", None)),
    "trigger": Operation("matrix/{key}/trigger", {"amount": 10}, ("first", 10)),
    "abort": Operation("matrix/{key}", word="Aborted", method="DELETE"),
}


def prepared(world: World, what: Operation, key: str) -> str:
    """The path of the operation, on an instance of its own."""
    if "{key}" in what.path and "?businessKey" in what.path:
        return what.path.format(key=key)
    assert world.call("POST", f"matrix?businessKey={key}", {"name": "first"}).status == 200
    if "{task}" not in what.path:
        return what.path.format(key=key)
    (found,) = world.call("GET", f"matrix/{key}/tasks?user=john").json
    task = f"matrix/{key}/{found['name']}/{found['id']}"
    if what.claimed:
        assert world.call("POST", f"{task}?user=john&phase=claim", {}).status == 200
    return what.path.format(task=task)


def model(key: str, what: Operation) -> dict[str, Any]:
    return {"id": key, "metadata": None, "name": what.shows[0], "amount": what.shows[1]}


def check_signature(hit: dict[str, Any]) -> None:
    headers = hit["headers"]
    assert headers["x-atk-delivery"] == headers["webhook-id"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{hit['body']}".encode()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300  # as long as receivers take it for fresh


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_accepted_operation_is_told_to_its_receiver_with_his_credentials(world: World, name: str, kind: str) -> None:
    what, key, place = OPERATIONS[name], f"{name}-{kind}-async".replace(" ", "-"), f"/{kind}/{name.replace(' ', '-')}"
    path = prepared(world, what, key)
    answer = world.call(what.method, path, what.body, X_ATK_Mode="async", X_ATK_Callback=world.receiver.url + place, **OWN)
    assert (answer.status, answer.json["id"]) == (202, key)
    hit = world.hit(world.receiver, place)
    assert (hit["headers"]["x-atk-status"], json.loads(hit["body"])) == (what.word, model(key, what))
    assert hit["headers"]["content-type"] == "application/json"
    check_signature(hit)
    assert credentials(hit) in expected(kind, world.tokens)
    request = world.call("GET", "requests/" + answer.headers["location"].rpartition("/")[2]).json
    assert (request["state"], request["status"], request["result"]) == ("done", 200, model(key, what))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_at_once_answers_the_same_and_calls_nobody_back(world: World, name: str, kind: str) -> None:
    what, key = OPERATIONS[name], f"{name}-{kind}-sync".replace(" ", "-")
    path = prepared(world, what, key)
    answer = world.call(what.method, path, what.body, X_ATK_Callback=f"{world.receiver.url}/{kind}/sync", **OWN)
    assert (answer.status, answer.json) == (200, model(key, what))
    assert "location" not in answer.headers
    assert world.call("GET", f"matrix/{key}").status == (404 if what.word == "Aborted" else 200)
    assert not [hit for hit in world.receiver.hits if "/sync" in hit["path"]]


@pytest.mark.parametrize("kind", KINDS)
def test_credentials_arrive_nowhere_else(world: World, kind: str) -> None:
    """The same path of another receiver, another path of the same one, and one that only begins alike."""
    for server, place in ((world.other, f"/{kind}/x"), (world.receiver, f"/else/{kind}"), (world.receiver, f"/{kind}-too")):
        callback = {"X_ATK_Mode": "async", "X_ATK_Callback": server.url + place}
        assert world.call("POST", "scripts", {"name": "john"}, **callback, **OWN).status == 202
        assert credentials(world.hit(server, place)) == {}


@pytest.mark.parametrize(
    ("workflow", "values", "status", "word", "body"),
    [
        ("scripts", {"name": "john"}, 200, "Completed", {"name": "john", "lastName": None, "message": "Hello john", "metadata": None}),
        ("errors", {"name": "john"}, 410, "Aborted", {"details": "here is the error"}),
        ("scripts", {}, 500, "Failed", {"name": None, "lastName": None, "message": None}),
    ],
)
def test_every_way_to_end_is_told(world: World, workflow: str, values: Any, status: int, word: str, body: Any) -> None:
    assert world.call("POST", workflow, values).status == status
    place = f"/basic/{workflow}-{word}"
    assert world.call("POST", workflow, values, X_ATK_Mode="async", X_ATK_Callback=world.receiver.url + place).status == 202
    hit = world.hit(world.receiver, place)
    assert hit["headers"]["x-atk-status"] == word
    assert body.items() <= json.loads(hit["body"]).items()
    check_signature(hit)


def test_the_token_endpoint_was_never_asked_with_a_refresh_token_that_had_been_used(world: World) -> None:
    assert world.tokens.refused == 0
    assert all(len(given) <= 1 for given in world.tokens.given.values())
