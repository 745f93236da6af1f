"""The frame that the pages of signing in share with the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def page(request: HttpRequest, name: str, title: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """A page of `signin/` under the admin's header."""
    whole = {**admin.site.each_context(request), "title": title, **context}
    return render(request, f"signin/{name}.html", whole, status=status)
