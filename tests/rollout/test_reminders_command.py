"""`manage.py reminders`: what will go out, and why; and that it never sends."""

from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from rollout import outbox
from rollout.models import PlanVersion, ReminderRule, Wave
from tests.factories import ReminderRuleFactory, WaveFactory
from tests.rollout.ledger import START, at, make_wave, owe
from tests.rollout.test_foresight import contents

pytestmark = pytest.mark.django_db

A = "a@example.go.jp"


@pytest.fixture(autouse=True)
def clock():
    """Time stands still at 10:00 in Tokyo on 2026-11-24."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def reminders(*arguments):
    """What the command prints."""
    out, err = StringIO(), StringIO()
    call_command("reminders", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_dry_run_prints_what_goes_out_with_its_text(clock, mailoutbox):
    owe(days=(30,))
    ReminderRule.objects.update(body="{宛名} 様\n\n{残り日数}。\n")
    before = contents()
    out, err = reminders("--dry-run", "--until", "R9.2")
    assert out == (
        "2026年12月16日 09:00 国税庁（地方拠点）（切替予定 R9.1.15） 30日前\n"
        "  宛先: 担当者 <a@example.go.jp>\n"
        "  件名: 国税庁（地方拠点） 切替のお知らせ\n"
        "    担当者 様\n"
        "\n"
        "    切替予定日まであと30日です。\n"
        "\n"
        "96日間（2027年2月28日まで）で1通。何も送らず、何も変えていません。\n"
    )
    assert (err, contents(), mailoutbox) == ("", before, [])


def headings(*arguments):
    """The lines that say when and what, and the last one."""
    lines = reminders("--dry-run", *arguments)[0].splitlines()
    return [line for line in lines if line and not line.startswith(" ")]


def test_dry_run_says_what_is_late_and_what_has_no_row_yet(clock):
    owe(days=(30,))
    ReminderRuleFactory(kind="overdue", count=7, label="毎週", to_pmo=False)
    outbox.plan_reminders()
    clock.move_to(at("2026-12-19 10:00"))
    assert headings("--until", "2027-01-31") == [
        "2026年12月21日 09:00（期日 2026年12月16日 09:00） 国税庁（地方拠点）（切替予定 R9.1.15） 30日前",
        "2027年1月22日 09:00 国税庁（地方拠点）（切替予定 R9.1.15） 毎週",
        "2027年1月29日 09:00 国税庁（地方拠点）（切替予定 R9.1.15） 毎週（台帳にはまだない）",
        "43日間（2027年1月31日まで）で3通。何も送らず、何も変えていません。",
    ]


def test_dry_run_is_narrowed_to_an_address_and_a_wave():
    wave = owe(days=(30,))
    owe(WaveFactory(cutover="R9.1.15"), emails=("b@example.go.jp",), days=())
    total = "90日間（2027年2月22日まで）で1通。何も送らず、何も変えていません。"
    narrowed = [headings("--address", "a@example"), headings("--wave", wave.code)]
    mail = "2026年12月16日 09:00 国税庁（地方拠点）（切替予定 R9.1.15） 30日前"
    assert narrowed == [[mail, total], [mail, total]]


def test_dry_run_says_that_the_ledger_lags():
    wave = owe(days=(30,))
    Wave.objects.filter(pk=wave.pk).update(status="cancelled")
    PlanVersion.objects.raise_number()
    out, err = reminders("--dry-run")
    assert out == "90日間（2027年2月22日まで）で0通。何も送らず、何も変えていません。\n"
    assert err == "台帳は最新の計画に合わせて更新しているところです。最新の計画から計算しました。\n"


def test_why_prints_the_words():
    owe(make_wave(code="nta-1"))
    assert reminders("--why", A, "nta-1")[0] == (
        "a@example.go.jp\n"
        "  国税庁（地方拠点）の切替予定は「R9.1.15」、状態は「予定」です。\n"
        "  国税庁の主担当「担当者」として2026年11月24日から通知しています。\n"
        "  この移行単位については「主管府省庁の主担当」として通知を受け取ります。\n"
        "30日前\n"
        "  2026年12月16日 09:00に送る予定です。\n"
    )


SENDS_NOTHING = (
    "--dry-run（これから送る通知を見る）か --why 宛先 移行単位（理由を調べる）を付けてください。"
    "このコマンドは何も送りません。送信は tick の仕事です（beat が1分ごとに行うか、manage.py tick）。"
)
TOGETHER = "--until、--address、--wave は --dry-run と一緒に使います。"
NO_WAVE = "コード「x」の移行単位はありません。/admin/rollout/wave/ で確かめてください。"
REFUSED = {
    "nothing asked": ((), SENDS_NOTHING),
    "an option alone": (("--until", "R9.2"), SENDS_NOTHING),
    "both asked": (("--dry-run", "--why", A, "x"), SENDS_NOTHING),
    "until with why": (("--why", A, "x", "--until", "R9.2"), TOGETHER),
    "no such wave": (("--why", A, "x"), NO_WAVE),
    "no such wave to narrow to": (("--dry-run", "--wave", "x"), NO_WAVE),
    "no such day": (
        ("--dry-run", "--until", "2027-02-30"),
        "--until 「2027-02-30」：2027年2月は28日までです（30はありません）。",
    ),
    "a day that has passed": (
        ("--dry-run", "--until", "2026-11-23"),
        (
            "--until 「2026-11-23」は範囲の外です。"
            "2026-11-24（今日）から2028-11-24（約2年先）までの日を書いてください。"
        ),
    ),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_command_refuses_what_it_cannot_do(arguments, message):
    with pytest.raises(CommandError) as caught:
        reminders(*arguments)
    assert str(caught.value) == message
