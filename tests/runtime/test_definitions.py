"""Deploying: all or nothing, all problems at once, versions, forms, and what a deployer should know."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from engine import runtime
from engine.errors import Conflict, DeploymentError, Forbidden, NotFound
from engine.models import Definition, Deployment, Instance, Resource, UserTask
from engine.runtime import definitions, instances, tasks
from tests.runtime import workflow_handlers  # noqa: F401 - registers the handlers
from tests.runtime.models import handler, model, script, user

pytestmark = pytest.mark.django_db

ARTICLE = Path(__file__).parents[3] / "shared" / "data" / "Async Demo App.zip"
FORM = b'{"key": "order", "name": "Order", "fields": [{"fieldType": "FormField", "id": "who", "name": "Who", "type": "text", "required": true}]}'


def test_a_new_deployment_of_a_key_is_a_new_version_and_running_instances_keep_theirs() -> None:
    runtime.deploy({"story.bpmn": model(user("enter"))}, name="one")
    old = runtime.start("story")
    runtime.deploy({"story.bpmn": model(user("other"))}, name="two")
    assert [d.version for d in Definition.objects.filter(key="story").order_by("version")] == [1, 2]
    assert UserTask.objects.get(instance=runtime.start("story")).node == "other"
    runtime.complete(UserTask.objects.get(instance=old).pk)
    assert instances.get(old.pk).state == Instance.State.COMPLETED


def test_all_problems_of_all_files_are_told_at_once_and_nothing_is_stored() -> None:
    bad = model(script("store", "var ;")).replace(b'targetRef="end"', b'targetRef="nowhere"')
    with pytest.raises(DeploymentError) as refused:
        runtime.deploy({"a.bpmn": bad, "b.bpmn": b"<not xml", "c.bpmn": model(user("enter"))}, name="bad")
    said = {(p.file, p.element) for p in refused.value.problems}
    assert {f for f, _ in said} == {"a.bpmn", "b.bpmn"}
    assert ("a.bpmn", "store") in said
    assert not Deployment.objects.exists()
    assert not Resource.objects.exists()


def test_two_processes_of_one_key_are_refused() -> None:
    with pytest.raises(DeploymentError, match=r"also in a\.bpmn"):
        runtime.deploy({"a.bpmn": model(user("enter")), "b.bpmn": model(user("enter"))}, name="twice")


def test_only_who_may_deploys(alice: User, admin: User) -> None:
    with pytest.raises(Forbidden):
        runtime.deploy({"a.bpmn": model(user("enter"))}, name="a", user=alice)
    assert runtime.deploy({"a.bpmn": model(user("enter"))}, name="a", user=admin).deployed_by == "admin"


def test_a_form_is_found_by_its_key_and_asks_for_what_it_needs(alice: User) -> None:
    form = 'flowable:assignee="alice" flowable:formKey="order"'
    runtime.deploy({"story.bpmn": model(user("enter", form)), "order.form": FORM}, name="with form")
    task = UserTask.objects.get(instance=runtime.start("story", user=alice))
    assert tasks.form_values(task, alice) == {"who": None}
    with pytest.raises(Exception, match="who"):
        tasks.submit(task.pk, {}, user=alice)
    tasks.submit(task.pk, {"who": "alice"}, user=alice)
    assert instances.get(task.instance_id).ended


def test_an_unknown_handler_is_a_warning_and_remote_work_in_a_transaction_another() -> None:
    made = runtime.deploy({"a.bpmn": model(handler("one", "nobody"), handler("near", "inside"), handler("far", "outside"))}, name="a")
    said = [str(w) for w in made.warnings]  # type: ignore[attr-defined]
    assert any("'${nobody}'" in s for s in said)
    assert any("'far' would run inside the transaction of 'near'" in s for s in said)


def test_an_async_step_between_them_needs_no_warning() -> None:
    steps = (handler("near", "inside"), handler("far", "outside", 'flowable:async="true"'))
    assert runtime.deploy({"a.bpmn": model(*steps)}, name="a").warnings == []  # type: ignore[attr-defined]


def test_a_deployment_with_running_instances_is_deleted_only_with_them() -> None:
    made = runtime.deploy({"story.bpmn": model(user("enter"))}, name="one")
    instance = runtime.start("story", variables={"long": "x" * 100_000})
    with pytest.raises(Conflict):
        definitions.delete_deployment(made.pk)
    definitions.delete_deployment(made.pk, cascade=True)
    assert not Instance.objects.filter(pk=instance.pk).exists()
    assert not UserTask.objects.exists()
    with pytest.raises(NotFound):
        definitions.latest("story")


def test_an_archive_is_deployed_as_a_whole() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("story.bpmn", model(user("enter", 'flowable:formKey="order"')))
        archive.writestr("order.form", FORM)
    made = definitions.deploy_upload("story.zip", packed.getvalue())
    assert made.name == "story"
    assert sorted(made.resources.values_list("kind", flat=True)) == ["form", "processDefinition"]


@pytest.mark.skipif(not ARTICLE.exists(), reason="the article's app is not here: ../shared/data/Async Demo App.zip")
def test_the_articles_own_app_is_deployed_unmodified() -> None:
    made = definitions.deploy_upload(ARTICLE.name, ARTICLE.read_bytes())
    assert Definition.objects.filter(deployment=made).count() == 5
    assert made.warnings == []  # type: ignore[attr-defined]
