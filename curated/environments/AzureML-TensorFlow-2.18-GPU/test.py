"""Import test of AzureML-TensorFlow-2.18-GPU: runs in its container, needs no GPU."""
import glob
import json
import os
import sys

import tensorflow


def build_of(package):
    for path in glob.glob(os.path.join(sys.prefix, "conda-meta", package + "-*.json")):
        with open(path) as file:
            record = json.load(file)
        if record["name"] == package:
            return record["build"]
    sys.exit("conda did not install " + package)


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.12")
expect("tensorflow", tensorflow.__version__, "2.18")
print("keras", tensorflow.keras.__version__)
if "cuda" not in build_of("tensorflow"):
    sys.exit("tensorflow is a build without CUDA: " + build_of("tensorflow"))
