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
    ({"nameLikeIgnoreCase": "%VIE%"}, ["review"]),
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


def drawn(key: str, *, far: int = 0) -> bytes:
    """A model with a picture, its elements 100 pixels apart; the last one farther where asked."""
    shapes = "".join(
        f'<bpmndi:BPMNShape id="s{i}" bpmnElement="{e}"><dc:Bounds x="{x}" y="50" width="40" height="40"/></bpmndi:BPMNShape>'
        for i, (e, x) in enumerate((("begin", 0), ("check", 100), ("end", 200 + far)))
    )
    diagram = (
        '<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">'
        f'<bpmndi:BPMNPlane bpmnElement="{key}">{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>'
    )
    return model(key, line('<userTask id="check" name="Look"/>')).replace(b"</definitions>", diagram.encode())


def image(of: Api, path: str, accept: str) -> bytes:
    answer = of.http.get(f"/api/{path}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == ("image/svg+xml" if "svg" in accept else "image/png")
    assert "Accept" in answer["Vary"].split(", ")
    return answer.content


@pytest.mark.parametrize("accept", ["image/svg+xml", "*/*"])
def test_paints_what_was_drawn(operator: Api, accept: str) -> None:
    operator.deploy(drawn("drawn"))
    key = operator.get(PATH)["data"][0]["id"]
    painted = image(operator, f"{PATH}/{key}/image", accept)
    assert painted.startswith(b"<svg" if "svg" in accept else b"\x89PNG\r\n")
    instance = operator.start("drawn")
    assert image(operator, f"runtime/process-instances/{instance}/diagram", accept) != painted


def test_has_the_picture_among_the_files_of_the_deployment(operator: Api) -> None:
    made = operator.deploy(drawn("drawn"))
    found = operator.get(PATH)["data"][0]
    files = operator.get(f"repository/deployments/{made['id']}/resources")
    assert [(f["id"], f["mediaType"]) for f in files] == [("model.bpmn20.xml", "text/xml"), ("model.drawn.png", "image/png")]
    assert found["diagramResource"] == files[1]["url"]
    assert operator.get(f"repository/deployments/{made['id']}/resources/model.drawn.png") == files[1]
    content = operator.http.get(f"/api/repository/deployments/{made['id']}/resourcedata/model.drawn.png")
    assert content["Content-Type"] == "image/png"
    assert content.content == image(operator, f"{PATH}/{found['id']}/image", "image/png")


def test_makes_a_picture_of_miles_no_larger_than_4000_pixels(operator: Api) -> None:
    operator.deploy(drawn("drawn", far=90_000))
    key = operator.get(PATH)["data"][0]["id"]
    painted = image(operator, f"{PATH}/{key}/image", "image/png")
    assert int.from_bytes(painted[16:20]) == 4000


@pytest.mark.parametrize("key", ["nobody", "review:1:00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("more", ["", "/resourcedata", "/image"])
def test_knows_no_other_definition(operator: Api, key: str, more: str) -> None:
    operator.get(f"{PATH}/{key}{more}", status=404)


def test_shows_candidate_starters_what_they_may_start(operator: Api, of_charlie: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(model("party", line('<userTask id="dance"/>'), 'flowable:candidateStarterUsers="charlie"'))
    assert keys(of_charlie.get(PATH)) == ["party"]
    of_charlie.start("party")


def test_names_the_date_that_is_none(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get(PATH)["data"][0]["id"]
    assert operator.send("PUT", f"{PATH}/{key}", {"action": "suspend", "date": "tomorrow"}, 400)["field"] == "date"
