"""DOOR: the `sluice` command, the embedded servers, the sandbox carrier and the demo."""
