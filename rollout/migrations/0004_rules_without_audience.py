from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('rollout', '0003_rules_address_parties')]

    operations = [
        migrations.RemoveField(
            model_name='historicalreminderrule',
            name='audience',
        ),
        migrations.RemoveField(
            model_name='reminderrule',
            name='audience',
        ),
        migrations.AddConstraint(
            model_name='reminderrule',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'change'), ('to_lead', True), ('to_deputy', True), ('to_covered', True), ('to_watchers', True), ('to_pmo', True), _connector='OR'), name='rule_addresses_somebody', violation_error_message='宛先を1つ以上選んでください。'),
        ),
    ]
