"""Import test of AzureML-AutoML: runs in its container, needs no GPU."""
import sys

import azureml.core
import fbprophet
import numpy
import pandas
import xgboost


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
print("numpy", numpy.__version__)
print("pandas", pandas.__version__)
print("xgboost", xgboost.__version__)
