"""Who may come in: accounts of the provider, local ones, lock-out, sessions, security log."""
