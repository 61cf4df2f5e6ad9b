# What retention looks for, and the job that looks.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("towpath", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("async", "asynchronous step"),
                    ("async-leave", "asynchronous leave"),
                    ("timer", "timer"),
                    ("request", "accepted request"),
                    ("deliver", "delivery of an event"),
                    ("callback", "callback"),
                    ("external", "external work"),
                    ("start-timer", "start by timer"),
                    ("cleanup", "removal of what has ended"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("ended__isnull", False), ("root", None)), fields=["definition", "ended"], name="towpath_instance_old"
            ),
        ),
        migrations.AddIndex(
            model_name="ledger",
            index=models.Index(condition=models.Q(("instance", None)), fields=["at"], name="towpath_ledger_alone"),
        ),
        migrations.AddIndex(
            model_name="usertask",
            index=models.Index(
                condition=models.Q(("ended__isnull", False), ("instance", None)), fields=["ended"], name="towpath_usertask_alone"
            ),
        ),
    ]
