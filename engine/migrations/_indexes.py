"""Indexes that are made while others write: PostgreSQL builds them CONCURRENTLY, hence in no transaction.

What an interrupted run left behind is taken away by the next. Other databases make them as ever.
"""


def replace(schema_editor, model, index):
    """Put `index` in the place of the one that bears its name; until it is there, the old one serves."""
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.remove_index(model, index)
        schema_editor.add_index(model, index)
        return
    name, new = index.name, index.clone()
    new.name = f"{name}_new"
    make(schema_editor, model, new)
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    schema_editor.execute(f"ALTER INDEX {new.name} RENAME TO {name}")


def make(schema_editor, model, index):
    """Make `index`."""
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.add_index(model, index)
        return
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
    schema_editor.execute(index.create_sql(model, schema_editor, concurrently=True), params=None)
