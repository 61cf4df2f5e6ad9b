"""What the tests of the REST door share: a client for each person, and models small enough to be read in the test."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from engine.api import known
from engine.api.auth import passwords

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:flowable="http://flowable.org/bpmn" targetNamespace="tests/office">'
)


def model(key: str, body: str, attributes: str = "") -> bytes:
    """A model file with one process."""
    return f'{HEAD}<process id="{key}" name="The {key}" isExecutable="true" {attributes}>{body}</process></definitions>'.encode()


def line(*elements: str) -> str:
    """Elements one after the other, between a start and an end; each is XML with an id."""
    ids = ["begin", *(one.split('id="')[1].split('"')[0] for one in elements), "end"]
    pairs = enumerate(pairwise(ids))
    flows = "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in pairs)
    return '<startEvent id="begin"/>' + "".join(elements) + '<endEvent id="end"/>' + flows


CHECK = '<userTask id="check" name="Check it" flowable:candidateUsers="bob" flowable:candidateGroups="kitchen"/>'
REVIEW = model("review", line(CHECK))
MINE = model("mine", line('<userTask id="write" name="Write it" flowable:assignee="alice"/>'))


class Api:
    """A client that speaks JSON, logged in by session as one person (None: nobody)."""

    def __init__(self, user: User | None) -> None:
        self.http = Client()
        if user is not None:
            self.http.force_login(user)

    def call(self, method: str, path: str, json: Any = None) -> Any:
        if json is None:
            return self.http.generic(method, f"/api/{path}")
        return getattr(self.http, method.lower())(f"/api/{path}", data=json, content_type="application/json")

    def get(self, path: str, params: dict[str, Any] | None = None, status: int = 200) -> Any:
        answer = self.http.get(f"/api/{path}", params or {})
        assert answer.status_code == status, answer.content
        return answer.json() if "json" in answer["Content-Type"] and answer.content else answer

    def send(self, method: str, path: str, json: Any = None, status: int = 200) -> Any:
        answer = self.call(method, path, json)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def deploy(self, data: bytes, name: str = "model.bpmn20.xml", status: int = 201) -> Any:
        answer = self.http.post("/api/repository/deployments", {"file": SimpleUploadedFile(name, data)})
        assert answer.status_code == status, answer.content
        return answer.json()

    def start(self, key: str, **variables: Any) -> str:
        given = [{"name": name, "value": value} for name, value in variables.items()]
        made: str = self.send("POST", "runtime/process-instances", {"processDefinitionKey": key, "variables": given}, 201)["id"]
        return made

    def task(self, instance: str) -> str:
        """The id of the open task of an instance."""
        found: str = self.get("runtime/tasks", {"processInstanceId": instance})["data"][0]["id"]
        return found


@pytest.fixture(autouse=True)
def _nobody_is_known() -> None:
    passwords.forget()
    known.forget()


@pytest.fixture
def api() -> Callable[[User | None], Api]:
    return Api


@pytest.fixture
def operator(admin: User) -> Api:
    return Api(admin)


@pytest.fixture
def of_alice(alice: User) -> Api:
    return Api(alice)


@pytest.fixture
def of_bob(bob: User) -> Api:
    return Api(bob)


@pytest.fixture
def of_charlie(charlie: User) -> Api:
    return Api(charlie)


def basic(name: str, password: str) -> dict[str, str]:
    """The header of basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
