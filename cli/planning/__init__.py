"""What a campaign would do: `sluice plan`."""
