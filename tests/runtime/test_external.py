"""What an external worker is given, and what comes back from him."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine import runtime
from engine.models import Instance, Job, UserTask
from engine.runtime import external, instances
from tests.runtime.models import model, user
from tests.runtime.queue import drain

pytestmark = pytest.mark.django_db

GIVEN = '<flowable:externalWorkerInParameter source="when" target="moment"/>'
BACK = '<flowable:externalWorkerOutParameter source="bake" target="minutes"/>'


def start(parameters: str, **variables: object) -> Instance:
    work = f'<serviceTask id="work" flowable:type="external-worker" flowable:topic="oven"><extensionElements>{parameters}</extensionElements></serviceTask>'
    runtime.deploy({"story.bpmn": model(work, user("after", ""))}, name="story")
    return runtime.start("story", variables=variables)


def test_a_worker_is_given_what_the_in_parameters_name_with_its_type() -> None:
    when = datetime(2030, 1, 31, 12, tzinfo=UTC)
    start(GIVEN, when=when, other=1)
    (job,) = external.acquire("oven", "w", timedelta(minutes=1))
    assert external.inputs([job]) == {job.pk: {"moment": when}}


def test_without_in_parameters_a_worker_sees_all_variables() -> None:
    start("", size=3)
    (job,) = external.acquire("oven", "w", timedelta(minutes=1))
    assert external.inputs([job])[job.pk]["size"] == 3


def test_only_what_the_out_parameters_name_comes_back_when_the_cluster_runs_the_answer() -> None:
    instance = start(GIVEN + BACK, when=datetime(2030, 1, 31, tzinfo=UTC))
    (job,) = external.acquire("oven", "w", timedelta(minutes=1))
    external.complete(job.pk, "w", {"bake": 12, "secret": 1})
    assert Job.objects.get().state == "ready"
    drain()
    assert UserTask.objects.get().node == "after"
    found = instances.variables(instance.pk)
    assert found["minutes"] == 12
    assert "secret" not in found
