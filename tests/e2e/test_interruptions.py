"""Ctrl-C, a kill, a full disk, many at once: nothing lies afterwards, and the next run succeeds."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

from harness import check, contains

TINY = "channels: [conda-forge]\ndependencies: [nomkl, zlib, bzip2]\n"


def leftovers(host):
    """What a run may not leave behind: half of a download, temporary folders, temporary files."""
    found = []
    for folder in ("tmp", "packages", "repodata", "flight"):
        for path in (host.cache / folder).rglob("*"):
            if path.is_file() and (folder == "tmp" or ".tmp" in path.name):
                found.append(str(path))
    return found


def running(host):
    return host.site.docker("ps", "--quiet").stdout.split()


def settle(host):
    """Builds and containers end within a few seconds of whoever asked for them."""
    for _ in range(200):
        if not running(host):
            return
        time.sleep(0.1)
    raise AssertionError(host.site.docker("ps").stdout)


def wait_for(process, word, seconds=60):
    """Reads the process's standard error until a line has the word; what was read."""
    os.set_blocking(process.stderr.fileno(), True)
    read = ""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        line = process.stderr.readline()
        read += line
        if word in line:
            return read
        if not line:
            break
    raise AssertionError(f"{word!r} did not come: {read}")


def interrupted(host, word, *options, env=None, sig=signal.SIGINT):
    process = host.start("env.yml", "--progress", "plain", *options, env=env)
    read = wait_for(process, word)
    begun = time.monotonic()
    process.send_signal(sig)
    out, err = process.communicate(timeout=60)
    seconds = time.monotonic() - begun
    check(process.returncode == 130, f"{process.returncode}\n{read}{err}")
    check(out == "" and seconds < 10, f"{seconds} s\n{out}{read}{err}")
    check(host.tags() == [], host.tags())
    check(leftovers(host) == [], leftovers(host))
    settle(host)
    return read + err


def test_interrupted_while_downloading(host):
    host.write("env.yml", TINY)
    host.site.fault("/conda-forge/linux-64/zlib", "slow", seconds=20)
    contains(interrupted(host, "Downloading"), "cancelled")
    host.site.reset()
    interrupted_repodata = host.second()
    interrupted_repodata.write("env.yml", TINY)
    host.site.fault("/conda-forge/linux-64/repodata", "slow", seconds=20)
    interrupted(interrupted_repodata, "Reading channels", sig=signal.SIGTERM)
    host.site.reset()
    check("@sha256:" in host.run("env.yml").line)


def test_interrupted_while_the_engine_builds(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, numpy]\n")
    for builder in ("classic", "buildkit"):
        interrupted(host, "Building in the engine", env={"ENVBUILD_BUILDER": builder})
    check("@sha256:" in host.run("env.yml").line)


def test_interrupted_while_exporting_and_publishing(host):
    host.share_cache().write("env.yml", TINY)
    interrupted(host, "Compressing the new layer")
    interrupted(host, "Publishing layers", env={"ENVBUILD_FAILPOINTS": "publish.before_config=sleep:3000"})
    check("@sha256:" in host.run("env.yml").line)


def test_interrupted_while_pip_chooses(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [six]]\n")
    host.site.fault("/pypi/simple/six", "slow", seconds=30)
    interrupted(host, "Resolving pip's half")
    host.site.reset()
    # A source archive is for pip itself, in its container.
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [hello-sdist]]\n")
    host.site.fault("/pypi/files/hello", "slow", seconds=30)
    interrupted(host, "Asking pip")
    host.site.reset()


def test_timeout(host):
    host.write("env.yml", TINY)
    host.site.fault("/conda-forge/linux-64/repodata", "slow", seconds=20)
    late = host.run("env.yml", "--timeout", "2s", code=130)
    check(late.seconds < 10, late)
    contains(late.err, "timeout")


POINTS = ["fs.before_rename=abort", "fs.before_rename=4*abort", "net.recv=20*abort", "publish.before_config=abort",
          "publish.before_manifest=abort", "publish.before_lock_tag=abort", "publish.before_pointer=abort"]
STORE_POINTS = ["store.write=abort", "store.before_rename=abort", "store.after_rename=2*abort", "store.before_index=2*abort"]


