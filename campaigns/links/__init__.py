"""Links in messages: codes of recipients, where they lead, who followed them, opting out."""
