"""What a browser sends to the pages of the admin, and what it is shown in return."""

from html.parser import HTMLParser

from django.urls import reverse

from rollout.history import TRACKED_MODELS
from rollout.models import PlanVersion, Wave

REASON = "9月3日 国税庁からの連絡"
CONFIRMATION = "admin/plan_confirmation.html"


def url(row, page="change"):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def values_of(client, row):
    """What a browser would send back from the row's page as it stands."""
    return values_in(client.get(url(row)))


def values_in(answer):
    """What a browser would send back from the form that it is shown."""
    context = answer.context
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    forms = [context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    sent = {field.html_name: field.value() for form in forms for field in form}
    sent["_seen"] = context.get("seen")
    texts = {name: getattr(value, "text", value) for name, value in sent.items()}
    return {name: text for name, text in texts.items() if text is not None and text is not False}


def edited(client, row, **changes):
    """The values of the row's page with some changed; `waves__0__cutover` stands for `waves-0-cutover`."""
    sent = {**values_of(client, row), **{name.replace("__", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in sent.items() if value is not None}


def post(client, row, **changes):
    """Send an edit; where the figures move, what comes back is the confirmation page."""
    return client.post(url(row), edited(client, row, **changes))


def save(client, row, **changes):
    """Send an edit and confirm it where that is asked."""
    return post_and_confirm(client, url(row), edited(client, row, **changes))


def post_and_confirm(client, address, sent):
    """Send a form and confirm it where that is asked."""
    answer = client.post(address, sent)
    return confirm(client, address, answer) if is_confirmation(answer) else answer


def is_confirmation(answer):
    return answer.status_code == 200 and CONFIRMATION in [template.name for template in answer.templates]


def confirm(client, address, answer, **buttons):
    """Press a button of the confirmation page; without a name the one that saves."""
    return client.post(address, {**hidden_fields(answer), **buttons})


def hidden_fields(answer):
    """The hidden fields of the page's last form, as a browser would send them."""
    reader = _HiddenFields()
    reader.feed(answer.content.decode())
    return reader.found


class _HiddenFields(HTMLParser):
    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.found = {}
        elif tag == "input" and values.get("type") == "hidden":
            self.found.setdefault(values["name"], []).append(values["value"])


def errors(answer):
    context = answer.context
    found = [*context["adminform"].form.errors.values()]
    for inline in context["inline_admin_formsets"]:
        found += [
            inline.formset.non_form_errors(),
            *(e for each in inline.formset.errors for e in each.values()),
        ]
    return [str(error) for errors in found for error in errors]


def everything():
    """All that an edit could have changed."""
    rows = {model: list(model.objects.order_by("pk").values()) for model in TRACKED_MODELS}
    return rows, history_count(), PlanVersion.objects.get().number


def history_count():
    return {model.__name__: model.history.count() for model in TRACKED_MODELS}


def wave(code="nta-1"):
    return Wave.objects.get(code=code)