def test_killed_anywhere_then_run_again(host):
    host.write("env.yml", TINY)
    expected = host.second().share_cache()
    expected.repository += "-expected"
    expected.env["ENVBUILD_REGISTRY"] += "-expected"
    expected.write("env.yml", TINY)
    digest = expected.run("env.yml", "--json").json["digest"]
    killed = 0
    for number, point in enumerate(POINTS):
        other = host.second()
        other.repository += f"-{number}"
        other.env["ENVBUILD_REGISTRY"] += f"-{number}"
        if not point.startswith(("fs", "net")):
            other.share_cache()
        other.write("env.yml", TINY)
        first = other.run("env.yml", env={"ENVBUILD_FAILPOINTS": point}, code=None)
        killed += first.code == -signal.SIGKILL
        check(first.code in (0, -signal.SIGKILL), first)
        if first.code:
            check(not [t for t in other.tags() if t.startswith("spec-")], other.tags())
        again = other.run("env.yml", "--json").json
        check(again["digest"] == digest, f"{point}: {again}")
    check(killed >= 6, f"only {killed} of {len(POINTS)} points were reached")


def test_killed_while_writing_the_embedded_store(host):
    host.share_cache().write("env.yml", TINY)
    killed = 0
    for number, point in enumerate(STORE_POINTS):
        embedded = {"ENVBUILD_REGISTRY": f"oci:{host.directory / str(number)}"}
        killed += host.run("env.yml", env={**embedded, "ENVBUILD_FAILPOINTS": point}, code=None).code == -signal.SIGKILL
        built = host.run("env.yml", "--json", env=embedded).json
        inspected = subprocess.run(["skopeo", "inspect", f"oci:{host.directory / str(number)}:lock-{built['lock_hash']}"], capture_output=True, text=True)
        check(inspected.returncode == 0 and built["digest"] in inspected.stdout, inspected.stderr)
        check(host.run("lookup", "env.yml", "--verify", env=embedded).line == built["image"])
    check(killed >= 3, f"only {killed} of {len(STORE_POINTS)} points were reached")


def test_four_at_once_are_one_build(host):
    host.share_cache().write("env.yml", TINY + "variables: {WHO: four-at-once}\n")
    processes = [host.start("env.yml", "--json", "--progress", "plain") for _ in range(4)]
    results = [process.communicate(timeout=120) for process in processes]
    check(all(process.returncode == 0 for process in processes), results)
    check(sum("Building in the engine" in err for _, err in results) == 1, results)
    check(len({out.split('"image":')[1].split(",")[0] for out, _ in results}) == 1, results)
    check(sum('"cache":"miss"' in out for out, _ in results) == 1, results)


def test_a_builder_that_is_killed_is_taken_over(host):
    host.share_cache().write("env.yml", TINY + "variables: {WHO: taken-over}\n")
    first = host.start("env.yml", "--progress", "plain", env={"ENVBUILD_FAILPOINTS": "publish.before_config=sleep:60000"})
    wait_for(first, "Publishing layers")
    second = host.start("env.yml", "--progress", "plain")
    contains(wait_for(second, "waiting for it"), str(first.pid))
    first.kill()
    first.communicate()
    out, err = second.communicate(timeout=60)
    check(second.returncode == 0 and "@sha256:" in out, err)


@contextlib.contextmanager
def small_disk(folder, size):
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_full_disks(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [openssl]\n")
    with small_disk(host.directory / "cache", "2M") as folder:
        full = host.run("env.yml", env={"XDG_CACHE_HOME": str(folder)}, code=7)
        contains(full.err, "No space left", str(folder))
        check(full.out == "" and host.tags() == [], full)
        subprocess.run(["mount", "-o", "remount,size=100M", folder], check=True)
        check("@sha256:" in host.run("env.yml", env={"XDG_CACHE_HOME": str(folder)}).line)
    with small_disk(host.directory / "data", "1M") as folder:
        embedded = {"ENVBUILD_REGISTRY": None, "XDG_DATA_HOME": str(folder)}
        full = host.run("env.yml", env=embedded, code=7)
        contains(full.err, "No space left", str(folder))
        host.run("lookup", "env.yml", env=embedded, code=3)
        subprocess.run(["mount", "-o", "remount,size=300M", folder], check=True)
        built = host.run("env.yml", env=embedded).line
        check(host.run("lookup", "env.yml", env=embedded).line == built)


def test_containers_of_killed_runs_are_removed_by_the_next(host):
    image = f"{host.site.registry}/library/debian:bookworm-slim"

    def left(owner):
        return host.site.docker("create", "--label", f"dev.envbuild.owner={owner}", image, "true").stdout.strip()

    space = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip() + "/" + os.readlink("/proc/self/ns/pid")
    killed = left(f"{space} 4194303 1")
    elsewhere = left("another/pid:[1] 4194303 1")
    begun = pathlib.Path(f"/proc/{os.getpid()}/stat").read_text().rsplit(")", 1)[1].split()[19]
    alive = left(f"{space} {os.getpid()} {begun}")
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: [hello-sdist]}]\n")
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    there = host.site.docker("ps", "-aq", "--no-trunc").stdout.split()
    host.site.docker("rm", elsewhere, alive)
    check(killed not in there and elsewhere in there and alive in there, there)
