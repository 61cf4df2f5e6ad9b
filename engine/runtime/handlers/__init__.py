"""Python code that a model calls: found by name through `flowable:class`, `delegateExpression` or an expression.

    # in an app's workflow_handlers.py
    @service_task("store_order", transaction=False)
    def store_order(execution: Execution) -> dict[str, str]: ...

A handler is transactional by default: what it writes commits or rolls back with the process. With `transaction=False` it runs
before the transaction opens, so that remote work holds no lock. It may run more than once (at least once, as any job), each
time with the same `execution.idempotency_key`.
"""

from engine.runtime.handlers.execution import Execution
from engine.runtime.handlers.registry import Handler, handlers, lookup, service_task

__all__ = ["Execution", "Handler", "handlers", "lookup", "service_task"]
