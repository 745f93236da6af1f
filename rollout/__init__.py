"""When, and how many: the plan, its projection and its reminders."""
