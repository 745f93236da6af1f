"""Whom a rule addresses: one audience becomes the parties it consisted of, and back."""

from django.db import migrations

PARTIES = ("to_lead", "to_deputy", "to_covered", "to_pmo")
OF_MINISTRIES = ("to_lead", "to_deputy", "to_covered")
AUDIENCES = {"everyone": PARTIES, "ministries": OF_MINISTRIES, "pmo": ("to_pmo",)}


def name_parties(apps, schema_editor):
    for name in ("ReminderRule", "HistoricalReminderRule"):
        model = apps.get_model("rollout", name)
        for audience, parties in AUDIENCES.items():
            values = {party: party in parties for party in PARTIES}
            model.objects.filter(audience=audience).update(**values)


def name_audience(apps, schema_editor):
    """The audience that takes in whoever is addressed."""
    for name in ("ReminderRule", "HistoricalReminderRule"):
        model = apps.get_model("rollout", name)
        model.objects.update(audience="everyone")
        model.objects.filter(to_pmo=False).update(audience="ministries")
        model.objects.filter(to_pmo=True, to_lead=False, to_deputy=False, to_covered=False).update(audience="pmo")


class Migration(migrations.Migration):
    dependencies = [("rollout", "0002_reminder_rules_and_ledger")]

    operations = [migrations.RunPython(name_parties, name_audience)]
