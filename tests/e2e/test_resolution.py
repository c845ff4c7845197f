"""What decides a resolution beside the file: the target, pins, channel priority, an earlier lock; and what a channel gets wrong."""

import hashlib
import json
import re

from harness import check, contains, lacks
from test_locks import push_for_two_architectures


def record(name, version="1.0", build="0", depends=(), **more):
    file = f"{name}-{version}-{build}.conda"
    return file, {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(depends),
                  "sha256": hashlib.sha256(file.encode()).hexdigest(), "size": 1, "subdir": "linux-64", **more}


def channel(host, name, *records, info=None):
    """A channel of this machine that has records alone: enough to resolve."""
    folder = host.directory / name
    for subdir, packages in (("linux-64", dict(records)), ("noarch", {})):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        (folder / subdir / "repodata.json").write_text(json.dumps({"info": info or {}, "packages.conda": packages}))
    return f"file://{folder}"


def ask(host, channels, *specs):
    host.write("env.yml", json.dumps({"channels": list(channels), "dependencies": list(specs)}))


def locked(result):
    """name -> version, of a lock on standard output."""
    return dict(re.findall(r"^- name: (\S+)\n  version: '?([^'\n]+)'?$", result.out, re.M))


def condarc(host, text):
    (host.directory / "home/.condarc").write_text(text)
    return str(host.directory / "home/.condarc")


def test_overrides_are_the_target(host):
    host.share_cache()
    url = channel(host, "ch", record("new-glibc", depends=["__glibc >=2.99"]), record("new-linux", depends=["__linux >=6.1"]),
                  record("cuda", depends=["__cuda >=12.4"]), record("v3", depends=["__archspec 1 x86_64_v3"]),
                  record("any", depends=["__glibc", "__linux", "__archspec", "__unix"]))
    for name, variable, value in (("new-glibc", "GLIBC", "2.99"), ("new-linux", "LINUX", "6.1"), ("cuda", "CUDA", "12.4"),
                                  ("v3", "ARCHSPEC", "x86_64_v3")):
        env = {f"CONDA_OVERRIDE_{variable}": value}
        ask(host, [url], name)
        host.run("lock", "env.yml", code=5)
        check(name in locked(host.run("lock", "env.yml", env=env)), name)
        check(host.run("hash", "env.yml").line != host.run("hash", "env.yml", env=env).line, name)
        # An empty one takes the package away.
        if variable != "CUDA":
            ask(host, [url], "any")
            host.run("lock", "env.yml")
            contains(host.run("lock", "env.yml", code=5, env={f"CONDA_OVERRIDE_{variable}": ""}).err, f"__{variable.lower()}")
    # Overrides win over what the command line says.
    ask(host, [url], "v3")
    host.run("lock", "env.yml", "--target-cpu", "x86_64_v3")
    host.run("lock", "env.yml", "--target-cpu", "x86_64_v3", code=5, env={"CONDA_OVERRIDE_ARCHSPEC": "x86_64_v2"})


def test_channel_priority_of_the_settings(host):
    host.share_cache()
    first = channel(host, "first", record("lib", "1.0"))
    second = channel(host, "second", record("lib", "2.0"), record("app", depends=["lib >=2"]))

    def lib(*specs, code=0, **env):
        ask(host, [first, second], *specs)
        return locked(host.run("lock", "env.yml", code=code, env=env)).get("lib")

    check(lib("lib") == "1.0")
    lib("app", code=5)
    check(lib("lib", ENVBUILD_CHANNEL_PRIORITY="flexible") == "1.0")
    check(lib("app", ENVBUILD_CHANNEL_PRIORITY="flexible") == "2.0")
    check(lib("lib", ENVBUILD_CHANNEL_PRIORITY="disabled") == "2.0")
    condarc(host, "channel_priority: true\n")
    check((lib("lib"), lib("app")) == ("1.0", "2.0"))
    condarc(host, "channel_priority: disabled\n")
    check(lib("lib") == "2.0" and lib("lib", ENVBUILD_CHANNEL_PRIORITY="strict") == "1.0")
    path = condarc(host, "channel_priority: best\n")
    contains(host.run("lock", "env.yml", code=2).err, f"{path}: channel_priority is 'best'", "strict, flexible or disabled")


