"""What calls cost: a page of any list takes at most four statements, whatever its size and whoever looks; the hot calls few."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from engine.api.openapi.document import listed
from tests.api.conftest import REVIEW, Api, line, model

FLAGGED = model("flagged", line('<serviceTask id="store" flowable:async="true" flowable:expression="${1}"/>'))
MOST = 4
OF_THE_CALLER = ('FROM "django_session"', 'FROM "auth_', "SAVEPOINT")  # who he is and what he may: paid for each call, not for the page

pytestmark = pytest.mark.django_db


def statements(captured: CaptureQueriesContext) -> list[str]:
    return [row["sql"] for row in captured.captured_queries if not any(part in row["sql"] for part in OF_THE_CALLER)]


@pytest.fixture
def many(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(FLAGGED, "flagged.bpmn")
    for number in range(6):
        operator.start("review", number=number, text="x")
        operator.start("flagged", number=number)
    operator.send("POST", f"runtime/tasks/{operator.get('runtime/tasks')['data'][0]['id']}", {"action": "complete"})


@pytest.mark.parametrize("who", ["operator", "of_alice"])
def test_takes_few_statements_for_a_page_of_any_list(who: str, many: None, request: pytest.FixtureRequest) -> None:
    api: Api = request.getfixturevalue(who)
    for base, path in listed():
        with CaptureQueriesContext(connection) as captured:
            answer = page(api, base, path)
        assert answer.status_code == 200 or (who == "of_alice" and answer.status_code == 403), path
        assert len(statements(captured)) <= MOST, "\n".join([path, *statements(captured)])


def page(api: Api, base: str, path: str) -> HttpResponse:
    asked = {"size": 10, "includeProcessVariables": True, "includeTaskLocalVariables": True}
    if path.startswith("query/"):
        return api.http.post(f"{base}{path}", asked, content_type="application/json")
    return api.http.get(f"{base}{path}", {name: str(value).lower() for name, value in asked.items()})
