"""The version of medsim."""

__version__ = "0.1.0"
