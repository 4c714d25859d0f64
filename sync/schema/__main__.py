"""`python -m sync.schema`: write what is published anew and say what changed.

With `--release VERSION` also freeze it as the messages of that release.
"""

import argparse
import sys

from sync.schema.generate import write
from sync.schema.releases import ReleaseError, freeze

parser = argparse.ArgumentParser(prog="python -m sync.schema", description=__doc__)
parser.add_argument("--release", metavar="VERSION", help="freeze it too")
options = parser.parse_args()

if options.release is not None:
    try:
        frozen = freeze(options.release)
    except ReleaseError as error:
        parser.exit(2, f"{error}\n")
    sys.stdout.write(f"frozen {options.release}: {len(frozen)} files\n")
for changed in write():
    sys.stdout.write(f"changed {changed}\n")
