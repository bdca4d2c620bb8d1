"""Adapters to other people's frameworks, one module each.

The rule: nothing in medsim imports them, and each imports only its own framework, which is an extra to install.
"""
