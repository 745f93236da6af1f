"""URLs of the rollout: the page and the API."""

from django.urls import include, path

urlpatterns = [
    path("", include("rollout.dashboard.urls")),
    path("api/v1/", include("rollout.api.urls")),
]
