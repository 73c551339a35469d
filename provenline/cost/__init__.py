"""What training costs: a ledger, a ceiling, and what other machines would cost."""
