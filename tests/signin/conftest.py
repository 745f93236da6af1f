"""A provider that the product is configured for, and the roles that it maps to."""

import json

import pytest
from django.contrib.auth.models import Group

from gss_tracker.provider import read_provider
from tests.signin.provider import make_key, running


@pytest.fixture(scope="session")
def signing_key():
    return make_key()


@pytest.fixture
def provider(settings, signing_key, db):
    for name in ("閲覧", "編集", "監査", "手で付けた役割"):
        Group.objects.get_or_create(name=name)
    with running(signing_key) as provider:
        for name, value in read_provider(provider.settings()).items():
            setattr(settings, name, value)
        settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "signin.oidc.ProviderBackend"]
        yield provider


@pytest.fixture
def events(caplog):
    """What the security log has said so far, as (event, facts)."""
    caplog.set_level("INFO", logger="gss_tracker.security")

    def read():
        lines = [json.loads(line.getMessage()) for line in caplog.records if line.name.endswith(".security")]
        return [(line.pop("event"), line) for line in lines]

    return read
