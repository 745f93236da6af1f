"""URLs of the whole product."""

from django.contrib import admin
from django.urls import include, path

from gss_tracker import health, metrics
from signin.oidc_views import sign_out

urlpatterns = [
    path("admin/logout/", sign_out),  # before the admin's own, which knows no provider
    path("admin/", admin.site.urls),
    path("signin/", include("signin.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("", include("rollout.urls")),
]

handler400 = "gss_tracker.problems.bad_request"
handler404 = "gss_tracker.problems.not_found"
handler500 = "gss_tracker.problems.server_error"
