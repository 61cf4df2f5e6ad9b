"""`repository/deployments`: what can be deployed, seen and taken away, and by whom."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile

from engine.models import Definition, Deployment, Resource
from tests.api.conftest import REVIEW, Api, model

pytestmark = pytest.mark.django_db

PATH = "repository/deployments"


def archive(**files: bytes) -> bytes:
    """A zip file; `_` in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in files.items():
            z.writestr(name.replace("_", "."), data)
    return out.getvalue()


def test_deploys_a_model(operator: Api) -> None:
    made = operator.deploy(REVIEW, "review.bpmn20.xml")
    assert made["name"] == "review"
    assert made["url"].endswith(f"/api/{PATH}/{made['id']}")
    assert operator.get(f"{PATH}/{made['id']}") == made


def test_deploys_an_archive_with_all_its_files(operator: Api) -> None:
    made = operator.deploy(archive(review_bpmn=REVIEW, readme_txt=b"hello"), "office.bar")
    found = operator.get(f"{PATH}/{made['id']}/resources")
    assert [(r["id"], r["type"], r["mediaType"]) for r in found] == [
        ("readme.txt", "resource", "text/plain"),
        ("review.bpmn", "processDefinition", "text/xml"),
    ]


def test_gives_a_file_back_as_it_came_and_not_as_a_page(operator: Api) -> None:
    made = operator.deploy(REVIEW, "review.bpmn20.xml")
    answer = operator.http.get(f"/api/{PATH}/{made['id']}/resourcedata/review.bpmn20.xml")
    assert (answer.content, answer["Content-Type"]) == (REVIEW, "text/xml")
    assert "sandbox" in answer["Content-Security-Policy"]


def test_takes_the_name_from_the_address(operator: Api) -> None:
    file = io.BytesIO(REVIEW)
    file.name = "review.bpmn20.xml"
    made = operator.http.post(f"/api/{PATH}?deploymentName=Offices&tenantId=north", {"file": file}).json()
    assert (made["name"], made["tenantId"]) == ("Offices", "north")


