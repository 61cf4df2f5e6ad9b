"""Django's PostgreSQL backend, which asks an idle connection for its health without a round trip."""
