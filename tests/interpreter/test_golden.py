"""The recorded behaviour of Flowable, played in memory: every scenario and walk, without server or database.

Needs ../shared/conformance beside the repository; what depends on rooms outside the interpreter is left to the suite that calls the server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from flowable_in_memory import calls
from partial import advance_in_parts

from engine.testing.world import World

SUITE = Path(__file__).resolve().parents[3] / "shared" / "conformance"

if not SUITE.is_dir():
    pytest.skip(f"{SUITE} is missing", allow_module_level=True)

sys.path.insert(0, str(SUITE))
conformance = pytest.importorskip("run")

ELSEWHERE = {
    "forms.": "forms belong to the doors",
    "timers.a_timer_starts_an_instance_once": "start timers belong to the store",
    "timers.a_new_version_replaces_the_start_timer": "start timers belong to the store",
    "walk.oneTaskHistoryLevelInstance": "the level of history belongs to the store",
    "walk.oneTaskHistoryLevelTask": "the level of history belongs to the store",
    "walk.multipleParallelSubProcessesTaskLevel": "the level of history belongs to the store",
    "walk.AsyncExecutorTest.testAsyncFailingScriptWithCategory": "a script that cannot be read is refused at deployment",
    "walk.VariableExpressionFunctionsTest.testGetVariableNotEquals": "a fault of Flowable's expressions",
    "walk.ExpressionServiceTaskTest.testSetServiceLocalScopedResultWithParallelMultiInstance": "Flowable keeps JSON texts raw",
    "walk.SubProcessTest.testNot": "the process called is in no file of the suite",
    "walk.SubProcessTest.testSuspendedProcessCallActivity_mainProcess": "the process called is in no file of the suite",
    "walk.mainProcessInheritBusinessKey": "the process called is in no file of the suite",
    "walk.BoundaryErrorEventTest.callActivityWithErrorEndEventCatch": "the process called is in no file of the suite",
}
DIFFERENT = {
    "retries.a_boundary_timer_whose_path_fails_leaves_the_task_open": "Flowable forgets the end of a timer that once failed",
    "walk.CompensateEventTest.testCompensateNestedSubprocess": "we wait for a handler that is a user task",
    "walk.CompensateEventTest.testCompensateSubprocessWithUserTask": "we wait for a handler that is a user task",
    "walk.CompensateEventTest.testCompensateWithSubprocess": "we wait for a handler that is a user task",
    "walk.AsyncLeaveTest.testParallelMultiInstanceAsyncNoWaitStatesWithAsyncLeave": "we need no job that polls for the other rounds",
}


def scenarios() -> dict[str, Any]:
    found = {name: (play, conformance._golden(folder, name)) for name, (play, folder) in conformance.scenarios().items()}
    return {name: (play, golden) for name, (play, golden) in found.items() if golden.exists()}


def drive(play: Any, golden: Path) -> str | None:
    """The first difference from what Flowable showed."""
    engine = conformance.Engine.__new__(conformance.Engine)
    engine.base, engine.instances, engine.deployments, engine.seen, engine.keys = "", [], [], [], {}
    engine.call = calls(World())
    play(engine)
    difference: str | None = conformance.difference(json.loads(golden.read_text()), json.loads(json.dumps(engine.seen)))
    return difference


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in parts"])
def test_behaves_as_flowable_did(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All in one test: seven hundred would only slow the runner down. In parts: each unit sees no more of an instance than it asks for."""
    asked = [] if whole else advance_in_parts(monkeypatch)
    wrong = {}
    for name, (play, golden) in scenarios().items():
        if any(name.startswith(one) for one in (*ELSEWHERE, *DIFFERENT)):
            continue
        try:
            trouble = drive(play, golden)
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
        if trouble:
            wrong[name] = trouble
    assert not wrong, "\n".join(f"{name}: {trouble}" for name, trouble in wrong.items())
    assert whole or asked, "nothing was ever asked for: were the states partial?"


def test_no_difference_is_kept_that_is_none_any_more() -> None:
    for name, (play, golden) in scenarios().items():
        if any(name.startswith(one) for one in DIFFERENT):
            assert drive(play, golden) is not None, name
