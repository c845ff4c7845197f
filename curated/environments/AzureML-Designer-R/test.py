"""Import test of AzureML-Designer-R: runs in its container, needs no GPU."""
import subprocess
import sys

import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
installed = pkg_resources.get_distribution("azureml-designer-classic-modules")
expect(installed.project_name, installed.version, "0.0.124")
# Fails where one of them cannot be loaded.
subprocess.check_call(["Rscript", "-e", "library(caret); library(dplyr); library(forecast); R.version.string"])
