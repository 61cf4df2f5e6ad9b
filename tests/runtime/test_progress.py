"""How far an instance is: its marks, where it stands, its story, and its transactions as the article's tables."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine import runtime
from engine.errors import TechnicalError
from engine.models import Instance, Job, UserTask
from engine.runtime import instances, jobs, progress, tasks
from tests.runtime.models import model, script, service, user

pytestmark = pytest.mark.django_db

ASYNC = 'flowable:async="true"'


def deploy(*steps: str, key: str = "story") -> None:
    runtime.deploy({f"{key}.bpmn": model(*steps, key=key)}, name=key)


def fresh(instance: Instance) -> Instance:
    return instances.get(instance.pk)


def complete(instance: Instance, by: User) -> None:
    tasks.complete(UserTask.objects.get(instance=instance.pk, state="open").pk, user=by)


def run_job(instance: Instance, *, fails: bool = False) -> None:
    job = Job.objects.get(instance=instance.pk)
    if not fails:
        return jobs.run_now(job.pk)
    with pytest.raises(TechnicalError):
        jobs.run_now(job.pk)
    return None


def table(instance: Instance) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """The ledger as it is shown."""
    return [(r.label, r.outcome, [(li.user, li.engine, li.transaction) for li in r.rows]) for r in progress.ledger_rows(fresh(instance))]


# -- marks ----------------------------------------------------------------------------------------------------------------
def test_marks_what_is_done_and_what_is_active(alice: User) -> None:
    deploy(user("enter"), user("confirm"))
    instance = runtime.start("story", user=alice)
    complete(instance, alice)
    states = progress.states(fresh(instance)).states
    assert states == {"start": "done", "f0": "done", "enter": "done", "f1": "done", "confirm": "active"}


def test_marks_an_asynchronous_step_that_has_no_history_yet(alice: User) -> None:
    deploy(service("store", "${shop}", ASYNC))
    instance = runtime.start("story", user=alice)
    marks = progress.states(fresh(instance))
    assert (marks.states["store"], marks.badges["store"]) == ("active", "running")
    run_job(instance, fails=True)
    assert progress.states(fresh(instance)).badges["store"] == "attempt 2"


def test_marks_the_step_of_a_dead_letter(alice: User) -> None:
    deploy(service("store", "${shop}", ASYNC))
    instance = runtime.start("story", user=alice)
    for _ in range(3):
        run_job(instance, fails=True)
    marks = progress.states(fresh(instance))
    assert (marks.states["store"], marks.badges["store"]) == ("failed", "failed")


def test_nothing_is_active_in_what_was_cancelled(alice: User) -> None:
    deploy(user("enter"))
    instance = runtime.start("story", user=alice)
    instances.cancel(instance.pk, user=alice)
    assert "active" not in progress.states(fresh(instance)).states.values()


def test_paints_the_marks(alice: User) -> None:
    deploy(user("enter"))
    instance = fresh(runtime.start("story", user=alice))
    picture = progress.svg(instance.definition, instance, prefix="here")
    assert '<g id="here-enter" data-element="enter" class="active"' in picture
    assert "<style" not in picture
    assert "<style" in progress.svg(instance.definition, standalone=True)


# -- where it stands ------------------------------------------------------------------------------------------------------
def test_it_is_the_assignees_turn_and_others_wait_for_him(alice: User, bob: User) -> None:
    deploy(user("bake", 'flowable:assignee="bob"'))
    instance = fresh(runtime.start("story", user=alice))
    mine = progress.current(instance, bob)
    assert (mine.state, str(mine.task), mine.claimable, mine.poll) == ("task", "Bake", False, False)
    waits = progress.current(instance, alice)
    assert (waits.state, waits.waiting, waits.poll) == ("waiting", (progress.Waiting("Bake", ("bob",)),), True)


def test_what_is_offered_to_a_group_may_be_claimed_by_its_members(alice: User, bob: User) -> None:
    deploy(user("bake", 'flowable:candidateGroups="kitchen"'))
    instance = fresh(runtime.start("story", user=alice))
    offered = progress.current(instance, bob)
    assert (offered.state, offered.claimable) == ("task", True)
    assert progress.current(instance, alice).waiting == (progress.Waiting("Bake", ("kitchen",)),)


def test_a_step_is_processed_until_its_attempts_are_used_up(alice: User) -> None:
    deploy(service("store", "${shop}", ASYNC))
    instance = runtime.start("story", user=alice)
    seen = []
    for _ in range(3):
        now = progress.current(fresh(instance), alice)
        seen.append((now.state, now.nodes, now.attempt))
        run_job(instance, fails=True)
    assert seen == [("processing", ("Store",), 1), ("processing", ("Store",), 2), ("processing", ("Store",), 3)]
    assert progress.current(fresh(instance), alice).state == "failed"


def test_an_ended_instance_stands_still(alice: User) -> None:
    deploy(service("add", "${1 + 1}"))
    instance = runtime.start("story", user=alice)
    now = progress.current(fresh(instance), alice)
    assert (now.state, now.poll) == ("ended", False)


def test_many_instances_cost_as_few_statements_as_one(alice: User) -> None:
    deploy(user("bake", 'flowable:candidateGroups="kitchen"'))
    for _ in range(10):
        runtime.start("story", user=alice)
    found = list(Instance.objects.all())
    progress.currents(found[:1], alice)
    with CaptureQueriesContext(connection) as captured:
        standing = progress.currents(found, alice)
    assert len(standing) == 10
    assert len(captured) == 3


# -- what happened --------------------------------------------------------------------------------------------------------
def test_tells_who_did_what(alice: User, bob: User) -> None:
    deploy(user("enter"), service("store", "${1 + 1}", ASYNC), user("bake", 'flowable:assignee="bob"'))
    instance = runtime.start("story", user=alice)
    complete(instance, alice)
    run_job(instance)
    complete(instance, bob)
    told = [(s.title, s.text, s.state, s.who) for s in progress.timeline(fresh(instance))]
    assert told == [
        ("Start", "", "done", "alice"),
        ("Enter", "completed", "done", "alice"),
        ("Store", "completed", "done", None),
        ("Bake", "completed", "done", "bob"),
        ("End", "", "done", "bob"),
    ]


def test_tells_who_cancelled_and_why(alice: User) -> None:
    deploy(user("enter"))
    instance = runtime.start("story", user=alice)
    instances.cancel(instance.pk, "not hungry", user=alice)
    *_, entered, last = progress.timeline(fresh(instance))
    assert (entered.title, entered.state) == ("Enter", "gone")
    assert (last.title, last.text, last.who) == ("Cancelled", "not hungry", "alice")


def test_a_long_story_shows_its_end(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(*(service(f"s{n}", "${1}") for n in range(205)))
    told = progress.timeline(fresh(runtime.start("story", user=alice)))
    assert len(told) == 200
    assert (told[-1].title, told[-2].title) == ("End", "S204")


# -- the tables of the article --------------------------------------------------------------------------------------------
T1 = (
    "T1",
    "committed",
    [
        ("alice starts the process", "Creates a new process. Goes to the next step.", "T1 begins"),
        (
            "",
            "Creates the user task Enter. Since this is a wait state, the engine stops here and waits.",
            "T1 is committed: the user task can be seen",
        ),
    ],
)


def test_a_synchronous_order_is_three_transactions(alice: User) -> None:
    deploy(user("enter"), service("store", "${1 + 1}"), user("confirm"))
    instance = runtime.start("story", user=alice)
    complete(instance, alice)
    complete(instance, alice)
    first, second, third = table(instance)
    assert first == T1
    assert second[2] == [
        ("alice completes Enter", "Completes Enter and goes on.", "T2 begins"),
        ("", "Store is synchronous: it is executed at once. Goes on to the next step.", "T2 is still open"),
        (
            "",
            "Creates the user task Confirm. Since this is a wait state, the engine stops here and waits.",
            "T2 is committed: the user task can be seen",
        ),
    ]
    assert third[2][-1] == ("", "The end is reached: the process is completed.", "T3 is committed: the process has ended")


def test_a_synchronous_failure_is_a_transaction_rolled_back(alice: User) -> None:
    deploy(user("enter"), script("store", 'throw new Error("the oven is cold")'), user("confirm"))
    instance = runtime.start("story", user=alice)
    with pytest.raises(TechnicalError):
        complete(instance, alice)
    row = progress.ledger_rows(fresh(instance))[1]
    assert (row.label, row.undone, "the oven is cold" in (row.error or "")) == ("T2", True, True)
    assert [(li.user, li.engine, li.transaction) for li in row.rows] == [
        ("alice completes Enter", "Completes Enter and goes on.", "T2 begins"),
        ("", "Executes Store, which does not succeed.", "T2 is rolled back: nothing of it is stored"),
        (
            "alice sees the form again, still filled in, with an error",
            "Everything is as it was before: Enter is open again.",
            "",
        ),
    ]


def test_an_asynchronous_order_is_four_transactions(alice: User) -> None:
    deploy(user("enter"), service("store", "${1 + 1}", ASYNC), user("confirm"))
    instance = runtime.start("story", user=alice)
    complete(instance, alice)
    run_job(instance)
    complete(instance, alice)
    first, second, third, fourth = table(instance)
    assert first == T1
    assert second[2][-1] == (
        "",
        "Comes to Store, which is asynchronous: instead of executing it, the engine writes a job and answers at once.",
        "T2 is committed: it holds the state of the process and the job",
    )
    assert third[2] == [
        ("", "The job executor finds the job Store and continues the process there.", "T3 begins"),
        ("", "Executes Store. Goes on to the next step.", "T3 is still open"),
        (
            "",
            "Creates the user task Confirm. Since this is a wait state, the engine stops here and waits.",
            "T3 is committed: the user task can be seen",
        ),
    ]
    assert fourth[0] == "T4"


def test_an_asynchronous_failure_is_rolled_back_and_begun_again(alice: User) -> None:
    deploy(user("enter"), service("store", "${shop}", ASYNC), user("confirm"))
    instance = runtime.start("story", user=alice)
    complete(instance, alice)
    run_job(instance, fails=True)
    run_job(instance, fails=True)
    third, again = table(instance)[2:]
    assert third[:2] == ("T3", "rolled back")
    assert third[2][-1][1].endswith("tried again after a while; 2 attempts are left.")
    assert again[2][0][2] == "T3 begins again: attempt 2"
    assert again[2][-1][1].endswith("1 attempt is left.")
    run_job(instance, fails=True)
    assert table(instance)[-1][2][-1][1] == "Everything is as it was before. No attempt is left: the job is kept for an administrator."


def test_a_loop_of_many_steps_is_told_in_short(alice: User) -> None:
    deploy(*(service(f"s{n}", "${1}") for n in range(30)))
    (row,) = progress.ledger_rows(fresh(runtime.start("story", user=alice)))
    assert len(row.rows) == 15
    assert row.rows[-2].engine == "Executes 18 more steps."
