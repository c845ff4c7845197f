"""Says what building some source archives needs: build_requirements.py SOURCES RESULT

SOURCES is a JSON list of {"file", "subdirectory"}, RESULT becomes a JSON list of pip's reports. envbuild runs this with the
lock's own Python and pip in the container in which pip chooses files. As pip does it (PEP 517 and 518): what pyproject.toml
requires is installed where nothing else is, the backend is asked what else it wants, and that is resolved by itself.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

LEGACY = ["setuptools>=40.8.0", "wheel"]  # pip's own, for projects that do not say

# Sees the standard library, what was just installed, and the project where backend-path says so.
HOOK = """
import importlib, json, site, sys
del sys.path[0]
tools, backend, backend_path, answer = json.loads(sys.argv[1])
site.addsitedir(tools)
sys.path[:0] = backend_path
module, _, attribute = backend.partition(":")
place = importlib.import_module(module)
for name in filter(None, attribute.split(".")):
    place = getattr(place, name)
hook = getattr(place, "get_requires_for_build_wheel", None)
requires = list(hook({})) if hook else []
with open(answer, "w") as file:
    json.dump(requires, file)
"""


def load_toml(path):
    try:
        import tomllib
    except ImportError:
        from pip._vendor import tomli as tomllib
    with open(path, "rb") as file:
        return tomllib.load(file)


def pip_install(report, *arguments):
    command = [sys.executable, "-m", "pip", "install", "--no-warn-script-location", "--report", report, *arguments]
    code = subprocess.run(command).returncode
    if code:
        sys.exit(code)
    with open(report) as file:
        return json.load(file)


def unpack(source, folder):
    shutil.unpack_archive(source["file"], folder)
    names = os.listdir(folder)
    if len(names) == 1 and os.path.isdir(os.path.join(folder, names[0])):
        folder = os.path.join(folder, names[0])
    return os.path.join(folder, source["subdirectory"])


def ask_backend(project, system, tools, work):
    answer = os.path.join(work, "answer.json")
    paths = [os.path.normpath(os.path.join(project, path)) for path in system.get("backend-path", [])]
    backend = system.get("build-backend", "setuptools.build_meta:__legacy__")
    environment = dict(os.environ, PYTHONPATH=tools, PATH=os.path.join(tools, "bin") + os.pathsep + os.environ.get("PATH", ""))
    command = [sys.executable, "-S", "-c", HOOK, json.dumps([tools, backend, paths, answer])]
    code = subprocess.run(command, cwd=project, env=environment).returncode
    if code == 0:
        with open(answer) as file:
            return json.load(file)
    return None


def requirements_of(source, work):
    project = unpack(source, os.path.join(work, "source"))
    declared = os.path.join(project, "pyproject.toml")
    modern = os.path.isfile(declared)
    system = load_toml(declared).get("build-system", {}) if modern else {}
    requires = system.get("requires", LEGACY)
    tools = os.path.join(work, "tools")
    os.mkdir(tools)
    reports = []
    if requires:
        reports.append(pip_install(os.path.join(work, "required.json"), "--target", tools, *requires))
    more = ask_backend(project, system, tools, work)
    if more is None:
        # A bare setup.py may import what only the environment has, and pip then builds it there.
        if modern:
            sys.exit(f"ERROR: the build backend of {os.path.basename(source['file'])} failed: see above")
        return reports
    if more:
        reports.append(pip_install(os.path.join(work, "more.json"), "--dry-run", "--ignore-installed", *more))
    return reports


def main():
    with open(sys.argv[1]) as file:
        sources = json.load(file)
    reports = []
    for source in sources:
        with tempfile.TemporaryDirectory() as work:
            reports += requirements_of(source, work)
    with open(sys.argv[2], "w") as file:
        json.dump(reports, file)


if __name__ == "__main__":
    main()
