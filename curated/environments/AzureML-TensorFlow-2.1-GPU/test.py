"""Import test of AzureML-TensorFlow-2.1-GPU: runs in its container, needs no GPU."""
import sys

import azureml.core
import horovod
import tensorflow


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("tensorflow", tensorflow.__version__, "2.1")
expect("horovod", horovod.__version__, "0.19.1")
expect("azureml-core", azureml.core.VERSION, "1.13.0")
if not tensorflow.test.is_built_with_cuda():
    sys.exit("tensorflow is a build without CUDA")
