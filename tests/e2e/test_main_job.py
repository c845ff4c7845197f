"""The main job on real parts: a conda YAML becomes an image that trains with PyTorch, and the second run is a look-up."""

import json
import re

from harness import check, contains, lacks

ENVIRONMENT = """\
name: train
channels:
  - conda-forge
dependencies:
  - python=3.11
  - numpy
  - pytorch
"""

# The seed's own file; only its pins are those that the site has.
SEED = """\
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip:
    - torch==1.13.1
    - torchvision
    - future==0.18.2
    - pillow
"""

TRAIN = """
import torch
torch.manual_seed(0)
x = torch.linspace(-1, 1, 64).unsqueeze(1)
y = 3 * x + 0.5
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(100):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
print(torch.__version__, float(loss))
assert float(loss) < 0.05
"""


def test_gpu_environment_is_built_once_and_then_looked_up(host):
    host.write("env.yml", ENVIRONMENT)
    first = host.run("env.yml", "--gpu")
    reference = first.line
    check(re.fullmatch(re.escape(f"{host.site.registry}/{host.repository}@") + r"sha256:[0-9a-f]{64}", reference), reference)
    last = first.err.rstrip().splitlines()[-1]
    contains(last, "docker run", "--gpus all", "--shm-size", reference)

    output = host.site.run_in(reference, "python", "-c", TRAIN)
    contains(output, "1.13.1")
    inspected = json.loads(host.site.docker("image", "inspect", reference).stdout)[0]
    environment = dict(entry.split("=", 1) for entry in inspected["Config"]["Env"])
    check(environment["PATH"].startswith("/opt/env/bin:"), environment)
    check(environment["CONDA_PREFIX"] == "/opt/env", environment)
    contains(environment["NVIDIA_REQUIRE_CUDA"], "cuda>=")
    meta = host.site.run_in(reference, "python", "-c", "import glob,json; print(json.dumps([json.load(open(f)) for f in glob.glob('/opt/env/conda-meta/*.json')]))")
    packages = {record["name"]: record for record in json.loads(meta)}
    contains(packages["pytorch"]["build"], "cuda")

    # The second run asks neither a channel nor the engine.
    host.site.reset()
    second = host.run("env.yml", "--gpu", env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    check(second.line == reference, second)
    check(host.site.requests() == 0, host.site.request_log())
    looked_up = host.run("lookup", "env.yml", "--gpu")
    check(looked_up.line == reference)


def test_without_gpu_the_cpu_build_and_another_hash(host):
    host.write("env.yml", ENVIRONMENT)
    lock = host.run("lock", "env.yml").out
    contains(lock, "cpu_py311")
    lacks(lock, "cuda118_py311")
    check(host.run("hash", "env.yml").line != host.run("hash", "env.yml", "--gpu").line)


def test_the_seeds_own_file(host):
    host.write("conda_dependencies.yml", SEED)
    answer = host.run("conda_dependencies.yml", "--gpu", "--json").json
    check(answer["cache"] == "miss" and answer["backend"] == "docker", answer)
    output = host.site.run_in(answer["image"], "python", "-c", TRAIN + "\nimport torchvision, future, PIL\nprint(future.__version__)")
    contains(output, "0.18.2")
    listed = host.site.run_in(answer["image"], "python", "-m", "pip", "list", "--format=json")
    versions = {entry["name"].lower(): entry["version"] for entry in json.loads(listed)}
    check(versions["torch"] == "1.13.1" and versions["future"] == "0.18.2", versions)
    host.site.run_in(answer["image"], "python", "-m", "pip", "check")
    # Nobody in particular can use it too.
    host.site.run_in(answer["image"], "python", "-c", "import torch", user="12345")
    again = host.run("conda_dependencies.yml", "--gpu", "--json").json
    check(again["cache"] == "hit" and again["image"] == answer["image"], again)


def test_a_second_host_hits_what_the_first_has_built(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, six]\n")
    first = host.run("env.yml").line
    other = host.second()
    other.write("renamed.yml", "# the same intent\nname: other\ndependencies:\n- six\n- python 3.11.*\nchannels:\n- conda-forge\n")
    check(other.run("renamed.yml", env={"DOCKER_HOST": "unix:///nonexistent"}).line == first)


def test_lock_then_build_exactly_that(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, numpy, tabulate]\nvariables: {GREETING: hello world}\n")
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    answer = host.run("build", "--lock", "conda-lock.yml", "--json").json
    check(answer["spec_hash"] is None and answer["cache"] == "miss", answer)
    check(host.site.run_in(answer["image"], "sh", "-c", "echo $GREETING").strip() == "hello world")
    check(host.run("build", "--lock", "conda-lock.yml", "--json").json["cache"] == "hit")
    # Building the file leads to the same lock: its image is there, and only the pointer is new.
    built = host.run("env.yml", "--json", env={"DOCKER_HOST": "unix:///nonexistent"}).json
    check(built["image"] == answer["image"] and built["lock_hash"] == answer["lock_hash"], built)


def test_dockerfile_context_builds_by_hand(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, numpy]\n")
    host.run("dockerfile", "env.yml", "-o", "context")
    # The docker client of 23.0 and later builds with BuildKit only through its plugin buildx, which not every machine has.
    old_client = host.site.docker("version", "--format", "{{.Client.Version}}").stdout.startswith("20.10")
    buildkit = old_client or host.site.docker("buildx", "version", check=False).returncode == 0
    for builder in ("0", "1") if buildkit else ("0",):
        environment = {"DOCKER_BUILDKIT": builder, "PATH": host.env["PATH"], "HOME": host.env["HOME"]}
        host.site.docker("build", "--network", "none", "-t", "by-hand", str(host.directory / "context"), env=environment)
        contains(host.site.run_in("by-hand", "python", "-c", "import numpy; print(numpy.__version__)"), "1.")
