"""Import test of AzureML-Transformers-4.53-GPU: runs in its container, needs no GPU."""
import glob
import json
import os
import sys

import accelerate
import datasets
import torch
import transformers


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
expect("transformers", transformers.__version__, "4.53")
expect("accelerate", accelerate.__version__, "1.8")
expect("datasets", datasets.__version__, "3.6")
expect("torch", torch.__version__, "2.7")
if "cuda" not in build_of("pytorch"):
    sys.exit("pytorch is a build without CUDA: " + build_of("pytorch"))
