"""`python -m sync.schema`: write the schemas anew and say which changed."""

import sys

from sync.schema.generate import write

for changed in write():
    sys.stdout.write(f"changed {changed}.json\n")
