"""envbuild doctor: on the site as it is, on hosts with a GPU that is not there (a script stands for nvidia-smi), and with services down."""

import os

from harness import check, contains
from test_answers import closed_port

SMI = """#!/bin/sh
case "$1" in
--query-gpu=*) echo '{gpu}, {driver}, {compute}, 40960';;
*) echo '| NVIDIA-SMI {driver}    Driver Version: {driver}    CUDA Version: {cuda} |';;
esac
"""


def gpu_host(host, driver, cuda, gpu="NVIDIA A100", compute="8.0", toolkit=True):
    """Puts a driver in front of the host's PATH."""
    programs = host.directory / "programs"
    host.write("programs/nvidia-smi", SMI.format(driver=driver, cuda=cuda, gpu=gpu, compute=compute))
    if toolkit:
        host.write("programs/nvidia-ctk", "#!/bin/sh\necho 'NVIDIA Container Toolkit CLI version 1.16.2'\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    host.env["PATH"] = f"{programs}:{os.environ['PATH']}"


def lines(report, check_name):
    return [(f["status"], f["text"]) for f in report["findings"] if f["check"] == check_name]


def statuses(report, check_name):
    return [status for status, _ in lines(report, check_name)]


def uploads_pending(host):
    """Data of uploads that the registry still holds for this host's repository (its empty folder stays, as Distribution 2.8 leaves it)."""
    root = host.site.directory / "registry"
    return [p for p in root.rglob("_uploads/*/data") if host.repository in str(p)]


def test_a_build_host(host):
    report = host.run("doctor", "--json").json
    for name in ("engine", "registry", "registry-write", "channel", "index", "bases"):
        check(statuses(report, name) and set(statuses(report, name)) == {"ok"}, (name, report))
    check(statuses(report, "base") == ["ok", "ok"], report)
    check(statuses(report, "clock") == ["ok"], lines(report, "clock"))
    check(report["fail"] == 0, report)
    contains(lines(report, "engine")[0][1], "API 1.", host.site.docker_host)
    check(host.tags() == [] and uploads_pending(host) == [], uploads_pending(host))
    text = host.run("doctor").out
    contains(text, "ok    ", "Docker/", host.site.registry)
    # What is well is left out of a quiet run.
    check(all(not line.startswith("ok ") for line in host.run("doctor", "--quiet").out.splitlines()))


def test_a_gpu_host_and_images(host):
    gpu_host(host, "550.54.15", "12.4")
    image = f"{host.site.registry}/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"
    report = host.run("doctor", image, "--gpu", "--json", code=None).json
    check(statuses(report, "driver") == ["ok"] and statuses(report, "gpu") == ["ok"], report)
    check(statuses(report, "image-driver") == ["ok"], lines(report, "image-driver"))
    check(statuses(report, "compute-capability") == ["ok"], report)

    # It asks for cuda>=12.4 or some older branches of some brands' drivers: 525 is such a branch, 530 is none.
    gpu_host(host, "530.30.02", "12.1")
    old = host.run("doctor", image, "--json", code=4).json
    check(statuses(old, "image-driver") == ["fail"], lines(old, "image-driver"))
    contains(lines(old, "image-driver")[0][1], "cuda>=12.4", "CUDA 12.1", "refuses to start it", "minor version compatibility")
    gpu_host(host, "525.60.13", "12.0")
    maybe = host.run("doctor", image, "--json").json
    check(statuses(maybe, "image-driver") == ["warn"], lines(maybe, "image-driver"))

    gpu_host(host, "470.82.01", "11.4", gpu="Tesla K80", compute="3.7")
    kepler = host.run("doctor", image, "--json", code=4).json
    check(statuses(kepler, "compute-capability") == ["fail"], kepler)
    contains(lines(kepler, "compute-capability")[0][1], "Tesla K80", "3.7")


def test_an_image_that_envbuild_built(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    image = host.run("env.yml", "--gpu", "--cuda", "11.8").line
    gpu_host(host, "535.104.05", "12.2")
    good = host.run("doctor", image, "--json", code=None).json
    check(statuses(good, "image-driver") == ["ok"], lines(good, "image-driver"))
    gpu_host(host, "470.82.01", "11.4")
    refused = host.run("doctor", image, code=4).out
    contains(refused, "fail  the image asks for", "--target-cuda 11.4", "minor version compatibility")
    # Without a driver an image for a GPU cannot run; one for the CPU can.
    del host.env["PATH"]
    host.env["PATH"] = os.environ["PATH"]
    check(statuses(host.run("doctor", image, "--json", code=4).json, "driver") == ["fail"])
    plain = host.run("env.yml").line
    check(statuses(host.run("doctor", plain, "--json").json, "driver") == ["warn"])
    # The embedded store's answers are looked at too.
    local = host.run("env.yml", env={"ENVBUILD_REGISTRY": None}).line
    contains(host.run("doctor", local, env={"ENVBUILD_REGISTRY": None}).out, "asks for no GPU")


def test_drivers_that_fail(host):
    host.write("programs/nvidia-smi", "#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n")
    (host.directory / "programs/nvidia-smi").chmod(0o755)
    host.env["PATH"] = f"{host.directory / 'programs'}:{os.environ['PATH']}"
    broken = host.run("doctor", "--gpu", code=4).out
    contains(broken, "version mismatch", "reboot")


def test_services_that_are_down(host):
    down = host.run("doctor", "--json", code=4, env={
        "DOCKER_HOST": "unix:///nonexistent/docker.sock", "ENVBUILD_REGISTRY": f"127.0.0.1:{closed_port()}/team/envs",
        "PIP_INDEX_URL": f"http://127.0.0.1:{closed_port()}/simple", "ENVBUILD_CHANNELS": f"http://127.0.0.1:{closed_port()}/x"}).json
    for name, status in (("engine", "fail"), ("registry", "fail"), ("channel", "fail"), ("index", "warn")):
        check(statuses(down, name) == [status], (name, down))
    check(all(f["advice"] for f in down["findings"] if f["status"] != "ok"), down)
    closed = host.run("doctor", env={"ENVBUILD_REGISTRY": f"{host.site.private_registry}/team/envs"}, code=4).out
    contains(closed, "docker login", host.site.private_registry)
    contains(host.run("doctor", f"{host.site.registry}/nvidia/cuda:gone", code=4).out, "nvidia/cuda:gone")
    host.run("doctor", "not an image", code=2)


def test_layouts_and_the_curated_repository(host):
    def statuses_of(check_name, **env):
        findings = host.run("doctor", "--json", env=env, code=None).json["findings"]
        return [finding["status"] for finding in findings if finding["check"] == check_name]

    check(statuses_of("registry-write", ENVBUILD_REGISTRY="oci:relative") == ["ok"])
    check(statuses_of("curated-repository") == [])
    unreachable = host.run("doctor", env={"ENVBUILD_CURATED_REPOSITORY": "127.0.0.1:1/x/y"}, code=None)
    contains(unreachable.out + unreachable.err, "curated_repository", "127.0.0.1:1")
    check(statuses_of("curated-repository", ENVBUILD_CURATED_REPOSITORY=f"{host.site.registry}/{host.repository}") == ["ok"])
