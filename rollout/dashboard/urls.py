"""URLs of the page."""

from django.urls import path

from rollout.dashboard import views

urlpatterns = [path("", views.dashboard, name="dashboard")]
