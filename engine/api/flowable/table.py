"""The table of all calls of this dialect; each module of the package writes its own into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.api.body import Json
from engine.api.router import Call, Router

routes = Router()

Listed = Callable[[Call, Mapping[str, object]], Json]


def listed(path: str, by_post: str) -> Callable[[Listed], Listed]:
    """Above a function that answers with a page: it can be asked by address, and by a query in the body."""

    def add(found: Listed) -> Listed:
        def listing(call: Call) -> Json:
            return found(call, call.params)

        def query(call: Call) -> Json:
            return found(call, call.sent.all)

        listing.__doc__ = query.__doc__ = found.__doc__
        routes.get(path)(listing)
        routes.query(by_post)(query)
        return found

    return add
