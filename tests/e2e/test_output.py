"""What is printed where: one line on standard output, the rest on standard error, and what asks for less or more."""

import os
import pty
import re
import select
import subprocess

from harness import check, contains, lacks

TINY = "channels: [conda-forge]\ndependencies: [nomkl]\n"
COMMANDS = ("build", "hash", "lookup", "lock", "dockerfile", "check")


def test_one_line_on_standard_output(host):
    host.share_cache().write("env.yml", TINY)
    quiet = host.run("env.yml", "--quiet")
    check(quiet.err == "" and "@sha256:" in quiet.line, quiet)
    again = host.run("env.yml")
    check(again.line == quiet.line and again.err.splitlines()[-1].endswith(quiet.line), again)
    check(host.run("env.yml", "--rebuild", "--quiet", "-v").err == "")
    check(host.run("hash", "env.yml", "-q").err == "")
    # Errors are said even so.
    contains(host.run("absent.yml", "--quiet", code=2).err, "error:")


def test_json_of_every_command(host):
    host.share_cache().write("env.yml", TINY)
    built = host.run("env.yml", "--json").json
    check(set(built) == {"spec_hash", "lock_hash", "image", "digest", "cache", "backend", "base_image", "packages", "seconds"}, built)
    check(built["cache"] == "miss" and built["packages"] == 1 and built["backend"] == "docker", built)
    check({"lookup", "solve", "download", "build", "export", "publish", "total"} <= set(built["seconds"]), built)
    hit = host.run("env.yml", "--json").json
    check(set(hit) == set(built) and hit["cache"] == "hit", hit)
    check({k: hit[k] for k in ("spec_hash", "lock_hash", "image", "digest", "base_image", "packages")}
          == {k: built[k] for k in ("spec_hash", "lock_hash", "image", "digest", "base_image", "packages")}, (hit, built))
    check(set(host.run("hash", "env.yml", "--json").json) == {"spec_hash", "canonical"})
    check(set(host.run("lookup", "env.yml", "--json").json) >= {"spec_hash", "status", "image", "digest", "lock_hash"})
    check(set(host.run("check", "env.yml", "--json").json) >= {"file", "kind", "errors", "warnings", "diagnostics", "spec_hash"})
    check(host.run("dockerfile", "env.yml", "-o", "context", "--json").json["lock_hash"] == built["lock_hash"])
    check(host.run("lock", "env.yml", "-o", "lock.yml", "--json").json["lock_hash"] == built["lock_hash"])


def test_help_with_examples(host):
    for arguments in ([], ["help"], ["--help"]):
        contains(host.run(*arguments).out, *COMMANDS, "Exit codes")
    for command in COMMANDS:
        text = host.run("help", command).out
        contains(text, "Examples:", f"envbuild {command}" if command != "build" else "envbuild conda_dependencies.yml --gpu")
        contains(host.run(command, "--help").out, "Examples:")
    contains(host.run("help", "settings").out, "channel_mirrors", "registry", "XDG_CONFIG_HOME")
    check(re.fullmatch(r"envbuild \d+\.\d+\.\d+", host.run("--version").line))


def test_slips_are_understood(host):
    contains(host.run("lokup", code=2).err, "lookup")
    contains(host.run("help", "chek", code=2).err, "check")
    host.write("env.yml", TINY)
    for arguments in (["hash"], ["lookup"], ["build"], ["build", "env.yml", "--nope"], ["hash", "env.yml", "other.yml"], ["dockerfile", "env.yml"],
                      ["build", "--lock", "a.yml", "env.yml"], ["build", "--lock", "absent-lock.yml"], ["build", "--lock", "env.yml"]):
        result = host.run(*arguments, code=2)
        check(result.out == "" and "error" in result.err, result)


