"""The seeds of tests that break things at random.

`make test` takes one, always the same. `make soak` sets another for each of its rounds, and tells
it: `make soak SEED=…` makes that round again.
"""

import os

SEED = int(os.environ.get("ESTAFETTE_TEST_SEED", "1"))
"""What the dice of a test are made of. The order of faults and what is asked for follow from it
alone; how processes and the network take turns does not."""
