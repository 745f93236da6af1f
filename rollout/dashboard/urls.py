"""URLs of the pages."""

from django.urls import path

from rollout.dashboard import (
    answering,
    calendar,
    comparison,
    ministries,
    problems,
    reconciliation,
    rollouts,
    slide,
    views,
)

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("ministries/", ministries.ministries, name="ministries"),
    path("ministries/<slug:code>/", ministries.ministry, name="ministry"),
    path("rollouts/<slug:code>/", rollouts.rollout, name="rollout"),
    path("comparison/", comparison.comparison, name="comparison"),
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("slide/", slide.slide, name="slide"),
    path("problems/", problems.problems, name="problems"),
    path("problems/<slug:name>/", problems.problem, name="problem"),
    path("reminders/<str:token>/", answering.answer, name="answer"),
]
