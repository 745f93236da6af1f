"""A column that keeps what a person wrote, and the period that was read from it."""

from datetime import date

import pytest
from django import forms
from django.core import serializers
from django.core.exceptions import ValidationError

from rollout.domain.dates import FuzzyDate, parse
from rollout.models import Observation, Source, Wave
from rollout.models.fields import FuzzyDateField, FuzzyDateFormField, fill_bounds
from tests.factories import ObservationFactory, SourceFactory, WaveFactory

BOUNDS = ("cutover_earliest", "cutover_latest", "cutover_precision", "cutover_open_ended")
WRITTEN = {
    "day": ("R8.6.15", (date(2026, 6, 15), date(2026, 6, 15), "day", False)),
    "month that goes on": ("R8.6~", (date(2026, 6, 1), date(2026, 6, 30), "month", True)),
    "fiscal year": ("令和８年度", (date(2026, 4, 1), date(2027, 3, 31), "fiscal_year", False)),
    "without end": ("R8年度以降", (date(2026, 4, 1), None, "fiscal_year", True)),
    "undecided": ("検討中", (None, None, "", False)),
    "blank": ("", (None, None, "", False)),
}


@pytest.mark.parametrize(("text", "bounds"), WRITTEN.values(), ids=WRITTEN)
def test_field_keeps_the_text_and_fills_the_bounds(db, text, bounds):
    WaveFactory(cutover=text)
    wave = Wave.objects.get()
    assert (wave.cutover.text, Wave.objects.values_list(*BOUNDS).get()) == (text, bounds)
    assert wave.cutover == parse(text)


def test_field_refills_the_bounds_on_every_save(db):
    wave = WaveFactory(cutover="R8年度以降")
    wave.cutover = "R8.6"
    wave.save()
    assert Wave.objects.values_list(*BOUNDS).get() == (date(2026, 6, 1), date(2026, 6, 30), "month", False)


def test_field_fills_the_bounds_of_rows_made_in_bulk(db):
    wave = WaveFactory()
    Wave.objects.bulk_create([Wave(rollout=wave.rollout, code="bulk", cutover="R8.6.15")])
    assert Wave.objects.get(code="bulk").cutover_latest == date(2026, 6, 15)


def test_field_writes_the_bounds_into_the_history(db):
    wave = WaveFactory(cutover="R8.6~")
    assert wave.history.values_list("cutover", *BOUNDS).get() == (
        parse("R8.6~"),
        date(2026, 6, 1),
        date(2026, 6, 30),
        "month",
        True,
    )


@pytest.mark.parametrize("value", ["R8.6", parse("R8.6")], ids=["text", "FuzzyDate"])
def test_instance_always_holds_a_fuzzy_date(value):
    assert Wave(cutover=value).cutover == parse("R8.6")


@pytest.mark.parametrize("value", ["", None])
def test_instance_without_text_is_undecided(value):
    assert Wave(cutover=value).cutover == FuzzyDate.undecided()


def test_instance_reads_what_was_once_accepted():
    assert Wave(cutover="平成32年4月").cutover.earliest == date(2020, 4, 1)


def test_instance_refuses_what_is_no_date():
    with pytest.raises(ValidationError) as caught:
        Wave(cutover="来年ごろ")
    assert (caught.value.code, caught.value.messages[0][:6]) == ("fuzzy_date", "「来年ごろ」")


def test_column_reads_what_was_once_accepted(db):
    row = SourceFactory()
    Source.objects.filter(pk=row.pk).update(published_on="平成32年")
    assert Source.objects.get().published_on.earliest == date(2020, 1, 1)


@pytest.mark.parametrize("value", ["R8.6", parse("R8.6")], ids=["text", "FuzzyDate"])
def test_field_is_found_by_its_text(db, value):
    WaveFactory(cutover="R8.6")
    WaveFactory(cutover="2026-06")
    assert Wave.objects.filter(cutover=value).count() == 1


def test_field_is_written_to_fixtures_as_text(db):
    row = SourceFactory(published_on="令和7年8月")
    [read] = serializers.deserialize("json", serializers.serialize("json", [row]))
    assert read.object.published_on.text == "令和7年8月"


