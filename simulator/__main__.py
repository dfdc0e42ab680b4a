"""``python -m`` and the package's name: the same as ``forecourt-sim``."""

import sys

from simulator.cli import main

sys.exit(main())
