"""The viewer in a terminal, on textual. Imported only when it is opened: nothing else in medsim loads textual.

The rule: what is shown is worked out elsewhere in ``medsim.viewer``; screens only place it and take keys and clicks.
"""
