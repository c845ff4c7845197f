"""Import test of AzureML-Designer-R: runs in its container with its Python, and needs no GPU."""
import subprocess
import sys

import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-designer-classic-modules", pkg_resources.get_distribution("azureml-designer-classic-modules").version, "0.0.124")
# Fails where one of them cannot be loaded.
subprocess.check_call(["Rscript", "-e", "library(caret); library(dplyr); library(forecast); R.version.string"])
