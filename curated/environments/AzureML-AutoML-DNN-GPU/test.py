"""Import test of AzureML-AutoML-DNN-GPU: runs in its container, needs no GPU."""
import sys

import azureml.core
import horovod
import pytorch_transformers
import spacy
import torch


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
print("horovod", horovod.__version__)
expect("spacy", spacy.__version__, "2.1.8")
expect("torch", torch.__version__, "1.4.0")
if torch.version.cuda is None:
    sys.exit("torch is a build without CUDA")
