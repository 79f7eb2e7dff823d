"""The acceptance report that can be run again: real server, real worker, real HTTP, and rows for every claim.

`stage` starts and kills the processes, `claims_*` do what the report lists, `report` writes it down.
"""
