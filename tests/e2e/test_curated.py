"""The curated set against the site: those that it can satisfy resolve, are built, and pass their import test in the container."""

import json
import pathlib
import shutil

from harness import check, contains, lacks

SHARE = pathlib.Path(__file__).resolve().parent.parent.parent
# What the site's channel and registry can satisfy.
SATISFIED = ["AzureML-Minimal", "AzureML-PyTorch-1.13-CPU", "AzureML-PyTorch-1.13-GPU"]

ENVIRONMENT = """\
name: {name}
description: of a test
tags: {{accelerator: cpu, python: "3.11", os: debian12}}
test: test.py
versions:
  - {{version: 1, image: "{image}", conda_file: conda.yml, status: {status}, note: of a test, source: a test, date: "2026-11-23"}}
"""


class Share:
    """A share folder with templates, the catalogue, and curated environments of a test's own."""

    def __init__(self, host, *images):
        self.host, self.path = host, host.directory / "share"
        shutil.copytree(SHARE / "templates", self.path / "templates")
        for name in ("base-images.yaml", "cuda-compat.yaml"):
            (self.path / "curated").mkdir(exist_ok=True)
            shutil.copy(SHARE / "curated" / name, self.path / "curated" / name)
        with (self.path / "curated/base-images.yaml").open("a") as catalogue:
            for image in images:
                catalogue.write(f'  - {{image: "{image}", os: debian12, glibc: "2.36", platforms: [linux-64], source: a test, date: "2026-11-23"}}\n')

    def add(self, name, image="docker.io/library/ubuntu:22.04", status="current", dependencies="[python=3.11]", text=None):
        folder = self.path / "curated/environments" / name
        folder.mkdir(parents=True)
        (folder / "environment.yaml").write_text(text or ENVIRONMENT.format(name=name, image=image, status=status))
        (folder / "conda.yml").write_text(f"channels: [conda-forge]\ndependencies: {dependencies}\n")
        (folder / "test.py").write_text("import sys\n")
        return self

    def check(self, *arguments, code):
        found = self.host.run("curated", "check", "--json", *arguments, env={"ENVBUILD_SHARE_DIR": str(self.path)}, code=code).json
        return {entry["name"]: entry for entry in found["checked"]}


def import_test(name):
    return (SHARE / "curated/environments" / name / "test.py").read_text()


def test_the_whole_set_is_read_without_asking_anybody(host):
    result = host.run("curated", "check", "--parse-only", env={"DOCKER_HOST": "unix:///none", "ENVBUILD_REGISTRY": "127.0.0.1:1/none"})
    rows = [line.split() for line in result.out.splitlines()]
    check(len(rows) > 70, result)
    check(["AzureML-PyTorch-1.6-GPU", "4", "unsatisfiable", "parses"] in [row[:4] for row in rows], result)
    # What contradicts its base image is found without a resolver.
    check(["AzureML-TensorFlow-2.1-GPU", "12", "unsatisfiable", "refused"] in [row[:4] for row in rows], result)
    names = [row[0] for row in rows]
    check(names.index("AzureML-PyTorch-1.6-CPU") < names.index("AzureML-PyTorch-1.13-CPU"), names)
    check(host.site.requests() == 0, host.site.request_log())
    check(result.err == "", result)


def test_what_the_site_can_satisfy_resolves(host):
    host.share_cache()
    found = host.run("curated", "check", "--json", "azureml-minimal:37", *SATISFIED[1:]).json
    check([entry["name"] for entry in found["checked"]] == SATISFIED, found)
    check(found["versions"] == 3 and found["wrong"] == 0 and found["unknown"] == 0, found)
    for entry in found["checked"]:
        check(entry["result"] == "resolves" and entry["status"] == "current", entry)
        contains(entry["detail"], "conda packages")
        check(len(entry["spec_hash"]) == 64, entry)
    check(host.tags() == [], "a check builds nothing")


def test_each_is_built_by_name_and_passes_its_import_test(host):
    host.share_cache()
    checked = host.run("curated", "check", "--parse-only", "--json").json["checked"]
    for name in SATISFIED:
        # The last entry is the latest version: it is what the name alone means.
        spec_hash = [entry["spec_hash"] for entry in checked if entry["name"] == name][-1]
        check(host.run("hash", name).line == spec_hash, name)
        image = host.run(name).line
        output = host.site.run_in(image, "python", "-c", import_test(name))
        contains(output, "python 3.11")
        if "PyTorch" not in name:
            continue
        contains(output, "torch 1.13", "numpy 1.24")
        # The test can fail: it tells one build from the other.
        other = import_test(SATISFIED[2] if name == SATISFIED[1] else SATISFIED[1])
        other = "\n".join(line for line in other.splitlines() if "torchvision" not in line)
        result = host.site.docker("run", "--rm", "--network", "none", image, "python", "-c", other, check=False)
        check(result.returncode == 1, result)
        contains(result.stderr, "pytorch is a build")


