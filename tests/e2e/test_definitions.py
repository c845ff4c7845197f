"""Definitions: Azure ML's directories, own Dockerfiles and contexts, images taken as they are, curated names."""

import json
import os

from harness import check, contains, lacks
from test_pip_sources import git

BASE = "docker.io/library/debian:bookworm-slim"
CONDA = "channels: [conda-forge]\ndependencies: [python=3.11]\n"


def definition(host, folder, **fields):
    os.makedirs(os.path.join(host.directory, folder), exist_ok=True)
    host.write(f"{folder}/azureml_environment.json", json.dumps(fields))


def own_context(host, folder):
    definition(host, folder, name="own", docker={
        "buildContext": {"locationType": "local", "location": "ctx", "dockerfilePath": "sub/My.Dockerfile"}})
    os.makedirs(os.path.join(host.directory, folder, "ctx/sub"), exist_ok=True)
    host.write(f"{folder}/conda_dependencies.yml", CONDA)
    host.write(f"{folder}/ctx/sub/My.Dockerfile",
               f"FROM {BASE} AS first\nRUN echo made > /made\nFROM {BASE}\nCOPY --from=first /made /made\nCOPY . /context\n")
    host.write(f"{folder}/ctx/data", "one\n")
    host.write(f"{folder}/ctx/left-out", "x\n")
    host.write(f"{folder}/ctx/.dockerignore", "left-out\n")
    os.symlink("data", os.path.join(host.directory, folder, "ctx/link"))


def test_an_own_dockerfile_is_the_image_where_nothing_is_installed(host):
    definition(host, "own", name="own", environmentVariables={"GREETING": "good day"},
               python={"userManagedDependencies": True},
               docker={"baseDockerfile": f"FROM {BASE}\nRUN echo made > /made\nENV OWN=1\n", "shmSize": "1g"})
    built = host.run("own", "--json")
    check(built.json["cache"] == "miss" and built.json["packages"] == 0 and built.json["backend"] == "none", built)
    contains(built.err, "Building the base image", "--shm-size 1g")
    lacks(built.err, "python\n")
    out = host.site.run_in(built.json["image"], "sh", "-c", "cat /made; echo $OWN $GREETING")
    check(out.split() == ["made", "1", "good", "day"], out)
    again = host.run("own")
    check(again.line == built.json["image"])
    lacks(again.err, "Building")
    # Other variables: another image on the same base, which is not built again.
    other = host.run("own", "--env", "GREETING=night", "--json")
    check(other.json["image"] != built.json["image"])
    lacks(other.err, "Building")


def test_packages_on_a_base_from_a_build_context(host):
    own_context(host, "own")
    built = host.run("own")
    out = host.site.run_in(built.line, "sh", "-c", "cat /made /context/link; ls /context; python -c 'import sys; print(sys.prefix)'")
    check(out.split() == ["made", "one", "data", "link", "sub", "/opt/env"], out)

    before = host.run("hash", "own").line
    host.write("own/ctx/left-out", "y\n")
    check(host.run("hash", "own").line == before)
    host.write("own/ctx/data", "two\n")
    check(host.run("hash", "own").line != before)
    changed = host.run("own")
    check(host.site.run_in(changed.line, "cat", "/context/data") == "two\n")


