"""Tables from people into the plan: read, held against the rows, shown, and put into force as one change."""
