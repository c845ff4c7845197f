"""Import test of AzureML-JAX-0.7-GPU: runs in its container, needs no GPU."""
import glob
import json
import os
import sys

import jax
import jaxlib


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


expect("python", sys.version.split()[0], "3.13")
expect("jax", jax.__version__, "0.7")
expect("jaxlib", jaxlib.__version__, "0.7")
if "cuda" not in build_of("jaxlib"):
    sys.exit("jaxlib is a build without CUDA: " + build_of("jaxlib"))
