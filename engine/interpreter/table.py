"""The table of the interpreter: what each operation does, and what happens `at` each type of node."""

from __future__ import annotations

from collections.abc import Mapping

from engine.interpreter import (
    activities,
    advance,
    calls,
    compensation,
    endings,
    events,
    gateways,
    inputs,
    loops,
    propagation,
    subprocesses,
    throws,
    usertasks,
    watching,
)
from engine.interpreter.run import Operation

BEHAVIOURS: Mapping[str, Operation] = {
    # activities
    "task": activities.passing,
    "manualTask": activities.passing,
    "userTask": usertasks.create,
    "serviceTask": activities.service,
    "sendTask": activities.service,
    "businessRuleTask": activities.service,
    "scriptTask": activities.script,
    "receiveTask": activities.receive,
    "callActivity": calls.call,
    "subProcess": subprocesses.embedded,
    "transaction": subprocesses.embedded,
    "adHocSubProcess": subprocesses.adhoc,
    # gateways
    "exclusiveGateway": gateways.exclusive,
    "complexGateway": gateways.exclusive,
    "parallelGateway": gateways.parallel,
    "inclusiveGateway": gateways.inclusive,
    "eventBasedGateway": gateways.event_based,
    # events
    "startEvent": activities.passing,
    "intermediateCatchEvent": events.catch,
    "intermediateThrowEvent": throws.throw,
    "endEvent": throws.end,
}

OPERATIONS: Mapping[str, Operation] = {
    "begin process": inputs.begin_process,
    "complete": inputs.complete,
    "abort": inputs.abort,
    "assign": inputs.assign,
    "task deleted": usertasks.deleted,
    "run job": inputs.run_job,
    "receive": inputs.receive,
    "hear child": calls.told,
    "enter": advance.enter,
    "enter once": advance.enter_once,
    "execute": advance.execute,
    "leave": advance.leave,
    "depart": advance.depart,
    "follow": advance.follow,
    "begin rounds": loops.begin,
    "round ended": loops.round_ended,
    "branch ended": endings.branch_ended,
    "boundary happened": events.boundary,
    "scope ended": endings.scope_ended,
    "adhoc ended": subprocesses.adhoc_ended,
    "compensate next": compensation.undo_next,
    "transaction cancelled": compensation.transaction_cancelled,
    "throw error": propagation.throw_error,
    "settle": watching.settle,
    **{f"at {kind}": behaviour for kind, behaviour in BEHAVIOURS.items()},
}
