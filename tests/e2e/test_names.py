"""Names in the team's repository: two hosts that see the same, labels, archiving, renaming, and what is refused."""

import concurrent.futures
import json
import shutil

from harness import check, contains, lacks

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


def test_an_explicit_version_is_had_or_is_an_error(host):
    host.write("one.yml", ONE)
    host.write("two.yml", TWO)
    check(host.run("register", "one.yml", "--name", "train").line == "train:1")
    known = host.run("register", "one.yml", "--name", "train", "--version", "7", code=2)
    contains(known.err, "train has this content already, as version 1", "envbuild label train:1 7")
    check(known.out == "", known)
    taken = host.run("register", "two.yml", "--name", "train", "--version", "1", code=2)
    contains(taken.err, "train:1 is there already with other content", "registered", "train:2")
    check(host.run("register", "two.yml", "--name", "train", "--version", "7").line == "train:7")
    check(host.run("register", "two.yml", "--name", "train", "--version", "7").line == "train:7")


def test_ten_at_once_that_ask_for_one_version_and_one_has_it(host):
    running = []
    for number in range(10):
        # Five on one host, which take turns, and five that see nothing of each other.
        machine = host if number < 5 else host.second()
        machine.write(f"env-{number}.yml", f"{ONE}variables: {{N: '{number}'}}\n")
        running.append((machine, number, machine.start("register", f"env-{number}.yml", "--name", "conc", "--version", "7")))
    ended = [(machine, number, process.communicate(timeout=120), process.returncode) for machine, number, process in running]
    for _, _, (out, err), code in ended:
        check((code == 0 and out.strip() == "conc:7") or (code == 2 and out == "" and "conc:7" in err), (code, out, err))
    versions = host.run("list", "--own", "--all-versions", "--json").json["environments"]
    hashes = {entry["version"]: entry["spec_hash"] for entry in versions}
    told = [machine.run("hash", f"env-{number}.yml").line for machine, number, _, code in ended if code == 0]
    check(hashes["7"] in told, (hashes, ended))


def test_a_list_with_nothing_in_it_says_so(host):
    contains(host.run("list", "--own").err, "there are no environments yet")
    host.write("one.yml", ONE)
    host.run("register", "one.yml", "--name", "resnet-train")
    nothing = host.run("list", "resent")
    check(nothing.out == "", nothing)
    contains(nothing.err, "no environment is called 'resent'", "did you mean resnet-train?")
    contains(host.run("list", "*pytorh*").err, "did you mean AzureML-")
    lacks(host.run("list", "zzzzzzzzzzzz").err, "did you mean")
    nothing = host.run("list", "zzzzzzzzzzzz", "--json")
    check(nothing.json["environments"] == [], nothing)
    host.run("archive", "resnet-train")
    contains(host.run("list", "resnet").err, "--archived: resnet-train")


def test_a_damaged_claim_is_warned_of_once(host):
    host.env["ENVBUILD_REGISTRY"] = f"oci:{host.directory}/layout"
    host.write("one.yml", ONE)
    host.run("register", "one.yml", "--name", "train")
    claim = next(blob for blob in (host.directory / "layout/blobs/sha256").iterdir() if b"dev.envbuild.claim" in blob.read_bytes()[:4096])
    claim.write_bytes(b"{}")
    result = host.run("hash", "train", code=2)
    check(result.err.count("is left out of the names") == 1, result)


def test_the_hash_in_a_list_is_the_readers_own(host):
    host.write("gpu.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    host.run("register", "gpu.yml", "--name", "train", env={"ENVBUILD_BASE_CPU": "docker.io/library/debian:12"})
    check(host.run("list", "train", "--own", "--json").json["environments"][0]["spec_hash"] == host.run("hash", "train").line)
