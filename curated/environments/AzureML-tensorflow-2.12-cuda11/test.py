"""Import test of AzureML-tensorflow-2.12-cuda11: runs in its container, needs no GPU."""
import sys

import horovod
import tensorflow


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.8")
expect("tensorflow", tensorflow.__version__, "2.12")
print("horovod", horovod.__version__)
if not tensorflow.test.is_built_with_cuda():
    sys.exit("tensorflow is a build without CUDA")
