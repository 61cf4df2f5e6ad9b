"""What is remembered: one table a truth, no rules of BPMN in it.

The hot path (start, complete, job) writes these rows with plain SQL in `runtime/store`; everybody else reads them with
querysets. Rows that the engine writes in bulk carry no foreign key constraints: one statement a kind in any order, and the
engine deletes what belongs to an instance itself (`runtime/instances`, `workflow_cleanup`).
"""

from engine.models.activity import Activity
from engine.models.definition import Definition, Deployment, Resource
from engine.models.delivery import Delivery, Promise, Renewal, Request
from engine.models.group import GroupLabel
from engine.models.instance import Instance
from engine.models.job import Job, Worker
from engine.models.ledger import Ledger
from engine.models.subscription import Subscription
from engine.models.task import Attachment, Comment, Draft, FormEntry, IdentityLink, TaskEvent, UserTask
from engine.models.token import Token
from engine.models.variable import Blob, Variable

__all__ = [
    "Activity",
    "Attachment",
    "Blob",
    "Comment",
    "Definition",
    "Delivery",
    "Deployment",
    "Draft",
    "FormEntry",
    "GroupLabel",
    "IdentityLink",
    "Instance",
    "Job",
    "Ledger",
    "Promise",
    "Renewal",
    "Request",
    "Resource",
    "Subscription",
    "TaskEvent",
    "Token",
    "UserTask",
    "Variable",
    "Worker",
]
