"""The table of all calls of this dialect; each module of the package writes its own into it."""

from engine.api.router import Router

routes = Router()
