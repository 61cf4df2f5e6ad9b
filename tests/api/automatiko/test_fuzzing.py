"""Whatever the document of the services allows, and much that it forbids, is answered as the document says, and never with a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from engine import runtime
from engine.examples.pizza import workflow_handlers
from tests.api.automatiko.conftest import Services
from tests.api.conftest import basic
from tests.automatiko_workflows import FILES

PIZZA = Path(workflow_handlers.__file__).parent / "processes"
OTHERS = ("pizza-order-slow-async.bpmn", "pizza-enter-order.form", "pizza-order-confirmation.form")
TRIED = ("approvals", "matrix", "pizza-order-slow-async")  # none of their steps fails
KEYS = ["k0", "k1", "k2", "nope"]
KNOWN = {"id": KEYS, "instance": KEYS, "process": [*TRIED, "nope"], "node": ["firstLineApproval", "Work", "nope"]}
LENIENT = [
    negative_data_rejection,  # numbers stand for texts and unknown members are left out, as at Automatiko
    positive_data_acceptance,  # a callback to a private address is refused, which no schema can tell
    ignored_auth,  # all calls here are logged in
]


@pytest.fixture
def document(admin: User, services: Callable[..., Services]) -> dict[str, Any]:
    """The document of some workflows, with an instance of each and its task as what may stand for `id` and `task`."""
    for path in (*(p for p in FILES if p.stem in TRIED), Path(__file__).with_name("matrix.bpmn")):
        runtime.deploy({path.name: path.read_bytes()}, name=path.stem)
    runtime.deploy({name: (PIZZA / name).read_bytes() for name in OTHERS}, name="pizza")
    client = services(admin)
    made: dict[str, Any] = client.get("openapi.json")
    for workflow in TRIED:
        for number in range(3):
            client.post(f"{workflow}?businessKey=k{number}", {})
    for path, methods in made["paths"].items():
        for operation in methods.values():
            for one in operation["parameters"]:
                if one["in"] == "path" and one["name"] in KNOWN:
                    one["schema"] = {"enum": KNOWN[one["name"]]}
                if one["in"] == "path" and one["name"] == "task":
                    one["schema"] = {"enum": [t["id"] for n in range(3) for t in client.get(f"{path.split('/')[1]}/k{n}/tasks")] or ["x"]}
    return made


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=["what it allows", "what it forbids"])
def test_nothing_that_is_sent_makes_a_fault_or_gets_another_answer(admin: User, document: dict[str, Any], mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=2, database=None, deadline=None, derandomize=True, phases=[Phase.generate], verbosity=Verbosity.quiet,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def call(case: Any) -> None:
            answer = case.call(headers=basic("admin", "admin"))
            statuses[answer.status_code] += 1
            try:
                case.validate_response(answer, excluded_checks=LENIENT)
            except FailureGroup as group:
                failures.extend(f"{case.method} {case.formatted_path}: {one}" for one in group.exceptions)

        call()
    assert failures == []
    assert max(statuses) < 500
    assert {200, 404} <= statuses.keys()  # it got beyond the door
