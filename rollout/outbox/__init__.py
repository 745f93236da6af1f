"""The outbox: reminders owed become rows of the ledger, rows become mail.

Each step is safe to repeat and to run twice at once. Planning and settling hold the plan's version
row; sending claims one row at a time with a conditional UPDATE before it speaks to the mail server,
so that a row is sent by one process only, and a crash in between leaves it in `sending`, from where
it becomes `unknown` for a person to look at, never a second mail.
"""

from rollout.outbox.delivery import deliver
from rollout.outbox.planning import follow_plan, plan_reminders
from rollout.outbox.settling import settle

__all__ = ["deliver", "follow_plan", "plan_reminders", "settle"]
