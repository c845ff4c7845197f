"""What is in the image: every feature of the packages, nothing of the build."""

import hashlib
import io
import json
import subprocess
import tarfile
import urllib.request

from harness import check, contains, lacks

DEMOS = """\
channels: [conda-forge]
dependencies: [python=3.11, post-link-demo, activate-demo, links-demo, setuid-demo, clobber-demo-a, clobber-demo-b, prefix-demo, tabulate, sqlite]
variables: {GREETING: "two words"}
"""

LOOK = r"""
import glob, hashlib, importlib, importlib.util, json, os, stat, subprocess, sys
def text(path):
    with open('/opt/env/' + path) as file: return file.read()
def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
import tabulate
pyc = importlib.util.cache_from_source(tabulate.__file__)
d = '/opt/env/share/links-demo/'
meta = {m['name']: m for m in (json.load(open(f)) for f in glob.glob('/opt/env/conda-meta/*.json'))}
print(json.dumps({
    'post_link': text('share/post-link-demo/ran'),
    'env': {k: v for k, v in os.environ.items()},
    'links': {n: os.readlink(d + n) for n in os.listdir(d) if os.path.islink(d + n)},
    'files': sorted(n for n in os.listdir(d) if not os.path.islink(d + n)),
    'modes': {n: oct(os.stat('/opt/env/bin/' + n).st_mode & 0o7777) for n in ('setuid-demo', 'setgid-demo')},
    'clobber': text('share/clobber-demo/who'),
    'prefix': [run('/opt/env/bin/prefix-demo'), run('/opt/env/bin/prefix-demo-sh')],
    'conf': text('share/prefix-demo/paths.conf'),
    'entry': open('/opt/env/bin/tabulate').readline(),
    'sqlite': run('/opt/env/bin/sqlite3', ':memory:', 'select 6*7'),
    'pyc_flags': int.from_bytes(open(pyc, 'rb').read(8)[4:8], 'little'),
    'meta': {n: {k: m.get(k) for k in ('version', 'build', 'channel', 'subdir', 'fn', 'url', 'sha256', 'requested_spec')} | {'files': len(m['files']), 'paths': len(m['paths_data']['paths'])} for n, m in meta.items()},
    'history': text('conda-meta/history'),
    'absent': [f for f in ('/envbuild', '/opt/env/pkgs', '/packages') if os.path.exists(f)],
    'archives': [os.path.join(r, f) for r, _, fs in os.walk('/opt') for f in fs if f.endswith(('.conda', '.tar.bz2', '.whl'))],
    'writable': [os.path.join(r, f) for r, _, fs in os.walk('/opt/env') for f in fs if not os.path.islink(os.path.join(r, f)) and os.stat(os.path.join(r, f)).st_mode & 0o022],
}))
"""


