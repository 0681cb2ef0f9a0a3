"""`python -m impl.job ID --root DIR`."""

import sys

from impl.job.process import main

sys.exit(main())