def test_what_is_not_as_marked(host):
    host.share_cache()
    share = Share(host)
    share.add("Fine").add("Marked", status="unsatisfiable", dependencies="[conflict-demo, conflict-demo-other]")
    found = share.check(code=0)
    check({name: entry["result"] for name, entry in found.items()} == {"Fine": "resolves", "Marked": "refused"}, found)

    share.add("Unmarked", dependencies="[conflict-demo, conflict-demo-other]")
    found = share.check(code=5)
    check(found["Unmarked"]["result"] == "wrong", found)
    contains(found["Unmarked"]["error"], "conflict-demo")

    share.add("Overmarked", status="unsatisfiable")
    share.add("Broken", text="name: Broken\ndescripton: none\n")
    found = share.check(code=2)
    check(found["Overmarked"]["result"] == "wrong" and "resolves" in found["Overmarked"]["error"], found)
    check(found["Broken"]["result"] == "wrong" and found["Broken"]["version"] is None, found)
    contains(found["Broken"]["error"], "Broken/environment.yaml:2:1", "did you mean 'description'?")
    check(found["Fine"]["result"] == "resolves", found)

    result = host.run("curated", "check", "Broken", env={"ENVBUILD_SHARE_DIR": str(share.path)}, code=2)
    contains(result.err, "error:", "while checking Broken")
    lacks(result.out, "Fine")


def test_base_images_that_are_gone_or_unknown(host):
    host.share_cache()
    gone, unreachable = f"{host.site.registry}/no/such/image:1", "127.0.0.1:1/base:1"
    share = Share(host, gone, unreachable)
    share.add("Old", image=gone, status="deprecated")
    found = share.check(code=0)
    check(found["Old"]["result"] == "gone", found)
    share.add("Far", image=unreachable).add("Farther", image=unreachable)
    found = share.check(code=4)
    for name in ("Far", "Farther"):
        check(found[name]["result"] == "unknown", found)
        contains(found[name]["error"], "127.0.0.1:1")
    share.add("New", image=gone)
    found = share.check(code=2)
    check(found["New"]["result"] == "wrong", found)
    contains(found["New"]["error"], gone)
    share.add("Stranger", image="docker.io/library/stranger:1")
    contains(share.check("Stranger", "--parse-only", code=2)["Stranger"]["error"], "base-images.yaml")


def test_names_that_are_not_there(host):
    result = host.run("curated", "check", "AzureML-PyTorch-1.31-CPU", code=2)
    contains(result.err, "AzureML-PyTorch-1.31-CPU", "did you mean 'AzureML-PyTorch-1.")
    result = host.run("curated", "check", "AzureML-Minimal:99", code=2)
    contains(result.err, "no version '99'", "36, 37")
    check(json.loads(host.run("curated", "check", "--parse-only", "--json", "AzureML-Minimal").out)["versions"] == 2)


def test_publishing_and_reading_what_was_published(host):
    names = ["AzureML-Minimal", "AzureML-PyTorch-1.6-GPU"]
    first = host.run("curated", "publish", *names)
    check(first.out.split() == ["AzureML-Minimal:36", "AzureML-Minimal:37", "AzureML-PyTorch-1.6-GPU:4", "AzureML-PyTorch-1.6-GPU:5"], first)
    tags = host.tags()
    again = host.run("curated", "publish", *names)
    check(again.out == "" and host.tags() == tags, again)

    # A machine that has no curated set of its own reads the same.
    other = host.second()
    bare = Share(other)
    for reference in ("AzureML-Minimal", "AzureML-PyTorch-1.6-GPU:4"):
        theirs = other.run("hash", reference, env={"ENVBUILD_SHARE_DIR": str(bare.path)}).line
        check(theirs == host.run("hash", reference).line, reference)

    # A version never changes, and a broken set is not published in part.
    share = Share(host).add("AzureML-Minimal", text=ENVIRONMENT.format(name="AzureML-Minimal", image="docker.io/library/ubuntu:22.04", status="current").replace("version: 1,", "version: 37,"))
    environment = {"ENVBUILD_SHARE_DIR": str(share.path)}
    contains(host.run("curated", "publish", env=environment, code=2).err, "AzureML-Minimal", "37")
    share.add("AzureML-Broken", text="name: AzureML-Broken\ndescripton: none\n").add("AzureML-Aaa")
    result = host.run("curated", "publish", env=environment, code=2)
    contains(result.err, "AzureML-Broken/environment.yaml:2:1")
    check(host.tags() == tags, result)