def test_a_build_context_in_git_is_built_once_for_a_commit(host):
    root = host.directory / "images"
    host.write("images/ctx/Dockerfile", f"FROM {BASE}\nCOPY . /context\n")
    host.write("images/ctx/data", "one\n")
    host.write("images/Dockerfile", "FROM nothing.invalid/none\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    first = git(root, "rev-parse", "HEAD")
    location = f"file://{root}"
    definition(host, "own", python={"userManagedDependencies": True},
               docker={"buildContext": {"locationType": "git", "location": location + "#main:ctx"}})
    built = host.run("own")
    contains(built.err, "Building the base image", "the Dockerfile's image")
    lacks(built.err, "envbuild.invalid")
    check(host.site.run_in(built.line, "sh", "-c", "cat /context/data; ls -A /context").split() == ["one", "Dockerfile", "data"])
    # The branch moves: another image. The commit of before is found without the repository.
    host.write("images/ctx/data", "two\n")
    git(root, "commit", "-q", "-a", "-m", "two")
    moved = host.run("own")
    check(host.site.run_in(moved.line, "cat", "/context/data") == "two\n")
    host.write("v2.yml", f"build: {{path: 'https://nowhere.invalid/images.git#{first}:ctx'}}\n")
    again = host.run("v2.yml")
    check(again.line == built.line)
    lacks(again.err, "Fetching", "Building")
    definition(host, "own", docker={"buildContext": {"locationType": "git", "location": location + "#none"}})
    contains(host.run("own", code=2).err, "'none'")


def test_an_own_base_in_the_embedded_store(host):
    own_context(host, "own")
    del host.env["ENVBUILD_REGISTRY"]
    built = host.run("own")
    check(built.line.startswith("oci:"), built)
    image = built.err.strip().splitlines()[-1].split()[-2]
    check(host.site.run_in(image, "cat", "/made") == "made\n")
    # The engine has lost the base: it comes back out of the store.
    host.site.docker("rmi", "-f", *[name for name in host.site.docker(
        "images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split() if name.startswith("envbuild:base-")])
    host.write("own/conda_dependencies.yml", CONDA + "variables: {A: b}\n")
    again = host.run("own")
    lacks(again.err, "Building the base image")
    check(again.line != built.line)


def test_a_broken_dockerfile_fails_the_build_at_its_step(host):
    definition(host, "own", name="own", python={"userManagedDependencies": True},
               docker={"baseDockerfile": f"FROM {BASE}\nRUN echo before && exit 3\n"})
    failed = host.run("own", code=7)
    contains(failed.err, "exit 3", "the whole log is in")
    check(host.tags() == [])


def test_an_image_is_taken_as_it_is(host):
    host.run("register", "--image", BASE, "--name", "plain")
    built = host.run("plain", "--json")
    check(built.json["backend"] == "none" and built.json["packages"] == 0, built)
    contains(host.site.run_in(built.json["image"], "cat", "/etc/os-release"), "Debian")
    shown = host.run("show", "plain", "--json").json
    check(shown["image_details"]["image_exist"] is True)
    check(shown["image_details"]["image"] == built.json["image"])
    check(shown["definition"]["docker"]["baseImage"] == BASE)


def test_the_registry_of_a_definitions_base(host):
    definition(host, "own", docker={"baseImage": "library/debian:bookworm-slim", "baseImageRegistry": {"address": host.site.registry}},
               python={"userManagedDependencies": True})
    contains(host.run("hash", "own", "--canonical").out, f'"base":"{host.site.registry}/library/debian:bookworm-slim"')
    host.run("own")


def test_save_edit_register_and_clone(host):
    host.run("save", "AzureML-Minimal", "-o", "mine")
    check(sorted(os.listdir(os.path.join(host.directory, "mine")))[:2] == ["azureml_environment.json", "conda_dependencies.yml"])
    check(host.run("hash", "mine").line == host.run("hash", "AzureML-Minimal").line)
    contains(host.run("save", "AzureML-Minimal", "-o", "mine", code=2).err, "mine", "--overwrite")
    host.run("save", "AzureML-Minimal", "-o", "mine", "--overwrite")
    check(host.run("clone", "AzureML-Minimal", "minimal").line == "minimal:1")
    check(host.run("hash", "minimal").line == host.run("hash", "AzureML-Minimal").line)
    check(host.run("diff", "minimal", "AzureML-Minimal").out == "")

    host.write("mine/conda_dependencies.yml", CONDA)
    check(host.run("register", "mine", "--name", "minimal", "--label", "stable").line == "minimal:2")
    check(host.run("hash", "minimal@stable").line == host.run("hash", "mine").line)
    difference = host.run("diff", "minimal:1", "minimal:2", code=1)
    contains(difference.out, "conda: ")
    contains(host.run("register", "mine", "--name", "azureml-mine", code=2).err, "can not start with the prefix")

    listed = {entry["name"]: entry for entry in host.run("list", "--own", "--json").json["environments"]}
    check(listed["minimal"]["version"] == "2" and listed["minimal"]["built"] is False, listed)
    check("stable" in listed["minimal"]["labels"])
    contains(host.run("list", "*minimal*").out, "AzureML-Minimal", "minimal")


def test_what_others_must_not_get(host):
    host.write("env.yml", "dependencies: [python=3.11, pip, {pip: ['--extra-index-url https://bob:hunter2@pypi.lab/simple', six]}]\n")
    refused = host.run("register", "env.yml", "--name", "shared", code=2)
    contains(refused.err, "env.yml:1", "${VAR}")
    check("hunter2" not in refused.err)
    host.write("env.yml", "dependencies: [python=3.11, pip, {pip: ['-e .']}]\n")
    contains(host.run("register", "env.yml", "--name", "shared", code=2).err, "the definition's own folder")
    host.write("env.yml", CONDA)
    contains(host.run("register", "env.yml", "--name", "shared.yml", code=2).err, "taken for a file")
    contains(host.run("register", "env.yml", "--name", "shared", "--label", "a b", code=2).err, "no proper label")
    contains(host.run("save", "env.yml", "--shm-size", "big", "-o", "out", code=2).err, "'big'", "2g")
    check(not host.tags())


def test_a_requirements_file_becomes_a_definition(host):
    host.write("requirements.txt", "-r more.txt\n")
    host.write("more.txt", "future\n")
    host.run("register", "requirements.txt", "--python", "3.11", "--name", "reqs")
    host.run("save", "reqs", "-o", "back")
    check(os.path.exists(os.path.join(host.directory, "back/more.txt")))
    check(host.run("hash", "reqs").line == host.run("hash", "back").line)
    contains(host.run("show", "reqs").out, "future")


def test_an_existing_conda_environment(host):
    os.makedirs(os.path.join(host.directory, "prefix/conda-meta"))
    host.write("prefix/conda-meta/python-3.11.2-h_0.json", json.dumps(
        {"name": "python", "version": "3.11.2", "build": "h_0", "channel": "https://conda.anaconda.org/conda-forge/linux-64", "files": []}))
    contains(host.run("hash", "prefix", "--canonical").out, "conda.anaconda.org/conda-forge", "python 3.11.2.*")
    host.write("prefix/conda-meta/broken.json", "{")
    contains(host.run("hash", "prefix", code=8).err, "broken.json")


def test_names_that_are_not_there(host):
    contains(host.run("show", "AzureML-PyTorch-1.6-GPX", code=2).err, "did you mean 'AzureML-PyTorch-1.6-GPU'")
    contains(host.run("hash", "AzureML-Minimal:999", code=2).err, "has the versions")
    host.run("clone", "AzureML-Minimal", "pytorch-train")
    contains(host.run("show", "pytorch-trian", code=2).err, "did you mean 'pytorch-train'")
    contains(host.run("hash", "pytorch-train:7", code=2).err, "it has 1")
    contains(host.run("hash", "x" * 300, code=2).err, "255")
    contains(host.run("lookup", "some name", code=2).err, "some name")


def test_a_list_without_the_registry_is_not_whole(host):
    host.env["ENVBUILD_REGISTRY"] = "127.0.0.1:1/team/envs"
    half = host.run("list", code=4)
    contains(half.out, "AzureML-Minimal")
    contains(half.err, "not whole")
    contains(host.run("list", "--curated").out, "AzureML-Minimal")


def test_check_takes_what_build_takes(host):
    contains(host.run("check", "AzureML-Minimal").out, "AzureML-Minimal:", "0 errors")
    definition(host, "own", name="own", python={"condaDependenciesFile": "conda_dependencies.yml"})
    host.write("own/conda_dependencies.yml", "dependencies: ['numpy >>1']\n")
    contains(host.run("check", "own", code=2).out, "numpy >>1")
    os.makedirs(os.path.join(host.directory, "empty"))
    contains(host.run("check", "empty", code=2).err, "azureml_environment.json", "NAME:VERSION")


def test_check_counts_what_the_definition_is_warned_of(host):
    host.write("own/conda_dependencies.yml", CONDA)
    definition(host, "own", name="own", python={"condaDependenciesFile": "conda_dependencies.yml"}, colour="blue")
    report = host.run("check", "own", "--json").json
    check(len([one for one in report["diagnostics"] if "colour" in one["message"]]) == 1, report)
    contains(host.run("check", "own").out, "1 warning")
    contains(host.run("hash", "own").err, "colour")


def test_links_out_of_a_definition(host):
    host.write("env.yml", CONDA)
    definition(host, "own", name="own", python={"condaDependenciesFile": "conda_dependencies.yml"})
    os.symlink("../env.yml", os.path.join(host.directory, "own/conda_dependencies.yml"))
    for command in (["hash", "own"], ["lock", "own"], ["register", "own", "--name", "own"], ["save", "own", "-o", "copy"]):
        contains(host.run(*command, code=2).err, "conda_dependencies.yml", "leads out of the definition's folder")
    contains(str(host.run("check", "own", code=2)), "leads out of the definition's folder")
    check(host.tags() == [] and not os.path.exists(os.path.join(host.directory, "copy")))
    # One that stays is followed.
    host.write("own/real.yml", CONDA)
    os.remove(os.path.join(host.directory, "own/conda_dependencies.yml"))
    os.symlink("real.yml", os.path.join(host.directory, "own/conda_dependencies.yml"))
    host.run("hash", "own")


def test_options_without_a_value(host):
    host.write("env.yml", CONDA)
    for options in (["--name", ""], ["--name", "x", "--version", ""], ["--name", "x", "--label", ""], ["--name", "x", "--image", ""]):
        contains(host.run("register", "env.yml", *options, code=2).err, options[-2])
    contains(host.run("save", "env.yml", "-o", "", code=2).err, "output")
    check(host.tags() == [])


def test_repositories_that_are_none(host):
    # A web server, and no git repository there.
    definition(host, "own", docker={"buildContext": {"locationType": "git", "location": f"{host.site.index}/none.git#main"}})
    contains(host.run("hash", "own", code=2).err, "none.git", "is the URL right")
    for location in ("https://git.lab/a.git?private_token=hunter2", "git@git.lab:team/a.git"):
        definition(host, "own", docker={"buildContext": {"locationType": "git", "location": location}})
        refused = host.run("hash", "own", code=2).err
        lacks(refused, "hunter2")
        contains(refused, "credential in its query" if "?" in location else "ssh://git@git.lab/team/a.git")
    host.write("env.yml", "dependencies: [python=3.11, pip, {pip: ['git+https://git.lab/a.git?private_token=hunter2@v1']}]\n")
    refused = host.run("hash", "env.yml", code=2).err
    contains(refused, "env.yml:1", "${TOKEN}")
    lacks(refused, "hunter2")


def test_a_curated_repository_that_is_none_is_named(host):
    refused = host.run("list", env={"ENVBUILD_CURATED_REPOSITORY": "not a repository"}, code=None)
    check(refused.code != 0, refused)
    contains(refused.err, "not a repository", "ENVBUILD_CURATED_REPOSITORY")


def test_a_name_whose_versions_are_all_archived_can_be_built(host):
    host.run("clone", "AzureML-Minimal", "old")
    host.run("archive", "old:1")
    contains(host.run("hash", "old").err, "old:1 is archived")


def test_a_context_with_a_name_that_no_archive_takes(host):
    own_context(host, "own")
    host.write("own/ctx/new\nline", "x")
    for command in (["hash", "own"], ["register", "own", "--name", "own"]):
        contains(host.run(*command, code=2).err, "control character")
    check(host.tags() == [])


def test_what_no_image_is_built_for_and_what_says_its_own_python(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11]\n")
    for platform in ("win-64", "osx-arm64"):
        for command in (["save", "env.yml", "-o", "saved"], ["register", "env.yml", "--name", "mine"], ["hash", "env.yml"],
                        ["lookup", "env.yml"], ["build", "env.yml"]):
            contains(host.run(*command, "--platform", platform, code=2).err, platform, "linux-64")
    contains(host.run("save", "env.yml", "--python", "3.9", "-o", "saved", code=2).err, "--python", "env.yml")
    check(not (host.directory / "saved").exists() and host.tags() == [], host.tags())
