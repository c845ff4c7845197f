"""The Python module (python/): its own tests with every Python at hand, and the seed's code on a real site."""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import check, contains

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "python"

# As the seed's notebook has it, but for the import; the base image is one that the site's registry has.
SEED = """
from envbuild import Environment, Workspace
ws = Workspace.from_config()

env = Environment.get(workspace=ws, name="AzureML-PyTorch-1.6-GPU")
env = env.clone("pytorch-1.6-gpu")
env.save_to_directory(path="./env", overwrite=True)

env = Environment.from_conda_specification(name="train", file_path="conda_dependencies.yml")
env.docker.enabled = True
env.docker.base_image = "docker.io/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
"""

CONDA = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pytorch\n"


def pythons():
    """A Python of each version from 3.8 on that is at hand: {"3.11": path}."""
    found = {}
    for name in ["python3"] + [f"python3.{minor}" for minor in range(8, 20)]:
        for folder in os.environ["PATH"].split(os.pathsep) + ["/usr/bin"]:
            path = shutil.which(name, path=folder)
            if path:
                asked = subprocess.run([path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
                if asked.returncode != 0:
                    continue  # a shim of a version that is not installed
                version = tuple(map(int, asked.stdout.split()))
                if version >= (3, 8):
                    found.setdefault("{}.{}".format(*version), path)
    return found


def environment(host):
    return {**host.env, "ENVBUILD": str(host.program), "PYTHONPATH": str(MODULE), "PYTHONDONTWRITEBYTECODE": "1"}


def python(host, program, code=0):
    done = subprocess.run([sys.executable, "-"], input=program, env=environment(host), cwd=host.directory, capture_output=True, text=True, timeout=600)
    check(done.returncode == code, f"exit code {done.returncode}\n-- out\n{done.stdout}\n-- err\n{done.stderr}")
    return done


def test_its_own_tests_with_every_python_at_hand(host):
    interpreters = pythons()
    check(len(interpreters) > 0)
    for version, path in interpreters.items():
        done = subprocess.run([path, "-W", "error::ResourceWarning", "-m", "unittest", "discover", "-t", ".", "-s", "tests"], cwd=MODULE, env=environment(host),
                              capture_output=True, text=True, timeout=900)
        check(done.returncode == 0 and re.search(r"^OK$", done.stderr, re.M), f"Python {version}\n{done.stderr[-6000:]}")
        check(int(re.search(r"Ran (\d+) tests", done.stderr).group(1)) >= 40, done.stderr[-300:])


def test_it_is_written_in_python_3_8_and_needs_no_package(host):
    files = sorted((MODULE / "envbuild").glob("*.py"))
    check(len(files) > 5)
    for file in files:
        tree = ast.parse(file.read_text(), filename=str(file), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            for name in names:
                check(name.split(".")[0] in sys.stdlib_module_names, f"{file.name} imports {name}")
            # Generic built-ins outside of quotes and `X | Y` parse in 3.8, and fail when they run.
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                check(node.value.id not in ("list", "dict", "tuple", "set", "type"), f"{file.name}:{node.lineno}: {node.value.id}[…]")
            if isinstance(node, (ast.AnnAssign, ast.arg)) and isinstance(getattr(node, "annotation", None), ast.BinOp):
                check(False, f"{file.name}:{node.lineno}: X | Y in an annotation")
    check((MODULE / "envbuild/py.typed").exists())


def test_the_seeds_code_runs_with_only_the_import_changed(host):
    host.share_cache()
    host.write("conda_dependencies.yml", CONDA)
    host.write("config.json", '{"subscription_id": "0", "resource_group": "g", "workspace_name": "w"}')
    done = python(host, SEED + """
print(env.register(workspace=ws).version)
details = env.build(workspace=ws).wait_for_completion(show_output=False)
print(details.status, details.image)
print(env.get_image_details(workspace=ws).image)
copy = Environment.get(workspace=ws, name="train").clone("copy")
copy.register(ws)
there = copy.image_details(ws)
print(there.image_exist, there.image, there.registry.address, there.repository)
assert there.dockerfile.splitlines()[0].startswith(("FROM ", "# syntax")) or "FROM " in there.dockerfile
""")
    lines = done.stdout.splitlines()
    check(lines[0] == "1", lines)
    status, image = lines[1].split()
    check(status == "Succeeded" and image.startswith(f"{host.site.registry}/{host.repository}@sha256:"), lines)
    check(lines[2] == image and lines[3] == f"True {image} {host.site.registry} {host.repository}", lines)
    contains((host.directory / "env/conda_dependencies.yml").read_text(), "torch==1.6.0")
    contains(host.site.run_in(image, "python", "-c", "import torch; print(torch.__version__)"), "1.13.1")
    # What the module registered is what the command knows, and it is built.
    check(host.run("lookup", "copy").line == image)


def test_build_local_keeps_the_image_here(host):
    host.share_cache()
    host.write("conda_dependencies.yml", CONDA.replace("pytorch", "zlib"))
    done = python(host, """
from envbuild import Environment, UserErrorException
env = Environment.from_conda_specification("local", "conda_dependencies.yml")
env.docker.base_image = "docker.io/library/debian:bookworm-slim"
details = env.build_local(None, useDocker=True, pushImageToWorkspaceAcr=False)
print("\\n" + details.status, details.result["spec_hash"] == env.spec_hash())
print(env.image_details().image_exist)
env.build_local(None, useDocker=True, pushImageToWorkspaceAcr=True)
print("\\n" + str(env.image_details().image_exist))
""")
    lines = [line for line in done.stdout.splitlines() if line in ("Succeeded True", "True", "False")]
    check(lines == ["Succeeded True", "False", "True"], done.stdout)


def test_errors_of_the_command_are_exceptions_with_its_exit_code(host):
    host.share_cache()
    host.write("conda_dependencies.yml", CONDA.replace("pytorch", "no-such-package-at-all"))
    done = python(host, """
from envbuild import Environment, EnvbuildException
env = Environment.from_conda_specification("broken", "conda_dependencies.yml")
env.docker.base_image = "docker.io/library/debian:bookworm-slim"
details = env.build()
try:
    details.wait_for_completion(show_output=False)
except EnvbuildException as error:
    print(type(error).__name__, error.exit_code, "no-such-package-at-all" in str(error), details.status)
""")
    check(done.stdout.split() == ["UnsatisfiableException", "5", "True", "Failed"], done.stdout + done.stderr)
