"""Import test of AzureML-Triton: runs in its container, needs no GPU."""
import os
import shutil
import sys

print("python", sys.version.split()[0])
server = shutil.which("tritonserver", path=os.environ["PATH"] + ":/opt/tritonserver/bin")
if server is None:
    sys.exit("there is no tritonserver")
print("tritonserver", server)
