"""A kept connection is looked at before each request: what the server closed shows at its end of the socket.

Django asks `SELECT 1`, a round trip for each request. A server that restarts, or ends a session, writes and closes; so a silent
socket is a healthy one, and only one that has something to say is asked.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the health check."""

    def is_usable(self) -> bool:
        """Whether the connection can be used; asks the server only where there is something to hear from it."""
        if self.connection is None:
            return False
        if not self.connection.closed and not self._speaks():
            return True
        usable: bool = super().is_usable()
        return usable

    def _speaks(self) -> bool:
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
