"""The id of a call: in its answer, in each line that is logged meanwhile, and in what its jobs log when they run."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from engine import tracing
from engine.errors import TechnicalError
from engine.management.commands.workflow_cluster import AsJson
from engine.models import Job
from engine.runtime import jobs, queries
from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db

FAILING = model("failing", line('<serviceTask id="store" name="Store it" flowable:async="true" flowable:expression="${missing}"/>'))
CALL = {"X-Request-Id": "order-17"}


class Lines(logging.Handler):
    """Keeps lines as the console's handler would write them."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(tracing.Request())
        self.setFormatter(logging.Formatter("[%(request_id)s] %(message)s"))
        self.all: list[str] = []
        self.told: list[dict[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(self.format(record))
        self.told.append(json.loads(AsJson().format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    found = Lines()
    loggers = [logging.getLogger(name) for name in ("towpath", "django.request")]
    for logger in loggers:
        logger.addHandler(found)
    yield found
    for logger in loggers:
        logger.removeHandler(found)


def fail_one_job() -> None:
    with pytest.raises(TechnicalError):
        jobs.run_now(Job.objects.get().pk)


def test_stands_in_every_answer(of_alice: Api) -> None:
    for path in ("/api/runtime/tasks", "/api/no/such/path", "/api/openapi.json", "/healthz"):
        assert of_alice.http.get(path, headers=CALL)["X-Request-Id"] == "order-17"
        assert Client().get(path)["X-Request-Id"] != Client().get(path)["X-Request-Id"]


def test_stands_in_what_is_logged_while_it_is_answered(of_alice: Api, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(queries.tasks), "one", fail)
    of_alice.http.get("/api/runtime/tasks/nobody", headers=CALL)
    assert [text.partition(" ")[0] for text in lines.all] == ["[order-17]", "[order-17]"]  # ours, and Django's own afterwards
    assert [one["request"] for one in lines.told] == ["order-17", "order-17"]


def test_stands_in_what_the_jobs_log_that_the_call_left(operator: Api, lines: Lines) -> None:
    operator.deploy(FAILING)
    sent = {"processDefinitionKey": "failing"}
    assert operator.http.post("/api/runtime/process-instances", sent, content_type="application/json", headers=CALL).status_code == 201
    assert tracing.current() is None
    fail_one_job()
    assert any(text.startswith("[order-17] job ") and "Store it" in text for text in lines.all)
    assert [one["request"] for one in lines.told if "Store it" in one["message"]] == ["order-17"]


def test_is_the_operators_own_when_he_runs_the_job(operator: Api, lines: Lines) -> None:
    operator.deploy(FAILING)
    operator.start("failing")
    path = f"/api/management/jobs/{Job.objects.get().pk}"
    answer = operator.http.post(path, {"action": "execute"}, content_type="application/json", headers={"X-Request-Id": "repair-1"})
    assert answer.status_code == 500
    assert any(text.startswith("[repair-1] job ") for text in lines.all)


def test_is_a_dash_where_nobody_called(lines: Lines) -> None:
    logging.getLogger("towpath.jobs").warning("by itself")
    assert lines.all == ["[-] by itself"]
    assert "request" not in lines.told[0]
