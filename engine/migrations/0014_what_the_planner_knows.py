"""What PostgreSQL's planner cannot see by itself; it is measured with the next ANALYZE and costs no write anything.

Rows of one instance lie together, so that a sample shows too few instances; a text tells its name, its type and its capitals; and
that nobody has a task mostly means that it is open. Guessed wrongly, each makes a list take seconds.
"""

from django.db import migrations, models

EXPRESSIONS = 140000  # the version that measures expressions too

STATISTICS = """CREATE STATISTICS IF NOT EXISTS towpath_variable_texts (dependencies) ON name, type, text{expressions} FROM towpath_variable;
    CREATE STATISTICS IF NOT EXISTS towpath_usertask_unclaimed (mcv) ON assignee, state FROM towpath_usertask;
    ALTER TABLE towpath_variable ALTER COLUMN instance_id SET (n_distinct = -0.2);
    ALTER TABLE towpath_activity ALTER COLUMN instance_id SET (n_distinct = -0.2)"""
FORGOTTEN = """DROP STATISTICS IF EXISTS towpath_variable_texts; DROP STATISTICS IF EXISTS towpath_usertask_unclaimed;
    ALTER TABLE towpath_variable ALTER COLUMN instance_id RESET (n_distinct);
    ALTER TABLE towpath_activity ALTER COLUMN instance_id RESET (n_distinct)"""


def tell(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        folded = ", (LEFT(UPPER(text), 100))" if schema_editor.connection.pg_version >= EXPRESSIONS else ""
        schema_editor.execute(STATISTICS.format(expressions=folded))


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORGOTTEN)


class Migration(migrations.Migration):
    dependencies = [
        ("towpath", "0013_texts_in_any_case"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="instance",
            name="towpath_instance_definition",
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(fields=["definition", "id"], include=("ended", "started"), name="towpath_instance_definition"),
        ),
        migrations.RunPython(tell, forget),
    ]