def registry_json(host, digest, kind="manifests"):
    request = urllib.request.Request(f"http://{host.site.registry}/v2/{host.repository}/{kind}/{digest}",
                                     headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def test_every_feature_of_packages(host):
    host.share_cache().write("env.yml", DEMOS)
    result = host.run("env.yml", "--json", "--progress", "plain")
    answer = result.json
    contains(result.err, "share/clobber-demo/who", "clobber-demo-a", "clobber-demo-b")
    seen = json.loads(host.site.run_in(answer["image"], "python", "-c", LOOK))
    check(seen["post_link"] == "post-link-demo 1.0 0\n", seen["post_link"])
    env = seen["env"]
    check(env["GREETING"] == "two words" and env["CONDA_PREFIX"] == "/opt/env" and env["PATH"].startswith("/opt/env/bin:"), env)
    check(env["ACTIVATE_DEMO_HOME"] == "/opt/env/share/activate-demo" and env["ACTIVATE_DEMO_TWO"] == "two words", env)
    check(env["ACTIVATE_DEMO_JSON"] == "from json" and env["ACTIVATE_DEMO_LITERAL"] == "$HOME is not expanded", env)
    check(seen["links"] == {"relative": "real.txt", "absolute": "/etc/hostname", "dangling": "nowhere/at-all",
                            "up": "../../share/links-demo/real.txt", "folder": "../links-demo"}, seen["links"])
    check("with space.txt" in seen["files"] and "žluťoučký kůň.txt" in seen["files"], seen["files"])
    check(seen["modes"] == {"setuid-demo": "0o755", "setgid-demo": "0o755"}, seen["modes"])
    check(seen["clobber"] in ("a\n", "b\n"), seen["clobber"])
    check(seen["prefix"] == ["hello from /opt/env/share/prefix-demo/greeting.txt search /opt/env/bin:/opt/env/lib"] * 2, seen["prefix"])
    check(seen["conf"] == "root = /opt/env\nlib = /opt/env/lib:/opt/env/lib64\n", seen["conf"])
    check(seen["entry"].startswith("#!/opt/env/bin/python"), seen["entry"])
    check(seen["sqlite"] == "42", seen["sqlite"])
    check(seen["pyc_flags"] == 1, f"tabulate's .pyc is no unchecked-hash one: flags {seen['pyc_flags']}")
    check(seen["absent"] == [] and seen["archives"] == [] and seen["writable"] == [], seen)
    check(len(seen["meta"]) == answer["packages"], seen["meta"])
    for name, record in seen["meta"].items():
        check(record["files"] == record["paths"] and record["url"].startswith("https://conda.anaconda.org/conda-forge/") and record["sha256"], f"{name}: {record}")
    check(seen["meta"]["python"]["requested_spec"] == "python 3.11.*", seen["meta"]["python"])
    contains(seen["history"], "tabulate", "python 3.11.*")


def test_layers_labels_and_users(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, six, tabulate]\n")
    answer = host.run("env.yml", "--json").json
    manifest = registry_json(host, answer["digest"])
    name, digest = answer["base_image"].split("@")
    source = f"docker://{host.site.registry}/{name.removeprefix('docker.io/').split(':')[0]}@{digest}"
    base = json.loads(subprocess.run(["skopeo", "inspect", "--tls-verify=false", "--override-os", "linux", "--override-arch", "amd64",
                                      source], capture_output=True, check=True).stdout)
    layers = [layer["digest"] for layer in manifest["layers"]]
    check(layers[:-1] == base["Layers"], (layers, base["Layers"]))
    config = registry_json(host, manifest["config"]["digest"], "blobs")
    labels = config["config"]["Labels"]
    check(labels["org.opencontainers.image.base.digest"] == answer["base_image"].split("@")[1], labels)
    contains(json.dumps(labels), answer["lock_hash"], "org.opencontainers.image.base.name")
    lacks(json.dumps([labels, manifest]), answer["spec_hash"])
    # Only the environment, and what leads to it, is in the layer.
    blob = urllib.request.urlopen(f"http://{host.site.registry}/v2/{host.repository}/blobs/{layers[-1]}")
    with tarfile.open(fileobj=blob, mode="r|gz") as layer:
        names = {member.name.lstrip("./") for member in layer}
    check(all(name in ("", "opt") or name.startswith("opt/env") for name in names), sorted(names)[:5])
    lacks("\n".join(names), ".wh.")
    # Somebody without a name or a home can use it, and nothing is written by importing.
    script = ("import os, six, tabulate, subprocess, sys; from importlib.util import cache_from_source as c; "
              "print(os.getuid(), os.path.exists(c(six.__file__)), os.path.exists(c(tabulate.__file__)))")
    check(host.site.run_in(answer["image"], "python", "-c", script, user="12345").split() == ["12345", "True", "True"])
    container = host.site.docker("create", "--network", "none", answer["image"], "python", "-c", "import six, tabulate, json, ssl").stdout.strip()
    try:
        host.site.docker("start", "--attach", container)
        changed = host.site.docker("diff", container).stdout.splitlines()
        check(not [line for line in changed if line.startswith("A /opt/env")], changed)
    finally:
        host.site.docker("rm", "-f", container)


def files_under_prefix(host, image):
    container = host.site.docker("create", image, "true").stdout.strip()
    saved = host.directory / "tree.tar"
    try:
        with saved.open("wb") as file:
            subprocess.run(["docker", "-H", host.site.docker_host, "cp", f"{container}:/opt/env", "-"], stdout=file, check=True)
    finally:
        host.site.docker("rm", "-f", container)
    tree = {}
    with tarfile.open(saved) as archive:
        for member in archive:
            data = archive.extractfile(member).read() if member.isfile() else b""
            tree[member.name] = (member.type, member.mode, member.uid, int(member.mtime), member.linkname, hash(data))
    return tree


def test_classic_builder_and_buildkit_make_the_same_tree(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [bzip2, gzip, links-demo, setuid-demo, post-link-demo, prefix-demo]\n")
    trees = []
    for builder in ("classic", "buildkit"):
        host.site.docker("builder", "prune", "--all", "--force")
        answer = host.run("env.yml", "--rebuild", "--json", env={"ENVBUILD_BUILDER": builder}).json
        trees.append(files_under_prefix(host, answer["image"]))
    # The prefix itself is made by the engine's COPY, which dates it with the time of the build.
    different = {name for name in trees[0].keys() | trees[1].keys() if name != "env" and trees[0].get(name) != trees[1].get(name)}
    check(not different, {name: (trees[0].get(name), trees[1].get(name)) for name in sorted(different)[:5]})
    check(len(trees[0]) > 30)


def test_a_failing_post_link_script_fails_the_build(host):
    """The site has no such package: one is made here, from post-link-demo, with a script that fails."""
    channel = host.directory / "channel"
    for subdir in ("linux-64", "noarch"):
        (channel / subdir).mkdir(parents=True)
    script = b"#!/bin/sh\necho 'post-link says no' >&2\nexit 3\n"
    index = {"name": "says-no", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64"}
    paths = {"paths_version": 1, "paths": [{"_path": "bin/.says-no-post-link.sh", "path_type": "hardlink", "sha256": hashlib.sha256(script).hexdigest(), "size_in_bytes": len(script)}]}
    files = {"info/index.json": json.dumps(index).encode(), "info/paths.json": json.dumps(paths).encode(), "info/files": b"bin/.says-no-post-link.sh\n", "bin/.says-no-post-link.sh": script}
    package = channel / "linux-64/says-no-1.0-0.tar.bz2"
    with tarfile.open(package, "w:bz2") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755 if name.startswith("bin/") else 0o644
            archive.addfile(member, io.BytesIO(data))
    data = package.read_bytes()
    record = {**index, "sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest(), "size": len(data)}
    (channel / "linux-64/repodata.json").write_text(json.dumps({"info": {"subdir": "linux-64"}, "packages": {package.name: record}, "packages.conda": {}}))
    (channel / "noarch/repodata.json").write_text(json.dumps({"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {}}))
    host.share_cache().write("env.yml", f"channels: ['file://{channel}']\ndependencies: [says-no]\n")
    for builder in ("classic", "buildkit"):
        failed = host.run("env.yml", env={"ENVBUILD_BUILDER": builder}, code=7)
        contains(failed.err, "post-link says no", "says-no", "log")
        check(failed.out == "" and host.tags() == [], failed)
