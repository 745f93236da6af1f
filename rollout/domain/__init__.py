"""The rules of the rollout in plain Python: no Django, no database, no clock."""
