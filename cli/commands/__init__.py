"""The commands of `sluice`, one module per topic; what they do is decided elsewhere."""
