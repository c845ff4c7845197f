"""Names in the team's repository: two hosts that see the same, labels, archiving, renaming, and what is refused."""

import concurrent.futures
import json
import shutil

from harness import check, contains

ONE = "channels: [conda-forge]\ndependencies: [nomkl]\n"
TWO = "channels: [conda-forge]\ndependencies: [nomkl]\nvariables: {A: b}\n"


def test_the_life_of_a_name(host):
    other = host.second()
    host.write("one.yml", ONE)
    host.write("two.yml", TWO)
    check(host.run("register", "one.yml", "--name", "train").line == "train:1")
    check(host.run("register", "two.yml", "--name", "train").line == "train:2")
    check(host.run("register", "one.yml", "--name", "train").line == "train:1")
    # Somebody else sees it, and what he says is seen.
    check(other.run("hash", "train:1").line == host.run("hash", "one.yml").line)
    check(other.run("label", "train:1", "stable").line == "train:1")
    labelled = host.run("label", "train@stable", "next", "--json").json
    check(labelled == {"name": "train", "version": "1", "label": "next", "set": True, "changed": True}, labelled)
    check(not host.run("label", "train:1", "next", "--json").json["changed"])
    check(other.run("label", "train", "next", "--remove").line == "train:1")
    check(host.run("archive", "train:2", "--json").json
          == {"name": "train", "version": "2", "archived": True, "changed": True})
    check(other.run("hash", "train").line == host.run("hash", "one.yml").line)  # latest is what is not archived
    check(other.run("restore", "train:2").line == "train:2")
    check(other.run("archive", "train").line == "train")
    check(host.run("restore", "train", "--json").json == {"name": "train", "version": None, "archived": False, "changed": True})
    check(host.run("rename", "train", "resnet").line == "resnet")
    check(other.run("hash", "train@stable").line == host.run("hash", "one.yml").line)
    check(other.run("label", "train:2", "late", "--json").json["name"] == "resnet")
    check(host.run("clone", "resnet:1", "copy").line == "copy:1")
    check(other.run("hash", "copy").line == host.run("hash", "one.yml").line)


def test_names_that_are_refused(host):
    host.write("one.yml", ONE)
    host.run("register", "one.yml", "--name", "pytorch-gpu")
    tags = host.tags()
    contains(host.run("label", "pytorch-gpo:1", "stable", code=2).err, "did you mean 'pytorch-gpu'?")
    contains(host.run("label", "pytorch-gpu:7", "stable", code=2).err, "has no version '7'")
    contains(host.run("label", "pytorch-gpu", "stable", code=2).err, "which version", "pytorch-gpu@latest")
    contains(host.run("label", "pytorch-gpu", "stable", "--remove", code=2).err, "has no label 'stable'")
    contains(host.run("archive", "none", code=2).err, "there is no environment 'none'")
    contains(host.run("rename", "none", "x", code=2).err, "there is no environment 'none'")
    contains(host.run("rename", "pytorch-gpu", "pytorch-gpu", code=2).err, "already")
    contains(host.run("rename", "pytorch-gpu", "a b", code=2).err, "'a b'")
    for name in ("AzureML-x", "azureml", "Microsoft-y"):
        for command in (["register", "one.yml", "--name", name], ["clone", "pytorch-gpu", name], ["rename", "pytorch-gpu", name],
                        ["rename", name, "mine"], ["archive", name], ["label", f"{name}:1", "x"]):
            contains(host.run(*command, code=2).err, "can not start with the prefix", "create a copy")
    host.env["ENVBUILD_RESERVED_PREFIXES"] = "lab-, team-"
    contains(host.run("rename", "pytorch-gpu", "Lab-x", code=2).err, "prefix lab-")
    check(host.tags() == tags)


def test_hosts_that_register_at_once(host):
    other = host.second()
    for i in range(3):
        host.write(f"{i}.yml", f"{ONE}variables: {{A: '{i}'}}\n")
        other.write(f"{i}.yml", f"{ONE}variables: {{B: '{i}'}}\n")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = [pool.submit(one.run, "register", f"{i}.yml", "--name", "env") for one in (host, other) for i in range(3)]
    check(all(run.result().line.startswith("env:") for run in runs))
    hashes = {host.run("hash", f"env:{version}").line for version in range(1, 7)}
    check(len(hashes) == 6, hashes)


def test_ten_at_once_on_one_host_are_told_their_own_version(host):
    for repository in (host.env["ENVBUILD_REGISTRY"], f"oci:{host.directory}/layout"):
        host.env["ENVBUILD_REGISTRY"] = repository
        running = {}
        for number in range(10):
            host.write(f"env-{number}.yml", f"channels: [conda-forge]\ndependencies: [nomkl]\nvariables: {{N: '{number}'}}\n")
            running[number] = host.start("register", f"env-{number}.yml", "--name", "conc")
        told = {}
        for number, process in running.items():
            out, err = process.communicate(timeout=120)
            check(process.returncode == 0, err)
            told[number] = out.strip()
        check(len(set(told.values())) == 10, told)
        for number, version in told.items():
            check(host.run("hash", version).line == host.run("hash", f"env-{number}.yml").line, version)


def test_registering_again_brings_a_lost_archive_back(host):
    host.env["ENVBUILD_REGISTRY"] = f"oci:{host.directory}/layout"
    host.write("one.yml", ONE)
    host.run("register", "one.yml", "--name", "train")
    manifest = [blob for blob in (host.directory / "layout/blobs/sha256").iterdir() if b"definition.v1.tar" in blob.read_bytes()[:4096]]
    layer = json.loads(manifest[0].read_bytes())["layers"][0]["digest"].split(":")[1]
    (host.directory / "layout/blobs/sha256" / layer).unlink()
    shutil.rmtree(host.cache / "definitions", ignore_errors=True)
    check(host.run("hash", "train", code=None).code != 0)
    check(host.run("register", "one.yml", "--name", "train").line == "train:1")
    check(host.run("hash", "train").line == host.run("hash", "one.yml").line)
