"""Import test of AzureML-TensorFlow-1.13-GPU: runs in its container, needs no GPU."""
import ctypes
import sys

import azureml.core
import horovod
import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("horovod", horovod.__version__, "0.16.1")
expect("azureml-core", azureml.core.VERSION, "1.13.0")
expect("tensorflow-gpu", pkg_resources.get_distribution("tensorflow-gpu").version, "1.13.1")
# TensorFlow 1 up to 1.13 links the driver, so that it can be imported only where there is one.
try:
    ctypes.CDLL("libcuda.so.1")
except OSError:
    print("no driver here: tensorflow is not imported")
else:
    import tensorflow

    if not tensorflow.test.is_built_with_cuda():
        sys.exit("tensorflow is a build without CUDA")
