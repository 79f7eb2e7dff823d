"""The command line: parse, call one function, print one line; the exit code tells.

Modules import what is heavy inside the command that needs it, so that `leadkeeper --help` is quick
and one command never pays for another.
"""
