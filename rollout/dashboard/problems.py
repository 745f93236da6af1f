"""A page about each type of problem that the API tells, for who meets one."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from gss_tracker.problems import NAMES, TITLES

ABOUT = {
    "input": (
        _("パラメータか本文に、知らない名前か、意味のとれない値があります。"),
        _("errors に、項目ごとに何が違い、どう書けばよいかがあります。直してから送り直してください。"),
    ),
    "sign-in": (
        _("だれからの要求か分かりません。"),
        _("ログインするか、トークンを添えて送り直してください。"),
    ),
    "forbidden": (
        _("ログインしていないか、いまの利用者にその権限がありません。"),
        _("ログインし、それでも同じなら、PMOの管理者に権限を頼んでください。"),
    ),
    "not-found": (
        _("そのコードの行やページがないか、計画の履歴がその時点まで遡れません。"),
        _("コードとアドレスを確かめてください。削除されたものは as_of で、あった時点のものを読めます。"),
    ),
    "method": (
        _("その URL では、使ったメソッド（GET、POST など）を受け付けません。"),
        _("Allow ヘッダーにあるメソッドを使ってください。"),
    ),
    "format": (
        _("Accept ヘッダーが求める形式では返せません。"),
        _("Accept に application/json を含めてください。"),
    ),
    "conflict": (
        _("同じコードや同じ出典・時点の行が、すでにあります。"),
        _("existing にある行を読み、変えるときは PATCH を使ってください。"),
    ),
    "changed-meanwhile": (
        _("読んでから送るまでのあいだに、その行が変更されました。何も変わっていません。"),
        _("difference で変更を確かめ、current にある ETag を If-Match に入れて、送り直してください。"),
    ),
    "media-type": (
        _("本文の形式を受け取れません。"),
        _("Content-Type を application/json にし、本文を JSON で送ってください。"),
    ),
    "condition-missing": (
        _("変更には、その行を読んだときの ETag が必要です。"),
        _("行を読み、その ETag を If-Match ヘッダーに入れて送り直してください。"),
    ),
    "too-many-requests": (
        _("短い時間に多くの要求がありました。"),
        _("Retry-After ヘッダーの秒数だけ待ってから、やり直してください。"),
    ),
    "server": (
        _("サーバーの内部で失敗しました。何も変わっていません。"),
        _("時間をおいてやり直し、続くときは request_id を添えて管理者に知らせてください。"),
    ),
    "not-ready": (
        _("まだ計算していないか、計画の変更を書き込んでいるところです。"),
        _("Retry-After ヘッダーの秒数だけ待ってから、やり直してください。"),
    ),
}
STATUSES = {name: status for status, name in NAMES.items()}


@require_safe
def problems(request: HttpRequest) -> HttpResponse:
    """All of them."""
    listed = [(name, status, TITLES[status]) for status, name in sorted(NAMES.items())]
    return render(request, "rollout/dashboard/problems.html", {"problems": listed})


@require_safe
def problem(request: HttpRequest, name: str) -> HttpResponse:
    """One: when it is told, and what to do."""
    if name not in ABOUT:
        raise Http404
    when, remedy = ABOUT[name]
    status = STATUSES[name]
    context = {"name": name, "status": status, "title": TITLES[status], "when": when, "remedy": remedy}
    return render(request, "rollout/dashboard/problem.html", context)
