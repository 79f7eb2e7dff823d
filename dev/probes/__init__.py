"""Which lines and branches ran: the code says so itself, by a probe before every statement (docs/decisions).

`plant` writes the probes into a module's syntax tree, `start` loads the package that way in every Python process of a test
run, `collect` reads what the probes noted and judges it with coverage.py's own reports.
"""
