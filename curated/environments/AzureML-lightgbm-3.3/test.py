"""Import test of AzureML-lightgbm-3.3: runs in its container, needs no GPU."""
import sys

import lightgbm
import sklearn
import xgboost


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.10")
expect("sklearn", sklearn.__version__, "1.5")
expect("xgboost", xgboost.__version__, "1.7")
expect("lightgbm", lightgbm.__version__, "4")