def in_terminal(host, *arguments, env=None):
    """The output of a run whose standard error is a terminal, and its exit code."""
    master, slave = pty.openpty()
    environment = {k: v for k, v in {**host.env, "TERM": "xterm", **(env or {})}.items() if v is not None}
    process = subprocess.Popen([str(host.program), *arguments], env=environment, cwd=host.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        try:
            chunk = os.read(master, 65536) if ready else b""
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(master)
    out = process.stdout.read().decode()
    return shown.decode(errors="replace"), out, process.wait(timeout=60)


def test_live_display_on_a_terminal(host):
    host.share_cache().write("env.yml", TINY)
    shown, out, code = in_terminal(host, "env.yml", "--progress", "tty", env={"NO_COLOR": None})
    check(code == 0 and out.count("\n") == 1, (shown, out))
    contains(shown, "\x1b[", "Run it: docker run")
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", shown.rstrip().split("\n")[-1])
    check(last.startswith("Run it: docker run") and re.search(r"@sha256:[0-9a-f]{64}$", last), repr(last))
    check(shown.count("\x1b[?25l") == shown.count("\x1b[?25h"), "the cursor is left hidden")
    # NO_COLOR keeps colours away, but not the display.
    shown, _, _ = in_terminal(host, "env.yml", "--rebuild", "--progress", "tty")
    check(not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", shown), repr(shown))
    plain, _, _ = in_terminal(host, "env.yml", "--rebuild", "--progress", "plain")
    lacks(plain, "\x1b[")


def test_pipes_that_close(host):
    host.write("env.yml", TINY)
    done = subprocess.run(["bash", "-c", f"{host.program} hash env.yml --canonical >/dev/full"], cwd=host.directory, env=host.env, capture_output=True, text=True)
    check(done.returncode == 7, done)
    contains(done.stderr, "standard output")


def test_a_lock_into_a_full_stream(host):
    host.share_cache().write("env.yml", TINY)
    done = subprocess.run(["bash", "-c", f"{host.program} lock -q env.yml >/dev/full"], cwd=host.directory, env=host.env, capture_output=True, text=True)
    check(done.returncode == 7, done)
    contains(done.stderr, "standard output")


def test_run_it_fits_the_image(host):
    host.share_cache().write("bare.yml", TINY)
    host.write("python.yml", "channels: [conda-forge]\ndependencies: [python=3.11]\n")
    for name, end in (("bare", ""), ("python", " python")):
        for _ in range(2):
            ran = host.run(f"{name}.yml")
            check(ran.err.splitlines()[-1].endswith(f"{ran.line}{end}"), ran)
    # A hit in the embedded store asks no engine; should it have lost the image, the line above says how to load it.
    embedded = {"ENVBUILD_REGISTRY": None}
    built = host.run("bare.yml", env=embedded).err
    tag = built.split()[-1]
    check("lock-" in tag, tag)
    lacks(built, "skopeo")
    host.site.docker("rmi", "--force", tag)
    load, run = host.run("bare.yml", env={**embedded, "DOCKER_HOST": "unix:///nowhere"}).err.splitlines()[-2:]
    contains(load, "skopeo copy oci:", f"docker-daemon:{tag}")
    check(run == f"Run it: docker run --rm -it {tag}", run)
    load = load[load.index("skopeo"):].replace("skopeo copy", f"skopeo copy --dest-daemon-host {host.env['DOCKER_HOST']}")
    done = subprocess.run(["bash", "-c", load], capture_output=True, text=True)
    check(done.returncode == 0, done)
    host.site.docker("image", "inspect", tag)


def test_explicit_lock_leaves_out_pip_and_says_so(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [six, no-such-package-anywhere]]\n")
    ran = host.run("lock", "env.yml", "--format", "explicit")
    contains(ran.err, "2 requirements of the pip section are left out")
    contains(ran.out, "@EXPLICIT", "python-3.11")
    check(host.run("lock", "env.yml", "--format", "explicit", "--json").json["lock_hash"] is None)
    host.write("own.yml", TINY)
    contains(host.run("lock", "own.yml").out, "sources:\n  - own.yml\n")


def test_outputs_on_a_full_disk(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [openssl]\n")
    folder = host.directory / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        full = host.run("dockerfile", "env.yml", "-o", "small/context", code=7)
        contains(full.err, "No space left", "--output")
        lacks(full.err, "Input/output", "XDG_")
        subprocess.run(["bash", "-c", f"cat /dev/zero > {folder}/fill"], capture_output=True, check=False)
        full = host.run("lock", "env.yml", "-o", "small/lock.yml", code=7)
        contains(full.err, "No space left", "--output")
        lacks(full.err, "XDG_")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_a_read_only_cache_says_what_to_set(host):
    host.write("env.yml", TINY)
    folder = host.directory / "sealed"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=True)
    try:
        sealed = host.run("env.yml", env={"XDG_CACHE_HOME": str(folder)}, code=7)
        contains(sealed.err, "Read-only file system", "XDG_CACHE_HOME")
        lacks(sealed.err, "name an environment file")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_installed(host):
    prefix = host.directory / "prefix"
    done = subprocess.run(["cmake", "--install", str(host.build), "--prefix", str(prefix)], capture_output=True, text=True)
    check(done.returncode == 0, done)
    for name in ("bin/envbuild", "libexec/envbuild/envbuild-install", "share/envbuild/templates", "share/envbuild/curated/environments"):
        check((prefix / name).exists(), name)
    host.share_cache().write("env.yml", TINY)
    host.program = prefix / "bin/envbuild"
    host.run("dockerfile", "env.yml", "-o", "context")
    check((host.directory / "context/envbuild/envbuild-install").is_file())
