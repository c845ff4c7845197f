"""Channels, packages, base images and engines that are not what they should be: the right exit code, and what is passing is retried."""

import hashlib
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import threading

from harness import Host, check, contains, lacks

TINY = "channels: [conda-forge]\ndependencies: [nomkl]\n"


def broken(host, name):
    return f"channels: ['{host.site.broken}/{name}']\ndependencies: [six]\n"


def fails(host, text, code, *words, options=()):
    """Runs the file, which has to fail with this code and these words and leave nothing behind."""
    host.write("env.yml", text)
    result = host.run("env.yml", *options, code=code)
    contains(result.err, *words)
    check(result.out == "" and host.tags() == [], f"{result}\n{host.tags()}")
    check(result.err.count("error:") == 1, result)
    return result


def test_channels_that_are_no_channels(host):
    host.share_cache()
    www = host.site.www
    fails(host, f"channels: ['{www}/no-such-channel']\ndependencies: [six]\n", 2, f"{www}/no-such-channel")
    fails(host, broken(host, "html-repodata"), 8, f"{host.site.broken}/html-repodata")
    fails(host, broken(host, "array-repodata"), 8, f"{host.site.broken}/array-repodata")
    fails(host, broken(host, "truncated-repodata"), 8, f"{host.site.broken}/truncated-repodata")
    host.site.fault("/conda-forge/linux-64/repodata", "500")
    fails(host, TINY, 4, f"{www}/conda-forge", "500", options=["--refresh"])
    host.site.reset()
    host.site.fault("/conda-forge/linux-64/repodata", "401")
    fails(host, TINY, 6, f"{www}/conda-forge", options=["--refresh"])
    host.site.reset()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/conda-forge"
        fails(host, f"channels: ['{address}']\ndependencies: [six]\n", 4, address)


def test_a_channel_over_file_urls(host):
    host.share_cache()
    folder = f"file://{host.site.packages}/channels/conda-forge"
    host.write("env.yml", f"channels: ['{folder}']\ndependencies: [nomkl, zlib]\n")
    host.site.reset()
    host.run("env.yml")
    check(host.site.requests() == 0, host.site.request_log())
    other = Host(host.build, host.site, host.directory / "other").share_cache()
    fails(other, "channels: ['file:///no/such/channel']\ndependencies: [nomkl]\n", 2, "/no/such/channel")


def test_packages_that_are_not_what_repodata_says(host):
    host.share_cache()
    for name in ("wrong-sha256", "flipped-package", "truncated-package", "inside-truncated"):
        text = f"channels: [conda-forge, '{host.site.broken}/{name}']\ndependencies: ['{host.site.broken}/{name}::six', python=3.11]\n"
        result = fails(host, text, 8, "six-1.16.0")
        lacks(result.err, "broke a promise")
    # A record without sha256 is refused, and the settings can say that it is taken all the same.
    for name in ("no-hash", "md5-only"):
        text = f"channels: [conda-forge, '{host.site.broken}/{name}']\ndependencies: ['{host.site.broken}/{name}::six', python=3.11]\n"
        result = fails(host, text, None, "six", "sha256")
        check(result.code in (5, 8), result)


def test_no_solution_names_the_specs(host):
    host.share_cache()
    head = "channels: [conda-forge]\ndependencies: "
    fails(host, head + "[conflict-demo, conflict-demo-other]\n", 5, "conflict-demo", "conflict-demo-other", "six")
    fails(host, head + "[no-such-package-at-all]\n", 5, "no-such-package-at-all")
    fails(host, head + "[zlib=9.9]\n", 5, "zlib", "9.9", "1.2.13")
    fails(host, head + "[needs-new-glibc]\n", 5, "__glibc", "2.99", "2.36")
    fails(host, head + "[missing-dep-demo]\n", 5, "there-is-no-such-package")


