"""A local HTTP server that behaves like an SMS carrier, and the judges of its log.

settings.py   what it pretends to be: rate ceiling, latency, error mix, reports
ceiling.py    the rate ceiling as arithmetic
tally.py      what has arrived, counted in bounded memory
core.py       one request -> log line, reply, delivery report; no clock, no I/O
journal.py    the log as it is written
log.py        the log as it is read, and the verdicts on it
reports.py    delivery reports on their way back
app.py        the ASGI application: messages
control.py    the ASGI application: health, statistics, log, live settings
server.py     the process: socket, signals, start and end
command.py    `sluice carrier`
"""
