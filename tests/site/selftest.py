"""The checks of the site itself: its packages run in containers of its engine, its index serves pip, its server keeps its word."""
import base64
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import naive_link

SITE = json.loads(Path(sys.argv[1], "site.json").read_text())
CPU = f"{SITE['registry']}/library/debian:bookworm-slim"
DOCKER = ["docker", "-H", SITE["docker_host"]]
CHANNEL = Path(SITE["packages"], "channels", "conda-forge")

TRAIN = """
import torch, numpy
torch.manual_seed(0)
x = torch.randn(256, 8); y = x @ torch.arange(8.0).unsqueeze(1) + 1
model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for step in range(50):
    loss = torch.nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    if step % 10 == 0 or step == 49:
        print("step", step, "loss", round(loss.item(), 3))
print("torch", torch.__version__, "numpy", numpy.__version__, numpy.linalg.svd(numpy.ones((3, 3)))[1][0].round(3))
assert loss.item() < 20
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))[:200]}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def fetch(path, headers=None, method="GET", data=None):
    request = urllib.request.Request(SITE["www"] + path, headers=headers or {}, method=method, data=data)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def environment(folder, *specs):
    """A prefix /opt/env linked from SPECS; docker's arguments that mount it."""
    run("/usr/bin/python3", Path(__file__).with_name("naive_link.py"), SITE["packages"], folder, "/opt/env", *specs)
    return ["-v", f"{folder}/opt/env:/opt/env"]


def container(mount, *command, image=CPU, network="none", env=()):
    words = [w for e in env for w in ("-e", e)]
    return run(*DOCKER, "run", "--rm", "--network", network, *mount, *words, image, *command)


def check_engine(work):
    assert "Debian" in container([], "cat", "/etc/os-release")


def check_base_images(work):
    name = f"{SITE['registry']}/nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
    out = run(*DOCKER, "run", "--rm", "--network", "none", name, "env")
    assert "CUDA_VERSION=11.8.0" in out and "NVIDIA_VISIBLE_DEVICES=all" in out
    assert "busybox" in run(*DOCKER, "run", "--rm", "--network", "none", f"{SITE['registry']}/test/noglibc:1", "ls", "/bin")


def check_lists_of_platforms(work):
    """The tags are what the vendors' are: a list whose first entry is not ours."""
    for name, accept in (("library/debian", "application/vnd.oci.image.index.v1+json"),
                         ("nvidia/cuda", "application/vnd.docker.distribution.manifest.list.v2+json")):
        tag = "bookworm-slim" if "debian" in name else "12.4.1-cudnn-runtime-ubuntu22.04"
        request = urllib.request.Request(f"http://{SITE['registry']}/v2/{name}/manifests/{tag}", headers={"Accept": accept})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            body = answer.read()
            assert answer.headers["Content-Type"] == accept
            assert answer.headers["Docker-Content-Digest"] == SITE["images"][f"{name}:{tag}"] == "sha256:" + hashlib.sha256(body).hexdigest()
        assert [m["platform"]["architecture"] for m in json.loads(body)["manifests"]][:2] == ["arm64", "amd64"]


def check_trains_from_conda(work):
    mount = environment(work / "torch", "python", "numpy", "pytorch", "pyyaml", "sqlite", "six")
    out = container(mount, "/opt/env/bin/python", "-c", TRAIN)
    print("    " + out.replace("\n", "\n    ").rstrip())
    assert "torch 1.13.1" in out
    out = container(mount, "/opt/env/bin/python", "-c", "import torch.distributed, torch.jit, torch.utils.data as d\n"
                    "l = d.DataLoader(list(range(8)), num_workers=2); print(sum(int(x) for x in l))")
    assert out.strip() == "28"
    assert "usage: torchrun" in container(mount, "/opt/env/bin/torchrun", "--help")
    assert "f2py" in container(mount, "/opt/env/bin/f2py", "-h")
    assert container(mount, "/opt/env/bin/sqlite3", ":memory:", "select 6*7").strip() == "42"


def check_only_what_is_named(work):
    """Every library comes from the prefix or is glibc: the list of loaded files says so."""
    mount = ["-v", f"{work}/torch/opt/env:/opt/env"]
    out = container(mount, "/opt/env/bin/python", "-c", "import torch, numpy, sqlite3, ssl, ctypes, bz2, lzma, curses, readline, yaml, "
                    "hashlib, dbm.ndbm, uuid, crypt, nis\nfor l in open('/proc/self/maps'):\n  print(l.split()[-1])")
    names = {Path(p).name for p in out.split() if p.startswith(("/lib", "/usr/lib")) and ".so" in p}
    glibc = {"ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2",
             "libutil.so.1"}
    assert names <= glibc, sorted(names - glibc)


