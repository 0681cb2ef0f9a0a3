"""`python -m impl.luxid`."""

import sys

from impl.luxid.main import main

sys.exit(main())
