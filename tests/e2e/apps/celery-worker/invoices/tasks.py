"""Prints reminders for invoices, every few seconds; tasks wait in a folder instead of a broker."""

from celery import Celery

app = Celery("invoices", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": "/app/queue",
        "data_folder_out": "/app/queue",
        "control_folder": "/app/queue",
    },
    broker_connection_retry_on_startup=True,
    beat_schedule={"remind": {"task": "invoices.tasks.remind", "schedule": 1.0}},
)


@app.task
def remind():
    """Write down the reminder of the day."""
    with open("/app/done/reminders.txt", "a", encoding="utf-8") as reminders:
        reminders.write("please pay\n")
    return "please pay"