def test_pins(host):
    host.share_cache()
    url = channel(host, "ch", record("lib", "1.0"), record("lib", "2.0"), record("app", depends=["lib"]), record("new", depends=["lib >=2"]))
    ask(host, [url], "app")
    plain = host.run("hash", "env.yml").line
    check(locked(host.run("lock", "env.yml")) == {"app": "1.0", "lib": "2.0"})
    path = condarc(host, "pinned_packages:\n  - lib <2\n  - never-needed 1.0\n")
    result = host.run("lock", "env.yml")
    check(locked(result) == {"app": "1.0", "lib": "1.0"}, result)
    contains(result.err, f"lib is pinned: lib <2 ({path})")
    lacks(result.err, "never-needed")
    # They count for the hash, so that no look-up answers with what has not been asked for.
    pinned = host.run("hash", "env.yml").line
    check(pinned != plain and host.run("hash", "env.yml", "--no-pin").line == plain)
    check(host.run("hash", "env.yml", "--no-pin", "--pin", "lib<2", "--pin", "never-needed=1.0.*").line != pinned)
    check(host.run("hash", "env.yml", "--no-pin", "--pin", "lib<2", "--pin", "never-needed 1.0").line == pinned)
    check(locked(host.run("lock", "env.yml", "--no-pin"))["lib"] == "2.0")

    # One that leaves no answer is told, with the file.
    ask(host, [url], "new")
    result = host.run("lock", "env.yml", "--json", code=5)
    contains(result.err, f"'new' and the pin 'lib <2' ({path}) cannot be had together", "does not fit the pin", "--no-pin")
    told = result.json["error"]["explanation"]
    check(told["constraints"] == ["lib <2"] and told["origins"] == {"lib <2": path}, told)
    contains(host.run("lock", "env.yml", "--no-pin", "--pin", "lib <2", code=5).err, "the pin 'lib <2' (--pin)")

    # One that says nothing is an error of the file that it stands in, for every command.
    path = condarc(host, "pinned_packages: ['lib >>2']\n")
    for command in ("lock", "hash", "lookup", "check"):
        result = host.run(command, "env.yml", code=None)
        check(result.code not in (0, 3, 4), result)
        contains(result.out + result.err, path, "the pin 'lib >>2'")
    host.run("hash", "env.yml", "--no-pin")


def test_a_file_that_is_gone_keeps_its_version(host):
    host.share_cache()
    old, newer, new = record("lib", "1.0", "a"), record("lib", "1.0", "b", build_number=1), record("lib", "2.0", "a")
    ask(host, [channel(host, "ch", old)], "lib")
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    channel(host, "ch", newer, new)
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    contains((host.directory / "conda-lock.yml").read_text(), "lib-1.0-b.conda")
    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "lib")
    contains((host.directory / "conda-lock.yml").read_text(), "lib-2.0-a.conda")


def test_a_cpu_is_for_its_platform(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [cuda-version=11.2]\n")
    push_for_two_architectures(host.site, "library/ubuntu", "cpus")
    lock = ["lock", "env.yml", "--base", "ubuntu:cpus", "--target-cpu", "x86_64_v3", "--json"]
    both = host.run(*lock, "--platform", "linux-64", "--platform", "linux-aarch64")
    contains(both.err, "The CPU x86_64_v3 is for linux-64; linux-aarch64 is resolved for any CPU")
    alone = host.run("hash", "env.yml", "--base", "ubuntu:cpus", "--platform", "linux-aarch64").line
    check([one["spec_hash"] for one in both.json["platforms"]][1] == alone, both)
    contains(host.run(*lock, "--platform", "linux-aarch64", code=2).err, "'x86_64_v3' is a CPU of linux-64, not of linux-aarch64")


def test_what_a_channel_gets_wrong_is_told(host):
    host.share_cache()
    url = channel(host, "ch", record("lib", "1.0"), record("lib", "2.0", depends=["x >=1,,"]), record("lib", "3.0", sha256=None),
                  record("lib", "4.0", build_number="x"), record("other", "2.0", build_number="x"), record("other", "1.0"))
    ask(host, [url], "lib")
    result = host.run("lock", "env.yml")
    check(locked(result) == {"lib": "1.0"}, result)
    contains(result.err, "lib-1.0-0 is taken, and 2.0 left out: lib-2.0-0.conda: its dependency", "3.0 left out: without a sha256",
             "lib-1.0-0 is taken, and a record left out: lib-4.0-0.conda")
    lacks(result.err, "other")

    # A channel in "depends" is read as conda reads it.
    other = channel(host, "other", record("dep"))
    url = channel(host, "ch", record("lib", depends=["defaults::dep"]))
    ask(host, [url, other], "lib")
    host.run("lock", "env.yml", code=5)
    condarc(host, f"default_channels: ['{other}']\n")
    check(locked(host.run("lock", "env.yml")) == {"lib": "1.0", "dep": "1.0"})

    ask(host, [channel(host, "osx", record("lib"), info={"subdir": "osx-64"})], "lib")
    contains(host.run("lock", "env.yml", code=8).err, "is of osx-64, not of linux-64")
