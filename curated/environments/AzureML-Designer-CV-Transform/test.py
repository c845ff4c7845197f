"""Import test of AzureML-Designer-CV-Transform: runs in its container with its Python, and needs no GPU."""
import sys

import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-designer-cv-modules", pkg_resources.get_distribution("azureml-designer-cv-modules").version, "0.0.14")
