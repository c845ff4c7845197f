"""Import test of AzureML-Lightgbm-4.1: runs in its container, needs no GPU."""
import sys

import lightgbm
import pandas
import sklearn


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.12")
expect("lightgbm", lightgbm.__version__, "4.1")
print("sklearn", sklearn.__version__)
print("pandas", pandas.__version__)
data = lightgbm.Dataset([[float(i)] for i in range(100)], label=[i // 50 for i in range(100)])
model = lightgbm.train({"objective": "binary", "verbose": -1}, data, 5)
expect("trees", model.num_trees(), "5")
