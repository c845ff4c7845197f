"""Import test of AzureML-Scikit-learn-1.7: runs in its container, needs no GPU."""
import sys

import joblib
import matplotlib
import pandas
import scipy
import sklearn
import sklearn.linear_model


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.12")
expect("sklearn", sklearn.__version__, "1.7")
print("pandas", pandas.__version__)
print("scipy", scipy.__version__)
print("joblib", joblib.__version__)
print("matplotlib", matplotlib.__version__)
model = sklearn.linear_model.LogisticRegression().fit([[0.0], [1.0]], [0, 1])
expect("prediction", int(model.predict([[2.0]])[0]), "1")