def test_no_solution_is_explained_to_machines(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [six, conflict-demo, conflict-demo-other]\n")
    for command in (["build"], ["lock"], ["dockerfile", "-o", "context"]):
        result = host.run(*command, "env.yml", "--json", code=5)
        error = result.json["error"]
        check(error["kind"] == "unsatisfiable" and error["exit_code"] == 5 and error["context"] == [], error)
        told = error["explanation"]
        check(told["specs"] == ["conflict-demo", "conflict-demo-other"] and told["constraints"] == told["options"] == [], told)

        def lines(level):
            return [line for one in level for line in [one["text"], *lines(one["children"])]]

        # People are told the same, with lines; where the locale has none, with blanks.
        contains(result.err, "error: " + told["summary"], *lines(told["tree"]))
        contains(result.err, "\n  └─ ")
    (asked,) = told["tree"]
    (needs,) = asked["children"]
    (misfit,) = needs["children"]
    check([asked["relation"], needs["relation"], misfit["relation"]] == ["asked", "needs", "does_not_fit"], told["tree"])
    check(misfit["package"] == "six" and misfit["versions"] == ["1.15.0"] and misfit["spec"] == "six >=1.16", misfit)
    check(misfit["by"]["package"] == "conflict-demo-other", misfit)
    plain = host.run("lock", "env.yml", code=5, env={"LANG": "C"})
    check(plain.out == "" and plain.err.isascii(), plain)
    # What is no lack of a solution is told on standard error alone.
    check(host.run("lock", "absent.yml", "--json", code=2).out == "")


def test_gpu_builds_are_a_constraint(host):
    host.share_cache()
    pytorch = "channels: [conda-forge]\ndependencies: [python=3.11, pytorch]\n"
    result = fails(host, pytorch, 5, "pytorch", "__cuda", "10.2", options=["--gpu", "--target-cuda", "10.2"])
    contains(result.err, "11.8")
    host.write("tiny.yml", TINY)
    older = host.run("lock", "tiny.yml", "--gpu", "--cuda", "11.8", "--target-cuda", "11.4")
    contains(older.err, "the base image has CUDA 11.8", "offers 11.4", "minor version compatibility")
    lacks(host.run("lock", "tiny.yml", "--gpu", "--cuda", "11.8").err, "the base image has CUDA")
    # The CPU build by name is what was asked for.
    host.write("cpu.yml", pytorch.replace("pytorch]", "'pytorch=1.13.1=cpu*']"))
    contains(host.run("lock", "cpu.yml", "--gpu").out, "cpu_py311")


def test_base_images_that_will_not_do(host):
    host.share_cache()
    fails(host, TINY, 2, "no-such-tag", options=["--base", f"{host.site.registry}/library/debian:no-such-tag"])
    # The mirror does not have it, and whether the registry itself does cannot be found out here.
    fails(host, TINY, 4, "debian:no-such-tag", f"{host.site.registry}/library/debian does not have", options=["--base", "debian:no-such-tag"])
    fails(host, TINY, 2, "test/noglibc:1", "glibc", options=["--base", f"{host.site.registry}/test/noglibc:1"])
    fails(host, TINY, 4, "127.0.0.1:9", options=["--base", "127.0.0.1:9/a/b:1"])
    host.write("env.yml", TINY)
    answer = host.run("env.yml", "--base", "debian:bookworm-slim", "--json").json
    contains(answer["base_image"], "debian:bookworm-slim@sha256:")


def test_engines_that_are_not_there_or_refuse(host):
    host.share_cache().write("env.yml", TINY)
    absent = host.run("env.yml", env={"DOCKER_HOST": f"unix://{host.directory}/no.sock"}, code=4)
    contains(absent.err, f"{host.directory}/no.sock", "DOCKER_HOST")
    dead = host.directory / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    contains(host.run("env.yml", env={"DOCKER_HOST": f"unix://{dead}"}, code=4).err, str(dead), "stopped")
    contains(host.run("env.yml", env={"DOCKER_HOST": "tcp://127.0.0.1:9"}, code=4).err, "127.0.0.1:9")
    check(host.tags() == [])
    # A socket that may not be opened: root may open any, so it is somebody else who asks.
    host.directory.chmod(0o755)
    shut = host.directory / "shut.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(shut))
        listener.listen()
        shut.chmod(0o600)
        for folder in ("home", "cache"):
            (host.directory / folder).mkdir(exist_ok=True)
            os.chown(host.directory / folder, 65534, 65534)
        process = host.start("env.yml", env={"DOCKER_HOST": f"unix://{shut}", "XDG_CACHE_HOME": str(host.directory / "cache")},
                             user=65534, group=65534, extra_groups=[])
        _, err = process.communicate(timeout=60)
    check(process.returncode == 6, err)
    contains(err, "permission", "docker group")


def test_a_registry_that_takes_nothing(host):
    """Reading works and writing does not, as with an account that may only pull."""
    from test_answers import web_server
    host.share_cache().write("env.yml", TINY)
    denied = b'{"errors": [{"code": "DENIED", "message": "read only"}]}'
    missing = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "not here"}]}'

    with web_server(404, missing, "application/json") as address, web_server(403, denied, "application/json") as refusing:
        result = host.run("env.yml", "--registry", f"{refusing}/team/envs", code=6)
        contains(result.err, refusing)
        host.run("lookup", "env.yml", "--registry", f"{address}/team/envs", code=3)


