"""Real processes that are killed at random, and what must be true of the ledger afterwards."""
