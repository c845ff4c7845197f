"""Import test of AzureML-Hyperdrive-ForecastDNN: runs in its container, needs no GPU."""
import sys

import azureml.core
import pkg_resources


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.7")
expect("azureml-core", azureml.core.VERSION, "1.8.0")
installed = pkg_resources.get_distribution("azureml-contrib-automl-dnn-forecasting")
expect(installed.project_name, installed.version, "1.8.0")
