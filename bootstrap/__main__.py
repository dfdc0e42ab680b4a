"""``python3 -I bootstrap``: the entry of ``./run``. The checkout goes last on the path, so that nothing is shadowed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from bootstrap.commands import main

sys.exit(main(sys.argv[1:]))