def test_passing_faults_are_retried(host):
    for prefix, faults in (("/conda-forge/noarch/repodata", [("503", {"times": 2})]), ("/conda-forge/noarch/repodata", [("reset", {"times": 1})]),
                           ("/conda-forge/noarch/repodata", [("truncate", {"times": 1})]), ("/conda-forge/noarch/nomkl", [("503", {"times": 2})]),
                           ("/conda-forge/noarch/nomkl", [("reset", {"times": 1}), ("truncate", {"times": 1})]),
                           ("/conda-forge/noarch/nomkl", [("429", {"times": 1, "headers": {"Retry-After": "1"}})])):
        other = host.second()
        other.write("env.yml", TINY)
        other.env["XDG_CACHE_HOME"] = str(other.directory / "cache")
        host.site.reset()
        for kind, more in faults:
            host.site.fault(prefix, kind, **more)
        result = other.run("lock", "env.yml") if "repodata" in prefix else other.run("dockerfile", "env.yml", "-o", "context")
        contains(result.out, "nomkl" if "repodata" in prefix else "context")
        check(any(path["status"] not in (200, 304) or path["bytes"] == 0 for path in host.site.request_log()) or faults[0][0] == "truncate", faults)


def test_a_failing_step_fails_the_build(host):
    host.share_cache()
    text = "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [no-such-thing-at-all]]\n"
    fails(host, text, 5, "no-such-thing-at-all")


def msgpack(value):
    """MessagePack of what JSON can hold, and of bytes."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, str):
        return b"\xdb" + struct.pack(">I", len(value.encode())) + value.encode()
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(msgpack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(msgpack(k) + msgpack(v) for k, v in value.items())


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def shard_channel(channel, folder):
    """The channel's linux-64 and noarch as CEP 16 has them, under `folder`."""
    for subdir in ("linux-64", "noarch"):
        repodata = json.loads((pathlib.Path(channel) / subdir / "repodata.json").read_text())
        shards = {}
        for key in ("packages", "packages.conda"):
            for file, record in repodata.get(key, {}).items():
                record = {k: bytes.fromhex(v) if k in ("sha256", "md5") else v for k, v in record.items()}
                shards.setdefault(record["name"], {"packages": {}, "packages.conda": {}, "removed": []})[key][file] = record
        place = folder / subdir / "shards"
        place.mkdir(parents=True)
        index = {}
        for name, shard in shards.items():
            data = zstd(msgpack(shard))
            index[name] = hashlib.sha256(data).digest()
            (place / f"{index[name].hex()}.msgpack.zst").write_bytes(data)
        info = {"base_url": "", "shards_base_url": "./shards/", "created_at": "2026-01-01T00:00:00Z"}
        whole = msgpack({"version": 1, "info": info, "shards": index})
        (folder / subdir / "repodata_shards.msgpack.zst").write_bytes(zstd(whole))


def test_a_channel_in_shards_gives_the_same_lock_for_fewer_bytes(host):
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=host.directory / "sharded")

        def log_message(self, *_):
            asked.append(self.path)

    shard_channel(f"{host.site.packages}/channels/conda-forge", host.directory / "sharded")
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, numpy]\n")
    host.run("lock", "env.yml", "-o", "whole.yml")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        mirror = {"ENVBUILD_CHANNEL_MIRRORS": f"https://conda.anaconda.org/conda-forge=http://127.0.0.1:{server.server_port}"}
        second = host.second()
        second.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, numpy]\n")
        second.run("lock", "env.yml", "-o", "sharded.yml", env=mirror)
        again = len(asked)
        second.run("lock", "env.yml", "-o", "again.yml", env=mirror)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    whole = (host.directory / "whole.yml").read_text()
    check((second.directory / "sharded.yml").read_text() == whole, "another lock")
    check((second.directory / "again.yml").read_text() == whole, "another lock")
    shards = [path for path in asked if "/shards/" in path]
    names = len(list((host.directory / "sharded/linux-64/shards").iterdir()))
    check(2 < len(shards) < names and len(shards) == len(set(shards)), f"{len(shards)} of {names}: {asked}")
    check(all("repodata.json" not in path for path in asked), asked)
    check(all("/shards/" not in path for path in asked[again:]), asked[again:])
