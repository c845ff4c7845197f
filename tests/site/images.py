"""The base images, as Docker schema 2 manifests put straight into a registry. They share one layer."""
import hashlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

from common import EPOCH

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_PATH = "PATH=/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STAND_IN = {"dev.envbuild.stand-in": "debian bookworm, no CUDA inside"}


def _cuda(version, cudnn, require):
    return {
        "env": [_PATH, "NVARCH=x86_64", f"NVIDIA_REQUIRE_CUDA={require}", f"CUDA_VERSION={version}",
                "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64", "NVIDIA_VISIBLE_DEVICES=all",
                "NVIDIA_DRIVER_CAPABILITIES=compute,utility", f"NV_CUDNN_VERSION={cudnn}"],
        "labels": {**_STAND_IN, "maintainer": "a test site", "com.nvidia.cudnn.version": cudnn,
                   "org.opencontainers.image.ref.name": "ubuntu", "org.opencontainers.image.version": "22.04"},
        "layer": "debian"}


IMAGES = {
    "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04": _cuda(
        "11.8.0", "8.9.6.50", "cuda>=11.8 brand=tesla,driver>=450,driver<451 brand=tesla,driver>=470,driver<471 "
        "brand=unknown,driver>=470,driver<471 brand=nvidia,driver>=470,driver<471 brand=tesla,driver>=510,driver<511 "
        "brand=tesla,driver>=515,driver<516"),
    "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04": _cuda(
        "12.4.1", "9.1.0.70-1", "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=470,driver<471 "
        "brand=tesla,driver>=525,driver<526 brand=tesla,driver>=535,driver<536"),
    "library/debian:bookworm-slim": {"env": [_PATH.replace("/usr/local/nvidia/bin:/usr/local/cuda/bin:", "")],
                                     "labels": {"dev.envbuild.stand-in": "made by debootstrap"}, "layer": "debian"},
    "library/ubuntu:22.04": {"env": [_PATH.replace("/usr/local/nvidia/bin:/usr/local/cuda/bin:", "")],
                             "labels": {"dev.envbuild.stand-in": "debian bookworm under another name"}, "layer": "debian"},
    "test/noglibc:1": {"env": ["PATH=/bin"], "labels": {"dev.envbuild.stand-in": "busybox, linked statically"},
                       "layer": "noglibc", "cmd": ["/bin/sh"]},
}


def push_all(registry, layers):
    """Pushes IMAGES to REGISTRY (host:port); gives {name: manifest digest}."""
    index = json.loads((Path(layers) / "layers.json").read_text())
    return {name: _push(registry, name, image, index[image["layer"]], Path(layers) / f"{image['layer']}.tar.gz")
            for name, image in IMAGES.items()}


def _push(registry, name, image, layer, file):
    repository, tag = name.rsplit(":", 1)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
    config = _json({
        "architecture": "amd64", "os": "linux", "created": created,
        "config": {"Env": image["env"], "Cmd": image.get("cmd", ["/bin/bash"]), "Labels": image["labels"], "WorkingDir": "/"},
        "history": [{"created": created, "created_by": "a test site"}],
        "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"]]}})
    manifest = _json({
        "schemaVersion": 2, "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [{"mediaType": _LAYER, "size": layer["size"], "digest": layer["digest"]}]})
    _blob(registry, repository, layer["digest"], file.read_bytes)
    _blob(registry, repository, _digest(config), lambda: config)
    _ask("PUT", f"http://{registry}/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": _MANIFEST})
    return _digest(manifest)


def _json(value):
    return json.dumps(value, indent=3, sort_keys=True).encode()


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob(registry, repository, digest, read):
    base = f"http://{registry}/v2/{repository}/blobs"
    try:
        _ask("HEAD", f"{base}/{digest}")
        return
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    # The layer is shared: ask for a mount from where it was pushed first.
    where = _ask("POST", f"{base}/uploads/?mount={digest}&from=nvidia/cuda", b"")
    if where.status == 201:
        return
    location = where.headers["Location"]
    _ask("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", read(), {"Content-Type": "application/octet-stream"})


def _ask(method, url, data=None, headers=None):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    with opener.open(request, timeout=60) as answer:
        answer.read()
        return answer
