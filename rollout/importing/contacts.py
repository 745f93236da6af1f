"""Contacts from a table: matched by ministry and address; one with a new address is a new contact."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models.functions import Lower
from django.utils.translation import gettext

from ministries.models import Contact, Ministry
from rollout.exports import CONTACT_HEADINGS, contact_row
from rollout.importing.files import Line, Value, plain_text
from rollout.importing.sheets import Sheet, clean
from rollout.models.labels import NO, YES, in_japanese
from rollout.tables import Cell

CODE, MINISTRY, ADDRESS = "府省庁コード", "府省庁", "メールアドレス"
ROLE_OF = {in_japanese(label): role for role, label in Contact.Role.choices}
FROM_EXCEL = {"TRUE": True, "FALSE": False}
ACTIVE_OF = {in_japanese(YES): True, in_japanese(NO): False, **FROM_EXCEL}


class ContactSheet(Sheet):
    """The export of contacts, sent back, with more rows perhaps."""

    title = in_japanese(Contact._meta.verbose_name_plural)
    headings = CONTACT_HEADINGS
    needed = (ADDRESS,)
    found_by = (CODE, MINISTRY, ADDRESS)
    keys = {ADDRESS: "email"}
    editable = {"氏名・部署": "name", "役割": "role", "通知する": "active"}

    def __init__(self) -> None:
        super().__init__()
        self._contacts: dict[tuple[int, str], Contact] = {}
        self._by_code = {ministry.code: ministry for ministry in Ministry.objects.all()}
        ministries = self._by_code.values()
        aliases = {plain_text(name): ministry for ministry in ministries for name in ministry.alias_names}
        self._by_name = aliases | {plain_text(ministry.name): ministry for ministry in ministries}

    def prepare(self, lines: Sequence[Line]) -> None:
        """The contacts with these addresses, in one query."""
        addresses = {self.text(line, ADDRESS).lower() for line in lines}
        rows = Contact.objects.alias(address=Lower("email")).filter(address__in=addresses)
        self._contacts = {
            (row.ministry_id, row.email.lower()): row for row in rows.select_related("ministry")
        }

    def find(self, line: Line) -> Contact | None:
        """The contact of a ministry with this address, or a new one."""
        ministry, address = self._ministry(line), self.text(line, ADDRESS)
        if not address:
            self.mistake(line, ADDRESS, gettext("メールアドレスがありません。"))
        elif ministry and self.is_first(line, (ministry.pk, address.lower()), ADDRESS):
            known = self._contacts.get((ministry.pk, address.lower()))
            return known or Contact(ministry=ministry, email=address)
        return None

    def exported(self, row: Contact) -> Mapping[str, Cell]:
        """Under the headings of the export."""
        return dict(zip(CONTACT_HEADINGS, contact_row(row), strict=True))

    def value(self, heading: str, value: Value) -> Any:
        """A role, はい or いいえ, or words."""
        if heading == "役割":
            return _chosen(ROLE_OF, plain_text(value))
        if heading == "通知する":
            return _chosen(ACTIVE_OF, plain_text(value))
        return str(value)

    def check(self, row: Contact, before: Mapping[str, Any]) -> None:
        """As the page of the contact does; of a new one the address too."""
        clean(row, before if row.pk else {**before, "email": ""})

    def label(self, row: Contact) -> str:
        """Of which ministry, at which address."""
        return f"{row.ministry.name} {row.email}"

    def _ministry(self, line: Line) -> Ministry | None:
        """By code or by name or alias; both must mean the same."""
        code, name = self.text(line, CODE), self.text(line, MINISTRY)
        if not code and not name:
            self.mistake(line, CODE, gettext("府省庁がありません。コードか名称を入れてください。"))
            return None
        by_code, by_name = self._by_code.get(code), self._by_name.get(name)
        if code and not by_code:
            self.mistake(
                line, CODE, gettext("「{code}」というコードの府省庁はありません。").format(code=code)
            )
        elif name and not by_name:
            self.mistake(
                line,
                MINISTRY,
                gettext("「{name}」という府省庁はありません。名称を確かめてください。").format(name=name),
            )
        elif by_code and by_name and by_code != by_name:
            self.mistake(
                line,
                MINISTRY,
                gettext("コード {code} は「{name}」です。片方を直してください。").format(
                    code=code, name=by_code.name
                ),
            )
        else:
            return by_code or by_name
        return None


def _chosen(values: Mapping[str, Any], text: str) -> Any:
    if text not in values:
        choices = gettext("、").join(label for label in values if label not in FROM_EXCEL)
        raise ValueError(
            gettext("「{text}」は選べません。{choices} のどれかにしてください。").format(
                text=text, choices=choices
            )
        )
    return values[text]
