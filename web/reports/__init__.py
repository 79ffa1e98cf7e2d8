"""What providers call: reports at ``/reports/ACCOUNT``, answers at ``/inbound/ACCOUNT``."""
