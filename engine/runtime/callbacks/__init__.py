"""Callbacks on their way: where they may go, how they log in and are signed, and the pool that sends them from the outbox."""
