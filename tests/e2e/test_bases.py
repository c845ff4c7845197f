"""Base images: the list, the answer for a framework, and copies in the team's registry."""

import json
import subprocess
import urllib.request

from harness import check, contains

CUDA118 = "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
CUDA124 = "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"
ACCEPT = ", ".join(f"application/vnd.{kind}" for kind in (
    "oci.image.manifest.v1+json", "oci.image.index.v1+json", "docker.distribution.manifest.v2+json",
    "docker.distribution.manifest.list.v2+json"))
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def digest_of(registry, repository, tag):
    request = urllib.request.Request(f"http://{registry}/v2/{repository}/manifests/{tag}", method="HEAD", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request) as answer:
        return answer.headers["Docker-Content-Digest"]


def test_the_list_and_its_filters(host):
    everything = host.run("bases", "--json", "--deprecated").json["images"]
    supported = host.run("bases", "--json").json["images"]
    check(60 < len(supported) < len(everything), (len(supported), len(everything)))
    check(not any(image["deprecated"] for image in supported))
    wanted = host.run("bases", "--cuda", "11.8", "--cudnn", "8", "--os", "ubuntu22.04", "--flavor", "runtime", "--json").json["images"]
    check([image["image"] for image in wanted] == [f"docker.io/{CUDA118}"], wanted)
    check(wanted[0]["min_driver"] == "520.61.05" and wanted[0]["source"] and wanted[0]["date"], wanted)
    lines = host.run("bases", "--cuda", "11.8", "--publisher", "nvidia").out.splitlines()
    check(lines[0].startswith("IMAGE") and len(lines) == 4, lines)
    contains(host.run("bases", "--publisher", "azureml", "--deprecated").out, "openmpi3.1.2-cuda10.1-cudnn7", "deprecated")
    contains(host.run("bases", "--cuda", "11.9", code=2).err, "CUDA 11.9", "11.8")
    nothing = host.run("bases", "--cuda", "10.1")
    check(nothing.out == "", nothing)
    contains(nothing.err, "--deprecated")


def test_the_base_for_a_framework(host):
    # The site's registry has what the answer names, so that its weight can be asked.
    answer = host.run("bases", "--for", "torch==2.1", "--sizes", "--json").json
    first = answer["images"][0]
    check(first["image"] == "docker.io/nvidia/cuda:12.1.1-base-ubuntu22.04", answer)
    check(first["instead_of"] == "docker.io/nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04" and first["bytes"] > 0, first)
    check(first["saved_bytes"] is not None, first)
    framework = answer["frameworks"][0]
    check(framework["cuda"] == "bundled" and framework["python"] == ["3.8", "3.9", "3.10", "3.11"], framework)
    check("RELEASE.md" in framework["source"] and framework["date"], framework)
    text = host.run("bases", "--for", "tensorflow==2.4.0", env=NO_ENGINE).out
    contains(text, "nvidia/cuda:11.0.3-cudnn8-runtime-ubuntu20.04", "loads CUDA 11.0 and cuDNN 8.0 from its base image",
             "450.51.06", "Python 3.6, 3.7, 3.8", "source: ")
    both = host.run("bases", "--for", "torch==2.1", "tensorflow==2.14.0", "--json").json
    check(both["images"][0]["cuda"] == "11.8.0" and both["python"] == ["3.9", "3.10", "3.11"], both)
    conda = host.run("bases", "--for", "conda:pytorch=1.13", "--json").json
    check(conda["images"][0]["image"].endswith("11.7.1-base-ubuntu22.04"), conda)
    contains(host.run("bases", "--for", "tensorflow==2.4.0", "--for", "cupy-cuda102", code=5).err, "cupy-cuda102", "tensorflow==2.4.0")
    contains(host.run("bases", "--for", "trch==2.1", code=2).err, "did you mean 'torch'")
    contains(host.run("bases", "--for", "torch>=2", code=2).err, "a range names no version")


