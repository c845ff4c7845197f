"""Import test of AzureML-PyTorch-1.6-CPU: runs in its container, needs no GPU."""
import sys

import azureml.core
import horovod
import torch
import torchvision


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("torch", torch.__version__, "1.6")
expect("torchvision", torchvision.__version__, "0.7")
expect("horovod", horovod.__version__, "0.19.1")
expect("azureml-core", azureml.core.VERSION, "1.13.0")