def check_byte_code_holds(work):
    """What the packages brought as .pyc is valid for their .py: nothing is compiled again."""
    mount = ["-v", f"{work}/torch/opt/env:/opt/env:ro"]
    out = run(*DOCKER, "run", "--rm", "--network", "none", *mount, CPU, "sh", "-c",
              "/opt/env/bin/python -v -c 'import numpy, json, argparse' 2>&1 | grep -c 'matches /opt/env'")
    assert int(out) > 50, out


def check_vision_and_tools(work):
    mount = environment(work / "vision", "python", "torchvision", "pillow", "requests", "tabulate", "pygments", "markdown", "chardet",
                        "future", "tqdm", "pip", "openssl", "bzip2", "gzip", "xz", "zstd", "prefix-demo", "ncurses-term", "links-demo")
    out = container(mount, "/opt/env/bin/python", "-c", "import torchvision, torch, PIL.Image, io\n"
                    "m = torchvision.models.resnet18(); print(m(torch.zeros(1, 3, 64, 64)).shape)\n"
                    "b = io.BytesIO(); PIL.Image.new('RGB', (8, 8), 'red').save(b, 'JPEG'); print(torchvision.__version__)\n"
                    "import PIL.features as f; print([n for n in ('webp', 'jpg', 'zlib', 'libtiff', 'freetype2', 'raqm') if f.check(n)])")
    assert "[1, 1000]" in out and "0.14.1" in out and "'raqm'" in out, out
    assert "hello from /opt/env/share" in container(mount, "/opt/env/bin/prefix-demo-sh")
    container(mount, "sh", "-ec", "export PATH=/opt/env/bin:$PATH; echo '# x' | markdown_py | grep '<h1>'; echo 'a b' | tabulate; "
              "pygmentize -L lexers >/dev/null; chardetect /etc/passwd; futurize --help >/dev/null; tqdm --help 2>/dev/null; "
              "echo abc | bzip2 | bunzip2 | gzip | gunzip | xz | unxz | zstd | zstd -dc; openssl version; infocmp xterm >/dev/null; pydoc os >/dev/null")
    out = container(mount, "/opt/env/bin/python", "-c", "import certifi, ssl, requests\n"
                    "c = ssl.create_default_context(cafile=certifi.where()); print(len(c.get_ca_certs()))")
    assert int(out) > 100
    assert "No broken requirements" in container(mount, "/opt/env/bin/pip", "check")


def check_pip_installs(work):
    mount = environment(work / "pip", "python", "pip")
    index = f"{SITE['www']}/pypi/simple/"
    pip = ["/opt/env/bin/pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--root-user-action=ignore", "-i", index]
    container(mount, *pip, "torch", "torchvision", "future", "pillow", "pyyaml", network="host")
    out = container(mount, "/opt/env/bin/python", "-c", TRAIN + "import torchvision, PIL, future; print(torchvision.models.resnet18 and 'vision')")
    print("    " + out.strip().splitlines()[-2])
    assert "vision" in out
    assert "No broken requirements" in container(mount, "/opt/env/bin/pip", "check")
    container(mount, *pip, "hello-sdist", network="host")
    assert "hello from an sdist True" in container(mount, "/opt/env/bin/hello-sdist")
    # Wheels that bring their libraries: none may come from the conda side of the prefix.
    lib = {p.name for p in Path(work, "pip/opt/env/lib").glob("*.so*")}
    assert not any(n.startswith("libtorch") for n in lib)


def check_pip_private(work):
    mount = ["-v", f"{work}/pip/opt/env:/opt/env"]
    user, word = SITE["credentials"]["channel_user"], urllib.parse.quote(SITE["credentials"]["channel_password"], safe="")
    index = SITE["www"].replace("http://", f"http://{user}:{word}@") + "/private/pypi/simple/"
    container(mount, "/opt/env/bin/pip", "download", "--no-deps", "-d", "/tmp", "-i", index, "six==1.15.0", network="host")
    assert fetch("/private/pypi/simple/six/")[0] == 401


def check_records(work):
    """Every file is there with the size and hashes its record says, and its index.json agrees with the record."""
    for record in naive_link.records(CHANNEL):
        data = record["file"].read_bytes()
        assert hashlib.sha256(data).hexdigest() == record["sha256"] and hashlib.md5(data).hexdigest() == record["md5"]
        assert len(data) == record["size"]
        payload, info = naive_link.contents(record["file"])
        inside = json.load(info.extractfile("info/index.json"))
        assert all(inside[k] == record[k] for k in ("name", "version", "build", "depends", "subdir")), record["file"]
        paths = {e["_path"]: e for e in json.load(info.extractfile("info/paths.json"))["paths"]}
        names = [m.name for m in payload if not m.name.startswith("info/")]
        assert sorted(names) == sorted(paths), record["file"]
        if record["name"] in ("python", "bzip2", "prefix-demo", "six"):
            for member in payload:
                if member.isreg() and member.name in paths:
                    assert hashlib.sha256(payload.extractfile(member).read()).hexdigest() == paths[member.name]["sha256"]


