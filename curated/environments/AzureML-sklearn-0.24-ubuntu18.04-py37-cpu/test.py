"""Import test of AzureML-sklearn-0.24-ubuntu18.04-py37-cpu: runs in its container, needs no GPU."""
import sys

import sklearn


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.7")
expect("sklearn", sklearn.__version__, "0.24")