def test_clean_fills_the_bounds_before_the_constraints_look(db):
    observation = ObservationFactory.build(source=SourceFactory(), as_of="R8年度以降")
    with pytest.raises(ValidationError) as caught:
        observation.full_clean()
    assert caught.value.messages == [
        "時点は「2024-06」「R6.6.19」のように、終わりのある期間で入力してください。"
    ]


def test_clean_refuses_an_observation_without_date(db):
    with pytest.raises(ValidationError) as caught:
        Observation(source=SourceFactory(), users=1).full_clean()
    assert caught.value.message_dict["as_of"] == ["このフィールドは空ではいけません。"]


def test_clean_refuses_a_text_that_is_too_long(db):
    wave = WaveFactory.build(rollout=WaveFactory().rollout, cutover=f"R8.6{' ' * 60}")
    with pytest.raises(ValidationError) as caught:
        wave.full_clean()
    assert list(caught.value.message_dict) == ["cutover"]


def test_fill_bounds_refuses_another_field():
    with pytest.raises(TypeError, match=r"^users is not a FuzzyDateField$"):
        fill_bounds(Wave(), "users")


def test_fill_bounds_leaves_a_field_without_bounds():
    source = Source(published_on="R8.6")
    fill_bounds(source, "published_on")
    assert hasattr(source, "published_on_earliest") is False


@pytest.mark.parametrize("bounds", [True, False])
def test_field_is_made_again_from_its_parts(bounds):
    _, path, args, kwargs = FuzzyDateField("切替", bounds=bounds).deconstruct()
    again = FuzzyDateField(*args, **kwargs)
    assert (path, again.bounds) == ("rollout.models.fields.FuzzyDateField", bounds)
    assert (again.max_length, again.blank, again.verbose_name) == (60, True, "切替")


class DateForm(forms.Form):
    cutover = FuzzyDateFormField()
    needed = FuzzyDateFormField(required=True)


def test_form_field_reads_era_text():
    form = DateForm({"cutover": " R8.6~ ", "needed": "R8.6"})
    assert (form.is_valid(), form.cleaned_data["cutover"]) == (True, parse("R8.6~"))


@pytest.mark.parametrize("text", ["", "検討中"])
def test_form_field_reads_no_date_as_undecided(text):
    form = DateForm({"cutover": text, "needed": "R8.6"})
    assert (form.is_valid(), form.cleaned_data["cutover"].is_undecided) == (True, True)


INVALID = {
    "no date": ("来年ごろ", "「来年ごろ」：日付として読めません。"),
    "an era that has ended": ("平成32年4月", "「平成32年4月」：平成は2019年4月30日までです。"),
    "month 13": ("R8.13", "「R8.13」：月は1〜12です"),
}


@pytest.mark.parametrize(("text", "message"), INVALID.values(), ids=INVALID)
def test_form_field_says_what_would_be_right(text, message):
    [error] = DateForm({"cutover": text, "needed": "R8.6"}).errors["cutover"]
    assert error[: len(message)] == message


def test_form_field_that_is_required_needs_a_text():
    assert DateForm({"cutover": "", "needed": ""}).errors == {"needed": ["この項目は必須です。"]}


def test_form_field_is_as_long_as_the_column():
    field = Wave._meta.get_field("cutover").formfield()
    assert (type(field), field.max_length, field.required) == (FuzzyDateFormField, 60, False)
    with pytest.raises(ValidationError):
        field.clean("R8.6" + "　" * 57 + "~")


@pytest.mark.parametrize(
    ("initial", "data", "changed"),
    [
        pytest.param(parse("R8.6"), "R8.6", False, id="the same"),
        pytest.param(parse("R8.6"), "令和8年6月", True, id="the same period, written another way"),
        pytest.param(parse("R8.6"), "R8.7", True, id="another period"),
        pytest.param(None, "", False, id="nothing"),
    ],
)
def test_form_field_has_changed_when_the_text_has(initial, data, changed):
    assert FuzzyDateFormField().has_changed(initial, data) is changed


def test_form_field_shows_the_text_as_written():
    assert FuzzyDateFormField().prepare_value(parse("令和8年6月")) == "令和8年6月"
