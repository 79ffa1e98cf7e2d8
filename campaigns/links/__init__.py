"""Links in messages: a code for each recipient, where it leads, who followed it, opting out by it."""
