"""Import test of AzureML-Chainer-5.1.0-GPU: runs in its container, needs no GPU."""
import sys

import azureml.core
import chainer
import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
expect("chainer", chainer.__version__, "5.1.0")
installed = pkg_resources.get_distribution("cupy-cuda90")
expect(installed.project_name, installed.version, "5.1.0")
