"""Import test of AzureML-Sidecar: runs in its container, needs no GPU."""
import sqlite3
import ssl
import sys


def expect(what, found, wanted):
    found = str(found).split("+")[0]
    print(what, found)
    if not (found + ".").startswith(wanted + "."):
        sys.exit("{} is {}, not {}".format(what, found, wanted))


expect("python", sys.version.split()[0], "3.6")
