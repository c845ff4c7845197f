"""Import test of AzureML-XGBoost-2.1: runs in its container, needs no GPU."""
import sys

import pandas
import sklearn
import xgboost


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.12")
expect("xgboost", xgboost.__version__, "2.1")
print("sklearn", sklearn.__version__)
print("pandas", pandas.__version__)