def check_closed(work):
    """Every dependency is met by some record, but for the one that must not be; so are the images' names."""
    available = naive_link.records(CHANNEL)
    for record in available:
        for spec in record["depends"]:
            met = spec.startswith("__") or any(naive_link._fits(r, spec) for r in available)
            assert met != (record["name"] == "missing-dep-demo"), (record["name"], spec)
    assert {r["build"][:4] for r in available if r["name"] == "pytorch"} == {"cpu_", "cuda"}
    assert len(SITE["images"]) >= 20 and all(d.startswith("sha256:") for d in SITE["images"].values())


def check_server(work):
    path = "/conda-forge/noarch/repodata.json"
    status, headers, body = fetch(path)
    assert status == 200 and json.loads(body)["info"]["subdir"] == "noarch"
    assert fetch(path, {"If-None-Match": headers["ETag"]})[0] == 304
    assert fetch(path, {"If-Modified-Since": headers["Last-Modified"]})[0] == 304
    status, ranged, part = fetch(path, {"Range": "bytes=10-19"})
    assert (status, part) == (206, body[10:20]) and ranged["Content-Range"] == f"bytes 10-19/{len(body)}"
    assert fetch("/private" + path)[0] == 401
    user = f"{SITE['credentials']['channel_user']}:{SITE['credentials']['channel_password']}"
    token = base64.b64encode(user.encode()).decode()
    assert fetch("/private" + path, {"Authorization": "Basic " + token})[2] == body
    assert fetch(f"/t/{SITE['credentials']['channel_token']}{path}")[2] == body and fetch("/t/other" + path)[0] == 403
    assert fetch("/conda-forge/../../index.json")[0] == 404 and fetch("/conda-forge/%2e%2e/%2e%2e/pypi/index.json")[0] == 404
    assert b"#sha256=" in fetch("/pypi/simple/six/", {"Accept": "text/html"})[2]
    listed = json.loads(fetch("/pypi/simple/six/", {"Accept": "application/vnd.pypi.simple.v1+json"})[2])
    url = listed["files"][0]["url"]
    assert hashlib.sha256(fetch(url + ".metadata")[2]).hexdigest() == listed["files"][0]["core-metadata"]["sha256"]


def check_faults(work):
    path = "/extra/noarch/repodata.json"
    body = fetch(path)[2]

    def fault(**what):
        assert fetch("/_control/faults", method="POST", data=json.dumps({"prefix": path, "times": 1, **what}).encode())[0] == 200
        try:
            return fetch(path)
        except (OSError, http.client.HTTPException):
            return (-1, {}, b"")
    try:
        assert fault(kind="404")[0] == 404 and fault(kind="500")[0] == 500
        assert b"Sign in" in fault(kind="html")[2]
        flipped = fault(kind="bitflip")[2]
        assert len(flipped) == len(body) and sum(a != b for a, b in zip(flipped, body)) == 1
        assert fault(kind="truncate")[0] == -1 and fault(kind="reset")[0] == -1
        assert fetch(path)[2] == body
    finally:
        fetch("/_control/faults", method="DELETE")
    assert json.loads(fetch("/_control/counts")[2])[path] >= 7


def check_private_registry(work):
    registry = SITE["private_registry"]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "DOCKER_CONFIG": folder}
        word = SITE["credentials"]["registry_password"]
        run(*DOCKER, "login", "-u", SITE["credentials"]["registry_user"], "--password-stdin", registry, input=word, env=env)
        run(*DOCKER, "tag", CPU, f"{registry}/copy/debian:1", env=env)
        run(*DOCKER, "push", f"{registry}/copy/debian:1", env=env)
    for path, want in (("/v2/", 401),):
        try:
            urllib.request.urlopen(f"http://{registry}{path}", timeout=5)
            raise AssertionError("no credential was asked for")
        except urllib.error.HTTPError as error:
            assert error.code == want


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="site-check-", dir="/tmp") as work:
        for name, check in [(n, f) for n, f in globals().items() if n.startswith("check_")]:
            started = time.monotonic()
            try:
                check(Path(work))
                passed += 1
                print(f"ok    {name[6:].replace('_', ' ')}  ({time.monotonic() - started:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL  {name[6:].replace('_', ' ')}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
