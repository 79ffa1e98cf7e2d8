"""When a campaign may send, as arithmetic."""
