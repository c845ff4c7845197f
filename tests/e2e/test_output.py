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
    check(again.line == quiet.line and again.err.splitlines()[-1].endswith(f"{quiet.line} python"), again)
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
    check(last.startswith("Run it: docker run") and last.endswith("python"), repr(last))
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
