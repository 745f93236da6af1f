"""Tokens for programs that use the API."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signin', '0001_accounts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ServiceToken',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('digest', models.CharField(editable=False, max_length=128, unique=True)),
                ('token_key', models.CharField(db_index=True, editable=False, max_length=25)),
                ('name', models.CharField(help_text='どこで使うか。例: Power BI（企画課）', max_length=100, verbose_name='名称')),
                ('reads', models.BooleanField(default=True, verbose_name='計画を読む')),
                ('writes', models.BooleanField(default=False, verbose_name='計画に書き込む')),
                ('reminders', models.BooleanField(default=False, verbose_name='事前通知の台帳を読む')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='発行日時')),
                ('expiry', models.DateTimeField(verbose_name='有効期限')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='最後に使われた日時')),
                ('revoked_at', models.DateTimeField(editable=False, null=True, verbose_name='取り消した日時')),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='発行した人')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='service_tokens', to=settings.AUTH_USER_MODEL, verbose_name='サービスアカウント')),
            ],
            options={
                'verbose_name': 'API トークン',
                'verbose_name_plural': 'API トークン',
                'ordering': ['-created'],
                'constraints': [models.CheckConstraint(condition=models.Q(('reads', True), ('writes', True), ('reminders', True), _connector='OR'), name='service_token_opens_something', violation_error_message='できることを1つ以上選んでください。')],
            },
        ),
    ]
