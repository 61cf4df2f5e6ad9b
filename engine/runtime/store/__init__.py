"""Rows to State and Change to rows, in plain SQL on the hot path: one statement a kind, and on PostgreSQL all writes in one pipeline.

Only this package knows both the tables and the interpreter's values.
"""
