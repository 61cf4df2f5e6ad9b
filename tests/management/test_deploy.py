"""`manage.py deploy` says what it deployed, or lists everything that is wrong, and then nothing is stored."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from engine.models import Definition, Deployment
from tests.runtime.models import model, user

pytestmark = pytest.mark.django_db

ARTICLE = Path(__file__).parents[3] / "shared" / "data" / "Async Demo App.zip"
FORM = b'{"key": "order", "name": "Order", "fields": [{"fieldType": "FormField", "id": "who", "name": "Who", "type": "text"}]}'


def deploy(*files: Path, **options: str) -> str:
    said = StringIO()
    call_command("deploy", *files, stdout=said, **options)
    return said.getvalue()


def test_deploys_several_files_as_one(tmp_path: Path) -> None:
    (tmp_path / "order.bpmn").write_bytes(model(user("enter", 'flowable:formKey="order"')))
    (tmp_path / "order.form").write_bytes(FORM)
    said = deploy(tmp_path / "order.bpmn", tmp_path / "order.form", name="orders")
    assert said == "story, version 1: Story\norders is deployed.\n"
    assert Deployment.objects.get().resources.count() == 2


def test_lists_all_problems_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.bpmn").write_bytes(model(user("enter")).replace(b'targetRef="end"', b'targetRef="nowhere"'))
    (tmp_path / "b.bpmn").write_bytes(b"<no xml")
    with pytest.raises(CommandError) as refused:
        deploy(tmp_path / "a.bpmn", tmp_path / "b.bpmn")
    said = str(refused.value)
    assert said.startswith("Nothing was deployed: there are")
    assert "a.bpmn, line 1" in said
    assert "b.bpmn" in said
    assert not Deployment.objects.exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nothing\.bpmn"):
        deploy(tmp_path / "nothing.bpmn")


@pytest.mark.skipif(not ARTICLE.exists(), reason="the article's app is not here: ../shared/data/Async Demo App.zip")
def test_deploys_the_articles_app_unmodified() -> None:
    assert deploy(ARTICLE).endswith("Async Demo App is deployed.\n")
    assert Definition.objects.count() == 5
