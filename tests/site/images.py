"""The base images, put straight into a registry as the vendors' tags are: single manifests, Docker lists and OCI indexes."""
import gzip
import hashlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from common import EPOCH, HERE

_DOCKER = {"manifest": "application/vnd.docker.distribution.manifest.v2+json",
           "config": "application/vnd.docker.container.image.v1+json",
           "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
           "index": "application/vnd.docker.distribution.manifest.list.v2+json"}
_OCI = {"manifest": "application/vnd.oci.image.manifest.v1+json", "config": "application/vnd.oci.image.config.v1+json",
        "layer": "application/vnd.oci.image.layer.v1.tar+gzip", "index": "application/vnd.oci.image.index.v1+json"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EMPTY = b"\0" * 1024  # a tar of nothing: what the other platforms' images hold


def images():
    """[{name, form, layer, env, labels, shell}]"""
    table = yaml.safe_load((HERE / "images.yaml").read_text())
    out = []
    for family in table["cuda"]:
        for tag in family["tags"]:
            env = ["PATH=/usr/local/nvidia/bin:/usr/local/cuda/bin:" + _PATH, "NVARCH=x86_64",
                   f"NVIDIA_REQUIRE_CUDA={_require(family)}", f"CUDA_VERSION={family['cuda']}",
                   "LD_LIBRARY_PATH=/usr/local/nvidia/lib:/usr/local/nvidia/lib64", "NVIDIA_VISIBLE_DEVICES=all",
                   "NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
            labels = {"dev.envbuild.stand-in": "debian bookworm, no CUDA inside", "maintainer": "a test site",
                      "org.opencontainers.image.ref.name": "ubuntu", "org.opencontainers.image.version": "22.04"}
            if "-base-" not in tag:
                env.append(f"NV_LIBNCCL_PACKAGE_VERSION={family['nccl']}")
            if "cudnn" in tag:
                env.append(f"NV_CUDNN_VERSION={family['cudnn']}")
                labels["com.nvidia.cudnn.version"] = family["cudnn"]
            out.append({"name": f"nvidia/cuda:{tag}", "form": family["form"], "layer": "debian", "env": env, "labels": labels})
    for plain in table["plain"]:
        out.append({**plain, "env": [f"PATH={_PATH}"], "labels": {"dev.envbuild.stand-in": plain["label"]}})
    return out


def _require(family):
    """cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=470,driver<471 ..."""
    words = ["cuda>=" + ".".join(family["cuda"].split(".")[:2])]
    for branch in family["branches"]:
        lower, upper = branch.split(",")
        words += [f"brand={brand},driver{lower},driver{upper}" for brand in ("tesla", "unknown", "nvidia", "nvidiartx", "geforce")]
    return " ".join(words)


def push_all(registry, layers):
    """Pushes every image to REGISTRY (host:port); gives {name: digest of what the tag names}."""
    index = json.loads((Path(layers) / "layers.json").read_text())
    pushing = _Push(registry, index, Path(layers))
    return {image["name"]: pushing.image(image) for image in images()}


class _Push:
    def __init__(self, registry, index, layers):
        self.base, self.index, self.layers = f"http://{registry}/v2", index, layers
        self.where = {}  # digest -> a repository that has it

    def image(self, image):
        repository, tag = image["name"].rsplit(":", 1)
        words = _OCI if image["form"] == "oci-index" else _DOCKER
        layer = self.index[image["layer"]]
        self._blob(repository, layer["digest"], lambda: (self.layers / f"{image['layer']}.tar.gz").read_bytes())
        manifest = self._manifest(repository, words, image, "amd64", layer)
        if image["form"] == "manifest":
            return self._tag(repository, tag, words["manifest"], manifest)
        entries = [self._entry(repository, words, manifest, {"architecture": "amd64", "os": "linux"})]
        empty = gzip.compress(_EMPTY, mtime=0)
        other = {"digest": _digest(empty), "diff_id": _digest(_EMPTY), "size": len(empty)}
        self._blob(repository, other["digest"], lambda: empty)
        arm = self._manifest(repository, words, image, "arm64", other)
        # The other platform comes first, so that taking the first is a mistake that shows.
        entries.insert(0, self._entry(repository, words, arm, {"architecture": "arm64", "os": "linux", "variant": "v8"}))
        if image["form"] == "oci-index":  # as BuildKit leaves them beside the images
            attestation = self._manifest(repository, words, image, "unknown", other)
            entries.append(self._entry(repository, words, attestation, {"architecture": "unknown", "os": "unknown"}) | {
                "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                                "vnd.docker.reference.digest": entries[1]["digest"]}})
        return self._tag(repository, tag, words["index"],
                         _json({"schemaVersion": 2, "mediaType": words["index"], "manifests": entries}))

    def _manifest(self, repository, words, image, architecture, layer):
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
        config = _json({
            "architecture": architecture, "os": "unknown" if architecture == "unknown" else "linux", "created": created,
            "config": {"Env": image["env"], "Cmd": [image.get("shell", "/bin/bash")], "Labels": image["labels"], "WorkingDir": "/"},
            "history": [{"created": created, "created_by": "a test site"}],
            "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"]]}})
        self._blob(repository, _digest(config), lambda: config)
        return _json({
            "schemaVersion": 2, "mediaType": words["manifest"],
            "config": {"mediaType": words["config"], "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": words["layer"], "size": layer["size"], "digest": layer["digest"]}]})

    def _entry(self, repository, words, manifest, platform):
        digest = self._tag(repository, _digest(manifest), words["manifest"], manifest)
        return {"mediaType": words["manifest"], "size": len(manifest), "digest": digest, "platform": platform}

    def _tag(self, repository, reference, kind, data):
        self._ask("PUT", f"{self.base}/{repository}/manifests/{reference}", data, {"Content-Type": kind})
        return _digest(data)

    def _blob(self, repository, digest, read):
        url = f"{self.base}/{repository}/blobs"
        try:
            self._ask("HEAD", f"{url}/{digest}")
            return
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        mount = f"?mount={digest}&from={self.where[digest]}" if digest in self.where else ""
        answer = self._ask("POST", f"{url}/uploads/{mount}", b"")
        self.where[digest] = repository
        if answer.status != 201:
            location = answer.headers["Location"]
            self._ask("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", read(),
                      {"Content-Type": "application/octet-stream"})

    @staticmethod
    def _ask(method, url, data=None, headers=None):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
        with opener.open(request, timeout=60) as answer:
            answer.read()
            return answer


def _json(value):
    return json.dumps(value, indent=3, sort_keys=True).encode()


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()
