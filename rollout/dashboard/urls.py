"""URLs of the pages."""

from django.urls import path

from rollout.dashboard import reconciliation, views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
]
