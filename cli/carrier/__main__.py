"""`python -m cli.carrier`: the carrier without the rest of the command line."""

from cli.carrier.command import carrier_command

carrier_command(prog_name="sluice carrier")
