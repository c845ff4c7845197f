"""Import test of AzureML-PyTorch-2.4-GPU: runs in its container, needs no GPU."""
import glob
import json
import os
import sys

import torch


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
expect("torch", torch.__version__, "2.4")
# A step of training, on the CPU.
weight = torch.zeros(3, requires_grad=True)
((weight * torch.ones(3) - 1) ** 2).sum().backward()
expect("gradient", int(weight.grad.sum()), "-6")
if "cuda" not in build_of("pytorch"):
    sys.exit("pytorch is a build without CUDA: " + build_of("pytorch"))
