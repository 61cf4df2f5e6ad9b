"""`repository/process-definitions`: lists, filters, the model and its picture."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import MINE, REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

PATH = "repository/process-definitions"


def keys(found: Any) -> list[str]:
    return [d["key"] for d in found["data"]]


FILTERS = [
    ({"key": "mine"}, ["mine"]),
    ({"keyLike": "%vie%"}, ["review"]),
    ({"keyLike": "%VIE%"}, []),
    ({"keyLikeIgnoreCase": "%VIE%"}, ["review"]),
    ({"name": "The mine"}, ["mine"]),
    ({"nameLike": "The%"}, ["mine", "review"]),
    ({"nameLike": "The_mine"}, ["mine"]),
    ({"nameLike": "The*"}, []),
    ({"category": "tests/office"}, ["mine", "review"]),
    ({"categoryLike": "other/%"}, []),
    ({"version": 1}, ["mine", "review"]),
    ({"version": 2}, []),
    ({"suspended": "true"}, []),
    ({"deploymentId": "nobody"}, []),
    ({"resourceName": "mine.bpmn"}, ["mine"]),
    ({"sort": "key", "order": "desc"}, ["review", "mine"]),
    ({"sort": "key", "start": 1, "size": 1}, ["review"]),
    ({"size": 0}, []),
]


@pytest.mark.parametrize(("given", "wanted"), FILTERS, ids=str)
def test_lists_by(operator: Api, given: dict[str, Any], wanted: list[str]) -> None:
    operator.deploy(REVIEW, "review.bpmn")
    operator.deploy(MINE, "mine.bpmn")
    assert keys(operator.get(PATH, given)) == wanted


def test_counts_all_also_on_an_empty_page(operator: Api) -> None:
    operator.deploy(REVIEW)
    assert operator.get(PATH, {"size": 0})["total"] == 1
    assert operator.get(PATH, {"start": 7})["total"] == 1


def test_lists_the_definitions_of_a_deployment(operator: Api) -> None:
    operator.deploy(REVIEW)
    made = operator.deploy(MINE)
    assert keys(operator.get(PATH, {"deploymentId": made["id"]})) == ["mine"]


def test_shows_one(operator: Api) -> None:
    deployment = operator.deploy(REVIEW, "review.bpmn")
    found = operator.get(PATH)["data"][0]
    assert operator.get(f"{PATH}/{found['id']}") == found
    assert found["id"].startswith("review:1:")
    assert found["name"] == "The review"
    assert found["deploymentId"] == deployment["id"]
    assert found["resource"].endswith(f"/{deployment['id']}/resources/review.bpmn")
    assert not found["graphicalNotationDefined"]


def test_gives_the_model_as_it_came(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get(PATH)["data"][0]["id"]
    assert operator.http.get(f"/api/{PATH}/{key}/resourcedata").content == REVIEW


def test_has_no_picture_of_what_was_not_drawn(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get(PATH)["data"][0]["id"]
    operator.get(f"{PATH}/{key}/image", status=400)


def test_paints_what_was_drawn(operator: Api) -> None:
    shapes = "".join(
        f'<bpmndi:BPMNShape id="s{i}" bpmnElement="{e}"><dc:Bounds x="{i * 100}" y="50" width="40" height="40"/></bpmndi:BPMNShape>'
        for i, e in enumerate(("begin", "check", "end"))
    )
    drawn = (
        '<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">'
        f'<bpmndi:BPMNPlane bpmnElement="drawn">{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>'
    )
    operator.deploy(model("drawn", line('<userTask id="check" name="Look"/>')).replace(b"</definitions>", drawn.encode()))
    key = operator.get(PATH)["data"][0]["id"]
    answer = operator.http.get(f"/api/{PATH}/{key}/image")
    assert answer["Content-Type"] == "image/svg+xml"
    assert b"Look" in answer.content
    instance = operator.start("drawn")
    assert operator.http.get(f"/api/runtime/process-instances/{instance}/diagram").content != answer.content


@pytest.mark.parametrize("key", ["nobody", "review:1:00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("more", ["", "/resourcedata", "/image"])
def test_knows_no_other_definition(operator: Api, key: str, more: str) -> None:
    operator.get(f"{PATH}/{key}{more}", status=404)


def test_shows_candidate_starters_what_they_may_start(operator: Api, of_charlie: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(model("party", line('<userTask id="dance"/>'), 'flowable:candidateStarterUsers="charlie"'))
    assert keys(of_charlie.get(PATH)) == ["party"]
    of_charlie.start("party")
