"""Import test of AzureML-Tutorial: runs in its container, needs no GPU."""
import sys

import azureml.core
import matplotlib
import mlflow
import numpy
import pandas
import sklearn


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.13.0")
print("matplotlib", matplotlib.__version__)
print("mlflow", mlflow.__version__)
print("numpy", numpy.__version__)
print("pandas", pandas.__version__)
print("sklearn", sklearn.__version__)
