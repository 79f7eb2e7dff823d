"""Run by every Python that has this folder in PYTHONPATH, before anything else."""

from importlib.util import find_spec

if find_spec("dev") is not None:  # another installation's Python has nothing of ours to load
    from dev.probes.start import begin

    begin()
