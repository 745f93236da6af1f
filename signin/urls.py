"""URLs of signing in. The provider's keep the names that mozilla-django-oidc reverses."""

from django.urls import include, path

from signin import oidc_views, second_factor

second_factor_urls = [
    path("second-factor/", second_factor.ask, name="second_factor"),
    path("second-factor/new/", second_factor.enrol, name="enrol"),
]

urlpatterns = [
    path("oidc/authenticate/", oidc_views.Start.as_view(), name="oidc_authentication_init"),
    path("oidc/callback/", oidc_views.Callback.as_view(), name="oidc_authentication_callback"),
    path("", include((second_factor_urls, "signin"))),
]