def test_curated_names_have_a_repository_of_their_own(host):
    curated = f"{host.site.registry}/{host.repository}-curated"
    own = host.env["ENVBUILD_REGISTRY"]
    host.env["ENVBUILD_CURATED_REPOSITORY"] = curated
    # The team's set: one that comes with envbuild too, in another version, and one that does not.
    share = Share(host).add("AzureML-Minimal", text=ENVIRONMENT.format(name="AzureML-Minimal", image="docker.io/library/ubuntu:22.04", status="current").replace("version: 1,", "version: 99,"))
    share.add("AzureML-Team")
    published = host.run("curated", "publish", env={"ENVBUILD_SHARE_DIR": str(share.path)})
    check(published.out.split() == ["AzureML-Minimal:99", "AzureML-Team:1"], published)
    check(host.tags() == [], "nothing goes to the team's own repository")

    host.write("one.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    host.run("register", "one.yml", "--name", "train")
    theirs = host.run("hash", "AzureML-Minimal", env={"ENVBUILD_SHARE_DIR": str(share.path), "ENVBUILD_CURATED_REPOSITORY": ""}).line
    check(host.run("hash", "azureml-minimal").line == theirs, "the published one comes before that of envbuild")
    contains(host.run("show", "AzureML-Team").out, "AzureML-Team:1")
    contains(host.run("hash", "AzureML-Minimal:37", code=2).err, "99")
    # What is not published there still comes with envbuild.
    contains(host.run("show", "AzureML-PyTorch-1.13-CPU").out, "AzureML-PyTorch-1.13-CPU:")
    listed = host.run("list", "--json").json["environments"]
    names = [entry["name"] for entry in listed]
    check(len(names) == len(set(names)) and names.count("AzureML-Minimal") == 1, names)
    of = {entry["name"]: entry for entry in listed}
    check(of["AzureML-Minimal"]["version"] == "99" and of["AzureML-Team"]["curated"] and not of["train"]["curated"], of)
    check(names.index("AzureML-Team") < names.index("train"), names)
    check("AzureML-Team" in [entry["name"] for entry in host.run("list", "--curated", "--json").json["environments"]])

    # Neither place gives what belongs to the other.
    bare = {"ENVBUILD_CURATED_REPOSITORY": ""}
    host.run("register", "one.yml", "--name", "stray", env={**bare, "ENVBUILD_REGISTRY": curated})
    share.add("AzureML-Fake")
    host.run("curated", "publish", "AzureML-Fake", "--registry", own, env={"ENVBUILD_SHARE_DIR": str(share.path)})
    result = host.run("list", "--json")
    names = [entry["name"] for entry in result.json["environments"]]
    check("stray" not in names and "AzureML-Fake" not in names, names)
    check(result.err.count("without a reserved prefix") == 1 and "stray" in result.err, result)
    host.run("hash", "stray", code=2)
    host.run("hash", "AzureML-Fake", code=2)
    lacks(host.run("hash", "train").err, "without a reserved prefix")
    # A curated name is not guessed when its repository cannot be asked; others are not kept up.
    down = {"ENVBUILD_CURATED_REPOSITORY": "127.0.0.1:1/none"}
    host.run("hash", "AzureML-Minimal", env=down, code=4)
    host.run("hash", "train", env=down)
    host.run("list", env=down, code=4)


def test_a_published_set_is_listed_once(host):
    host.run("curated", "publish", "AzureML-Minimal")
    names = [entry["name"] for entry in host.run("list", "minimal", "--json").json["environments"]]
    check(names == ["AzureML-Minimal"], names)
    # One that does not come with envbuild is listed from the repository, as what it is.
    share = Share(host).add("AzureML-Team", status="deprecated")
    host.run("curated", "publish", env={"ENVBUILD_SHARE_DIR": str(share.path)})
    listed = host.run("list", "team", "--json").json["environments"]
    check([(entry["name"], entry["curated"], entry["status"]) for entry in listed] == [("AzureML-Team", True, "deprecated")], listed)
    # Anybody could register versions of a name without a reserved prefix.
    share.add("Team")
    contains(host.run("curated", "publish", "Team", env={"ENVBUILD_SHARE_DIR": str(share.path)}, code=2).err, "Team has no reserved prefix")
