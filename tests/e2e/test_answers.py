"""Hit, miss and unknown; where an answer comes from, and who may take its place."""

import contextlib
import http.server
import json
import re
import socket
import subprocess
import threading
import urllib.request

from harness import check, contains

TINY = "channels: [conda-forge]\ndependencies: [nomkl]\n"
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def web_server(status, body, kind):
    """A server that has one answer to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def registry(host, path, method="GET", data=None, kind=None):
    request = urllib.request.Request(f"http://{host.site.registry}/v2/{host.repository}/{path}", method=method, data=data,
                                     headers={"Accept": ACCEPT, **({"Content-Type": kind} if kind else {})})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def test_hit_miss_and_unknown(host):
    host.share_cache().write("env.yml", TINY)
    missed = host.run("lookup", "env.yml", code=3)
    check(missed.out == "", missed)
    contains(missed.err, "miss")
    spec_hash = host.run("hash", "env.yml").line
    check(host.run("lookup", spec_hash, "--json", code=3).json == {"spec_hash": spec_hash, "status": "miss"})
    built = host.run("env.yml").line
    check(host.run("lookup", "env.yml").line == host.run("lookup", spec_hash).line == built)
    hit = host.run("lookup", spec_hash, "--json", "--verify").json
    check(hit["status"] == "hit" and hit["image"] == built and built.endswith(hit["digest"]), hit)
    for address in (f"127.0.0.1:{closed_port()}", "registry.invalid"):
        unknown = host.run("lookup", "env.yml", "--registry", f"{address}/team/envs", code=4)
        check(unknown.out == "", unknown)
        contains(unknown.err, address)
        answer = host.run("lookup", "env.yml", "--json", "--registry", f"{address}/team/envs", code=4).json
        check(answer["status"] == "unknown" and address in answer["error"], answer)


def test_what_is_no_registry_is_unknown(host):
    host.share_cache().write("env.yml", TINY)
    for status, body, kind in ((200, b"<html>Sign in</html>", "text/html"), (500, b"oops", "text/plain"), (404, b"<html>no</html>", "text/html"),
                               (503, b"", "text/plain")):
        with web_server(status, body, kind) as address:
            result = host.run("lookup", "env.yml", "--registry", f"{address}/team/envs", code=None)
            check(result.code == 4, f"{status} {kind}: {result}")
            contains(result.err, address)
            check(result.out == "", result)


def test_a_lost_blob_is_seen_by_verify_and_built_again(host):
    host.share_cache().write("env.yml", TINY)
    built = host.run("env.yml", "--json").json
    manifest = json.loads(registry(host, f"manifests/{built['digest']}"))
    layer = manifest["layers"][-1]["digest"]
    registry(host, f"blobs/{layer}", "DELETE")
    check(host.run("lookup", "env.yml").line == built["image"])
    lost = host.run("lookup", "env.yml", "--verify", code=3)
    contains(lost.err, layer)
    again = host.run("env.yml", "--rebuild", "--json").json
    # The engine dates /opt/env anew, so that the digest may be another; the lock and the answer are one.
    check(again["lock_hash"] == built["lock_hash"], (built, again))
    check(host.run("lookup", "env.yml", "--verify").line == again["image"])


def test_a_tag_that_is_no_pointer_is_no_hit(host):
    host.share_cache().write("env.yml", TINY)
    built = host.run("env.yml", "--json").json
    host.write("other.yml", TINY.replace("nomkl", "gzip"))
    other = host.run("hash", "other.yml").line
    image = registry(host, f"manifests/{built['digest']}")
    registry(host, f"manifests/spec-{other}", "PUT", image, "application/vnd.oci.image.manifest.v1+json")
    contains(host.run("lookup", "other.yml", code=3).err, f"spec-{other}", "pointer")
    # A pointer of another hash under this tag says nothing about this hash.
    pointer = registry(host, f"manifests/spec-{built['spec_hash']}")
    registry(host, f"manifests/spec-{other}", "PUT", pointer, "application/vnd.oci.image.index.v1+json")
    contains(host.run("lookup", "other.yml", code=3).err, built["spec_hash"])
    mended = host.run("other.yml", "--json").json
    check(mended["cache"] == "miss" and mended["digest"] != built["digest"], mended)
    check(host.run("lookup", "other.yml").line == mended["image"])


def test_build_stops_before_any_work_when_the_registry_is_down(host):
    host.write("env.yml", TINY)
    down = f"127.0.0.1:{closed_port()}/team/envs"
    for options in ([], ["--refresh"], ["--rebuild"]):
        host.site.reset()
        stopped = host.run("env.yml", *options, "--registry", down, code=4)
        contains(stopped.err, down.split("/")[0], "--no-push")
        check(host.site.requests() == 0 and stopped.out == "", stopped)
    host.share_cache()
    local = host.run("env.yml", "--no-push", "--registry", down)
    contains(local.line, "@sha256:")
    check(host.tags() == [], host.tags())


def test_two_hosts_build_one_registry_one_answer(host):
    host.share_cache().write("env.yml", TINY)
    first = host.run("env.yml").line
    other = host.second()
    other.write("env.yml", TINY)
    check(other.run("env.yml", env=NO_ENGINE).line == first)
    check(other.run("lookup", "env.yml").line == first)


def test_refresh_rebuild_and_tags(host):
    host.share_cache()
    host.write("env.yml", TINY)
    first = host.run("env.yml", "--json", "--tag", "stable").json
    check({"stable", f"lock-{first['lock_hash']}", f"spec-{first['spec_hash']}"} == set(host.tags()), host.tags())
    check(json.loads(registry(host, "manifests/stable")) == json.loads(registry(host, f"manifests/{first['digest']}")))
    # The resolution is the same, so a refresh finds the image and builds nothing.
    host.site.reset()
    refreshed = host.run("env.yml", "--refresh", "--json", env=NO_ENGINE).json
    check(refreshed["image"] == first["image"] and host.site.requests() > 0, refreshed)
    rebuilt = host.run("env.yml", "--rebuild", "--json").json
    check(rebuilt["cache"] == "miss" and rebuilt["lock_hash"] == first["lock_hash"], rebuilt)
    check(host.run("lookup", "env.yml").line == rebuilt["image"])
    for tag in ("spec-x", "lock-x", "not a tag"):
        contains(host.run("env.yml", "--tag", tag, code=2).err, tag)
    # A hit is tagged too: the tag was asked for.
    host.run("env.yml", "--tag", "again", env=NO_ENGINE)
    check("again" in host.tags(), host.tags())


def test_another_intent_with_the_same_lock_reuses_the_image(host):
    host.share_cache()
    host.write("env.yml", TINY)
    host.write("other.yml", TINY.replace("nomkl", "nomkl=1.0"))
    host.write("third.yml", TINY.replace("[conda-forge]", "[conda-forge, extra]"))
    first = host.run("env.yml", "--json").json
    locks = {}
    for name in ("other.yml", "third.yml"):
        answer = host.run(name, "--json").json
        check(answer["spec_hash"] != first["spec_hash"], answer)
        locks[name] = answer
    same = [a for a in locks.values() if a["lock_hash"] == first["lock_hash"]]
    check(all(a["image"] == first["image"] for a in same), locks)
    check(len([t for t in host.tags() if t.startswith("spec-")]) == 3, host.tags())


def test_embedded_store(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [bzip2]\n")
    embedded = {"ENVBUILD_REGISTRY": None}
    first = host.run("env.yml", "--json", env=embedded)
    answer = first.json
    check(answer["cache"] == "miss", answer)
    layout = host.data / "images"
    check((layout / "oci-layout").is_file(), sorted(layout.glob("*")))
    inspected = subprocess.run(["skopeo", "inspect", f"oci:{layout}:lock-{answer['lock_hash']}"], capture_output=True, text=True)
    check(inspected.returncode == 0, inspected.stderr)
    check(json.loads(inspected.stdout)["Digest"] == answer["digest"], inspected.stdout)
    command = re.search(r"Run it: (docker run .*)$", first.err, re.M).group(1).split()
    check(command[:5] == ["docker", "run", "--rm", "-it", command[4]], command)
    check(host.site.run_in(command[4], "/opt/env/bin/bzip2", "--help") == "")
    again = host.run("env.yml", env={**embedded, **NO_ENGINE})
    check(again.line == answer["image"], again)
    check(host.run("lookup", "env.yml", env=embedded).line == answer["image"])
    # A layout in a folder of the user's choice is the same thing.
    chosen = f"oci:{host.directory / 'chosen'}"
    host.run("env.yml", "--registry", chosen)
    check(host.run("lookup", "env.yml", "--registry", chosen, env=NO_ENGINE).line.endswith(answer["digest"]))
    # What is lost from the store is no hit, and is built again.
    (layout / "blobs/sha256" / answer["digest"].split(":")[1]).unlink()
    host.run("lookup", "env.yml", env=embedded, code=3)
    check(host.run("env.yml", "--json", env=embedded).json["digest"] == answer["digest"])
