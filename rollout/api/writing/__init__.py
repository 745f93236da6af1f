"""Writing by the API: bodies are read strictly, one action does it, and `dry_run` shows what it would do."""
