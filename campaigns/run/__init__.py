"""One occurrence of a campaign and the ledger of its recipients."""
