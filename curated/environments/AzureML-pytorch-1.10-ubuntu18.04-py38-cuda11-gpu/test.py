"""Import test of AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu: runs in its container, needs no GPU."""
import sys

import torch
import torchvision


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.8")
expect("torch", torch.__version__, "1.10")
expect("torchvision", torchvision.__version__, "0.11")
if torch.version.cuda is None:
    sys.exit("torch is a build without CUDA")