def test_a_mirror_serves_what_the_vendor_deleted(host):
    site = host.site
    team = f"{site.registry}/mirrored/{host.repository.split('/')[-1]}"
    mirrored = host.run("bases", "mirror", CUDA118, CUDA124, "--to", team, "--json").json
    paths = {}
    for image, name in zip(mirrored["images"], (CUDA118, CUDA124)):
        repository, tag = name.split(":")
        path = f"{team.split('/', 1)[1]}/{repository}"
        paths[name] = path
        check(image["status"] == "copied" and image["to"] == f"{team}/{name}", image)
        check(digest_of(site.registry, path, tag) == image["digest"], image)
        for manifest in image["manifests"]:
            check(digest_of(site.registry, path, manifest) == manifest, image)
    # The 11.8 image is a manifest alone: the same digest; of the 12.4 list one platform was taken.
    check(mirrored["images"][0]["digest"] == digest_of(site.registry, "nvidia/cuda", CUDA118.split(":")[1]), mirrored)
    check(len(mirrored["images"][1]["manifests"]) == 1 and mirrored["images"][1]["digest"] != mirrored["images"][1]["source_digest"], mirrored)
    check(mirrored["registry_mirrors"] == {"docker.io": [team]}, mirrored)
    # A second opinion on what lies there.
    inspected = subprocess.run(["skopeo", "inspect", "--tls-verify=false", f"docker://{team}/{CUDA124}"], capture_output=True, text=True)
    check(inspected.returncode == 0, inspected.stderr)
    check(any(entry.startswith("CUDA_VERSION=12.4.1") for entry in json.loads(inspected.stdout)["Env"]), inspected.stdout)
    # Again: nothing is sent. All platforms: the list itself, byte for byte.
    again = host.run("bases", "mirror", CUDA118, CUDA124, "--to", team)
    check(again.out.splitlines() == [f"{team}/{name}@{image['digest']}" for name, image in zip((CUDA118, CUDA124), mirrored["images"])], again)
    contains(again.err, "all of it was there", f"registry_mirrors: {{docker.io: {team}}}")
    whole = host.run("bases", "mirror", CUDA124, "--all-platforms", "--to", team, "--json").json["images"][0]
    check(whole["digest"] == whole["source_digest"] == digest_of(site.registry, "nvidia/cuda", CUDA124.split(":")[1]), whole)
    # The vendor's registry is gone; the printed line is all that is needed.
    host.env["ENVBUILD_REGISTRY_MIRRORS"] = f"docker.io={team}"
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    locked = host.run("lock", "env.yml", "--gpu", env=NO_ENGINE).out
    contains(locked, whole["manifests"][1] if len(whole["manifests"]) > 1 else whole["manifests"][0])


def test_mirroring_what_a_file_uses(host):
    team = f"{host.site.registry}/used/{host.repository.split('/')[-1]}"
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    used = host.run("bases", "mirror", "--used-by", "env.yml", "--gpu", "--to", team, "--json", env=NO_ENGINE).json["images"]
    check([image["image"] for image in used] == [f"docker.io/{CUDA124}"], used)
    host.share_cache()
    host.write("conda-lock.yml", host.run("lock", "env.yml", env=NO_ENGINE).out)
    locked = host.run("bases", "mirror", "--lock", "conda-lock.yml", "--to", team, "--json", env=NO_ENGINE).json["images"]
    check(locked[0]["image"].startswith("docker.io/library/ubuntu:22.04@sha256:") and locked[0]["status"] == "copied", locked)
    # Without --to it goes beside the team's images.
    beside = host.run("bases", "mirror", f"{host.site.registry}/{CUDA118}").line
    contains(beside, f"{host.site.registry}/{host.repository}/bases/{host.site.registry.replace(':', '-')}/{CUDA118}@sha256:")


def test_a_mirror_that_cannot_be_written_or_an_image_that_is_not_there(host):
    gone = host.run("bases", "mirror", f"{host.site.registry}/nvidia/cuda:gone", f"{host.site.registry}/{CUDA118}", "--to",
                    f"{host.site.registry}/half/{host.repository.split('/')[-1]}", code=2)
    contains(gone.err, "nvidia/cuda:gone")
    check(len(gone.out.splitlines()) == 1 and CUDA118 in gone.out, gone)
    refused = host.run("bases", "mirror", CUDA118, "--to", f"{host.site.private_registry}/hub", code=6)
    contains(refused.err, "docker login", host.site.private_registry)
    contains(host.run("bases", "mirror", code=2).err, "name the images to copy")
    both = host.run("bases", "mirror", CUDA118, "mcr.microsoft.com/azureml/x:1", "--to", "registry.invalid/m", code=2)
    contains(both.err, "{registry}", "docker.io", "mcr.microsoft.com")
