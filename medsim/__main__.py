"""``python -m medsim``."""

import sys

from medsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
