"""Run by every Python that has this folder in PYTHONPATH, before anything else."""

from dev.probes.start import begin

begin()
