"""Import test of AzureML-Designer-IO: runs in its container, needs no GPU."""
import sys

import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
installed = pkg_resources.get_distribution("azureml-designer-dataio-modules")
expect(installed.project_name, installed.version, "0.0.30")
