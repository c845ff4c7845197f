"""Import test of AzureML-Dask-CPU: runs in its container, needs no GPU."""
import sys

import adlfs
import azureml.core
import dask
import dask_ml
import distributed
import fastparquet


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
print("dask", dask.__version__)
print("distributed", distributed.__version__)
print("fastparquet", fastparquet.__version__)
