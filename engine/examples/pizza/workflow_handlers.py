"""Store Order: carries an order to the shop over HTTP, outside any transaction, so that a slow shop blocks nobody else."""

from __future__ import annotations

from typing import Any

import requests
from django.conf import settings

from engine.errors import TechnicalError, UnrecoverableError
from engine.runtime.handlers import Execution, service_task

TIMEOUT = (3.05, 90)  # seconds to connect, seconds to answer: the shop may be as slow as 60
SENT = {"customer": "customername", "address": "deliveryaddress", "pizza": "pizza"}
ANOTHER_ATTEMPT_MAY_HELP = {408, 409, 425, 429}


@service_task("store_order", transaction=False)
def store_order(execution: Execution) -> None:
    """Sets `order_number`; raises TechnicalError if the shop does not take the order now, UnrecoverableError if it never will."""
    shop = execution.fields["shop"]
    order = {name: execution.get_variable(variable) for name, variable in SENT.items()}
    answer = _post(f"{settings.DEMO_SHOP_URL}/{shop}/orders", order, execution.idempotency_key)
    execution.set_variable("order_number", answer["number"])


def _post(url: str, order: dict[str, Any], key: str) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False  # the shop is next door: no proxy of the environment's
        try:
            answer = session.post(url, json=order, headers={"Idempotency-Key": key}, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise TechnicalError(f"The pizza shop cannot be reached: {type(error).__name__}.") from error
    if not answer.ok:
        final = answer.status_code < 500 and answer.status_code not in ANOTHER_ATTEMPT_MAY_HELP
        raise (UnrecoverableError if final else TechnicalError)(
            f"The pizza shop did not take the order ({answer.status_code} {answer.reason})."
        )
    found: dict[str, Any] = answer.json()
    return found
