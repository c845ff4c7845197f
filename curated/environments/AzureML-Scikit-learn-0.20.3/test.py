"""Import test of AzureML-Scikit-learn-0.20.3: runs in its container, needs no GPU."""
import sys

import azureml.core
import joblib
import scipy
import sklearn


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
expect("joblib", joblib.__version__, "0.13.2")
expect("scipy", scipy.__version__, "1.2.1")
expect("sklearn", sklearn.__version__, "0.20.3")
