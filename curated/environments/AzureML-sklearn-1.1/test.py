"""Import test of AzureML-sklearn-1.1: runs in its container, needs no GPU."""
import sys

import sklearn


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.9")
expect("sklearn", sklearn.__version__, "1.1")
