"""Django's own, which also finds what the rules say: `Words`, and the errors of dates."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """`manage.py makemessages` as CONTRIBUTING says."""

    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=Words",
        "--keyword=FuzzyDateError",
    ]