def test_makes_a_new_version_of_a_key(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(REVIEW)
    found = operator.get("repository/process-definitions", {"key": "review", "sort": "version", "order": "desc"})
    assert [d["version"] for d in found["data"]] == [2, 1]
    assert operator.get("repository/process-definitions", {"key": "review", "latest": "true"})["data"][0]["version"] == 2


def test_deletes_a_deployment_with_its_definitions(operator: Api) -> None:
    made = operator.deploy(REVIEW)
    operator.send("DELETE", f"{PATH}/{made['id']}", status=204)
    operator.get(f"{PATH}/{made['id']}", status=404)
    operator.send("DELETE", f"{PATH}/{made['id']}", status=404)
    assert not Definition.objects.exists()


def test_deletes_running_instances_only_with_cascade(operator: Api) -> None:
    made = operator.deploy(REVIEW)
    instance = operator.start("review")
    operator.send("DELETE", f"{PATH}/{made['id']}", status=409)
    operator.send("DELETE", f"{PATH}/{made['id']}?cascade=true", status=204)
    operator.get(f"history/historic-process-instances/{instance}", status=404)


REFUSED = {
    "no model": ("notes.txt", b"no process at all"),
    "broken XML": ("broken.bpmn20.xml", b"<definitions><process id='x'>"),
    "no process": ("empty.bpmn", b"<a/>"),
    "a broken archive": ("office.zip", b"PK nothing"),
    "an archive that climbs": ("office.zip", archive(**{"../evil_bpmn": REVIEW})),
    "a bomb": ("bomb.bpmn", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><definitions>&a;</definitions>'),
    "nothing": ("empty.bpmn", b""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_and_stores_nothing_of(operator: Api, name: str) -> None:
    filename, data = REFUSED[name]
    assert operator.deploy(data, filename, status=400)["exception"]
    assert not Deployment.objects.exists()
    assert not Resource.objects.exists()


def test_lists_all_problems_of_a_refused_model_with_element_and_line(operator: Api) -> None:
    data = model("bad", '<startEvent id="a"/>\n<sequenceFlow id="f" sourceRef="a" targetRef="nowhere"/>\n<businessRuleTask id="g"/>')
    problems = operator.deploy(data, status=400)["problems"]
    assert {p["element"] for p in problems} >= {"f", "g"}
    assert all(p["line"] for p in problems if p["element"] in ("f", "g"))


def test_refuses_a_call_without_a_file(operator: Api) -> None:
    assert operator.http.post(f"/api/{PATH}", {"deploymentKey": "nothing"}).status_code == 400


def test_deploys_several_files_as_one(operator: Api) -> None:
    other = model("other", "<startEvent id='begin'/>")
    uploads = [SimpleUploadedFile("review.bpmn", REVIEW), SimpleUploadedFile("office.zip", archive(other_bpmn=other))]
    made = operator.http.post(f"/api/{PATH}", {"file": uploads, "deploymentName": "Office"}).json()
    assert made["name"] == "Office"
    assert {file["id"] for file in operator.get(f"{PATH}/{made['id']}/resources")} == {"review.bpmn", "other.bpmn"}
    assert operator.get("repository/process-definitions", {"deploymentId": made["id"]})["total"] == 2


def test_refuses_several_files_of_which_one_is_wrong_or_two_have_one_name(operator: Api) -> None:
    for name in ("review.bpmn", "notes.txt"):
        uploads = [SimpleUploadedFile("review.bpmn", REVIEW), SimpleUploadedFile(name, REVIEW)]
        answer = operator.http.post(f"/api/{PATH}", {"file": uploads})
        assert (answer.status_code, answer.json()["field"]) == (400, "file")
    assert not Deployment.objects.exists()


def test_refuses_a_call_that_is_no_multipart(operator: Api) -> None:
    operator.send("POST", PATH, {"name": "no multipart"}, status=415)


@pytest.mark.parametrize("key", ["nobody", "00000000-0000-0000-0000-000000000000"])
def test_knows_no_other_deployment(operator: Api, key: str) -> None:
    operator.get(f"{PATH}/{key}", status=404)
    operator.get(f"{PATH}/{key}/resources", status=404)


def test_knows_no_other_file(operator: Api) -> None:
    made = operator.deploy(REVIEW)
    operator.get(f"{PATH}/{made['id']}/resources/other.xml", status=404)
    operator.get(f"{PATH}/{made['id']}/resourcedata/../../settings.py", status=404)


def test_lets_only_deployers_deploy_and_see_deployments(operator: Api, of_alice: Api, alice: User, api: Callable[[User], Api]) -> None:
    made = operator.deploy(REVIEW)
    of_alice.deploy(REVIEW, status=403)
    of_alice.get(f"{PATH}/{made['id']}", status=404)
    assert of_alice.get(PATH)["total"] == 0
    alice.user_permissions.add(Permission.objects.get(codename="deploy"))
    api(User.objects.get(pk=alice.pk)).deploy(REVIEW)


def test_tells_what_may_be_wrong_though_it_prevents_nothing(operator: Api) -> None:
    made = operator.deploy(REVIEW.replace(b"<userTask ", b'<userTask flowable:formKey="no-such-form" ', 1), "review.bpmn20.xml")
    assert ["no-such-form" in warning["message"] for warning in made["warnings"]] == [True]


def test_finds_deployments_by_a_part_of_their_id_and_by_no_category(operator: Api) -> None:
    deployment = operator.deploy(REVIEW)["id"]
    found = {value: operator.get("repository/deployments", {"parentDeploymentIdLike": value})["total"] for value in
             ("%", "_", deployment, deployment[:13] + "%", "%" + deployment[-9:], "nobody%")}  # fmt: skip
    assert list(found.values()) == [1, 0, 1, 1, 1, 0]
    assert operator.get("repository/deployments", {"category": ""})["total"] == 0
    assert operator.get("repository/deployments", {"categoryNotEquals": ""})["total"] == 1
    assert operator.get("repository/process-definitions", {"version": 0}, status=400)["field"] == "version"
