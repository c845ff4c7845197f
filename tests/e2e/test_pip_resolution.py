"""pip's half resolved by envbuild itself: the same files as pip would take, without a container."""

import base64
import hashlib
import json
import os
import re
import time
import zipfile

from harness import check, contains, lacks
from test_pip_sources import environment, served

# An engine that is not there: whoever needs one fails.
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def wheel(folder, name, version, requires=(), extras=(), tag="py3-none-any"):
    """A wheel of pure Python with this metadata."""
    stem = f"{name.replace('-', '_')}-{version}"
    lines = [f"Requires-Dist: {r}" for r in requires] + [f"Provides-Extra: {e}" for e in extras]
    files = {f"{name.replace('-', '_')}.py": f"version = {version!r}\n",
             f"{stem}.dist-info/METADATA": "\n".join([f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *lines]) + "\n",
             f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"}
    record = "".join(f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
                     for path, text in files.items()) + f"{stem}.dist-info/RECORD,,\n"
    path = folder / f"{stem}-{tag}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{stem}.dist-info/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file, (2020, 1, 1, 0, 0, 0)), text)
    return path


def write_index(host, projects, folder="index"):
    """PEP 503 pages of {project: [(file, attributes)]}; a file is one that lies in the project's folder."""
    for project, files in projects.items():
        links = "".join(f'<a href="{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"{more}>{path.name}</a>\n' for path, more in files)
        host.write(f"{folder}/{project}/index.html", f"<!DOCTYPE html><html><body>{links}</body></html>")
    return host.directory / folder


def made_index(host):
    """Extras, markers, pre-releases, yanked files, dead ends, tags and a source archive that is no good."""
    root = host.directory / "index"
    offers = {
        "app": [("1.0", {"requires": ["lib"]}, ""), ("2.0", {"requires": ["lib<2", "tool[fast]; python_version>='3'"]}, ""),
                ("3.0", {"requires": ["lib==9"]}, ""), ("4.0rc1", {}, "")],
        "lib": [("1.0", {}, ""), ("1.5", {"requires": ["nothing; sys_platform=='win32'"]}, ""), ("2.0", {}, "")],
        "tool": [("1.0", {"requires": ["speed>=1; extra=='fast'", "slow; extra=='slow'"], "extras": ["fast", "slow"]}, "")],
        "speed": [("1.0", {}, ""), ("1.1", {}, ' data-yanked="broken"'), ("2.0", {}, ' data-requires-python="&gt;=3.12"')],
        "slow": [("1.0", {}, "")],
        "only-pre": [("1.0b1", {}, ""), ("1.0b2", {}, "")],
        "tagged": [("1.0", {"tag": "cp311-cp311-manylinux_2_17_x86_64"}, ""), ("1.0", {"tag": "cp311-abi3-manylinux_2_5_x86_64"}, ""), ("1.0", {}, ""),
                   ("1.1", {"tag": "cp312-cp312-manylinux_2_17_x86_64"}, "")],
        "mixed": [("1.0", {}, "")],
        "local": [("1.0", {}, ""), ("1.0+cpu", {}, ""), ("1.0+cu118", {}, ""), ("1.0+cu121", {}, "")],
    }
    projects = {}
    for name, versions in offers.items():
        projects[name] = [(wheel(root / name, name, version, **more), attributes) for version, more, attributes in versions]
    broken = host.write("index/lib/lib-0.5.tar.gz", b"no archive at all")
    projects["lib"].append((broken, ""))
    projects["mixed"].append((host.write("index/mixed/mixed-2.0.tar.gz", b"no archive at all"), ""))
    links = "".join(f'<a href="../{path.parent.name}/{path.name}">{path.name}</a>\n' for path, _ in projects["lib"] + projects["slow"] if path.suffix == ".whl")
    host.write("index/links/index.html", f"<!DOCTYPE html><html><body>{links}</body></html>")
    return write_index(host, projects)


def locked(host, text, *options, env=None):
    """{(name, version, sha256)} of pip's half, and what was said."""
    host.write("env.yml", text)
    result = host.run("lock", "env.yml", "-o", "out.yml", *options, env=env)
    entries = re.findall(r"- name: (\S+)\n  version: (\S+)\n(?:  .*\n)*?  manager: pip\n(?:  .*\n)*?    sha256: '?(\w+)", (host.directory / "out.yml").read_text())
    return {(name, version.strip("'\""), sha256) for name, version, sha256 in entries}, result


def python_image(host):
    host.write("python.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip]\n")
    return host.run("build", "python.yml", "--json").json["image"]


def chosen_by_pip(host, image, index, lines):
    report = host.site.docker("run", "--rm", "--network", "host", image, "python", "-m", "pip", "install", "--dry-run", "--quiet", "--no-cache-dir",
                              "--root-user-action=ignore", "--disable-pip-version-check", "--report", "-", "--index-url", index, "--trusted-host", "127.0.0.1", *lines)
    items = json.loads(report.stdout)["install"]
    return {(re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(), item["metadata"]["version"], item["download_info"]["archive_info"]["hash"].removeprefix("sha256="))
            for item in items}


def agree(host, image, index, lines):
    ours, said = locked(host, environment(f"--index-url {index}", *lines), env=NO_ENGINE)
    lacks(said.err, "in a container")
    theirs = chosen_by_pip(host, image, index, lines)
    check(ours and ours == theirs, f"{lines}: {sorted(ours)}\npip: {sorted(theirs)}")


def test_pip_takes_the_same_files_of_the_site(host):
    host.share_cache()
    image = python_image(host)
    for lines in (["six"], ["requests", "tqdm", "PyYAML"], ["torchvision", "future==0.18.2", "pillow<9.4"], ["requests<2.28", "urllib3<1.26.12", "tabulate!=0.8.9"],
                  ["Typing.Extensions~=4.3.0", "markdown>=3", "click; python_version<'3'"]):
        agree(host, image, host.site.index, lines)


def test_pip_takes_the_same_files_of_an_index_with_traps(host):
    host.share_cache()
    image = python_image(host)
    with served(made_index(host)) as (address, _):
        for lines in (["app"], ["app", "lib"], ["app", "lib>=2"], ["tool[fast,slow]"], ["speed==1.1"], ["only-pre"], ["app>=4.0rc1"], ["--pre", "app"], ["tagged"],
                      ["local"], ["local==1.0+cpu"], ["app<2", "lib!=2.0", "only-pre"], ["mixed<2"], ["--prefer-binary", "mixed"], ["--only-binary=:all:", "mixed"],
                      [f"--extra-index-url={host.site.index}", "app", "requests"],
                      # Of a page that gives no hashes.
                      ["--no-index", f"--find-links=http://{address}/links/", "lib<2", "slow"]):
            agree(host, image, f"http://{address}", lines)


def test_wheels_by_url_and_path(host):
    host.share_cache()
    index = made_index(host)
    path = wheel(host.directory / "wheels", "mine", "0.1+here", ["lib<2"])
    other = wheel(host.directory / "wheels", "theirs", "7.0", ["tool[slow]"], tag="cp311-cp311-linux_x86_64")
    with served(host.directory) as (address, asked):
        text = environment(f"--index-url http://{address}/index", "./wheels/" + path.name, f"theirs @ http://{address}/wheels/{other.name}", "theirs>=7")
        found, _ = locked(host, text, env=NO_ENGINE)
        versions = {name: version for name, version, _ in found}
        check(versions == {"mine": "0.1+here", "theirs": "7.0", "lib": "1.5", "tool": "1.0", "slow": "1.0"}, versions)
        # Metadata comes from the wheels that were considered and from no other.
        check(not any("lib-2.0" in asked_path for asked_path, _ in asked), asked)
        built = host.run("build", "env.yml", "--json").json["image"]
        said = host.site.run_in(built, "python", "-c", "import mine, theirs, lib; print(mine.version, theirs.version, lib.version)")
        check(said.split() == ["0.1+here", "7.0", "1.5"], said)
        bad = wheel(host.directory / "wheels", "win", "1.0", tag="cp311-cp311-win_amd64")
        host.write("env.yml", environment(f"http://{address}/wheels/{bad.name}"))
        contains(host.run("lock", "env.yml", code=5).err, "not for the target", "win_amd64")
        host.write("env.yml", environment(f"theirs @ http://{address}/wheels/{other.name} --hash=sha256:{'0' * 64}"))
        host.run("lock", "env.yml", code=8)


def test_what_conda_provides_is_left_alone(host):
    host.share_cache()
    host.site.reset()
    text = "channels: [conda-forge]\ndependencies: [python=3.11, pip, numpy=1.23, pytorch, pip: ['torchvision<1', numpy, torch]]\n"
    found, _ = locked(host, text, env=NO_ENGINE)
    names = {name for name, _, _ in found}
    check("torchvision" in names and not names & {"numpy", "torch", "typing-extensions"}, names)
    check(not any("/pypi/simple/numpy" in r["path"] or "/pypi/simple/torch/" in r["path"] for r in host.site.request_log()), host.site.request_log())
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, numpy=1.23, pip: ['numpy>=1.24']]\n")
    refused = host.run("lock", "env.yml", "--json", code=5)
    contains(refused.err, "'numpy>=1.24' cannot be installed", "conda's numpy is 1.23.5, and stays")
    contains(refused.out, '"explanation"', "numpy>=1.24")


def test_the_build_for_the_bases_cuda(host):
    host.share_cache()
    with served(made_index(host)) as (address, _):
        text = environment(f"--index-url http://{address}", "local")
        gpu, _ = locked(host, text, "--gpu", "--cuda", "11.8", env=NO_ENGINE)
        check({version for _, version, _ in gpu} == {"1.0+cu118"}, gpu)
        cpu = [path for path in (host.directory / "index/local").glob("*.whl") if "cpu" in path.name]
        write_index(host, {"local": [(path, "") for path in cpu]})
        # To the server's clock of seconds it may be the same page.
        os.utime(host.directory / "index/local/index.html", (time.time() + 5, time.time() + 5))
        refused = host.run("lock", "env.yml", "--gpu", "--cuda", "11.8", "--refresh", code=5)
        contains(refused.err, "local 1.0+cpu is a CPU build", "--extra-index-url", "local==1.0+cpu")
        named, _ = locked(host, environment(f"--index-url http://{address}", "local==1.0+cpu"), "--gpu", "--cuda", "11.8", env=NO_ENGINE)
        check({version for _, version, _ in named} == {"1.0+cpu"}, named)


def test_conflicts_and_bad_indexes_are_said(host):
    host.share_cache()
    with served(made_index(host)) as (address, _):
        index = f"--index-url http://{address}"
        host.write("env.yml", environment(index, "app==2.0", "lib>=2", "slow"))
        said = host.run("lock", "env.yml", code=5).err
        contains(said, "'app==2.0' and 'lib>=2' cannot be had together", "app 2.0 needs lib<2")
        lacks(said, "slow")
        host.write("env.yml", environment(index, "tagged>=1.1"))
        contains(host.run("lock", "env.yml", code=5).err, "no wheel of 'tagged>=1.1' fits the target", "cp312-cp312-manylinux_2_17_x86_64")
        host.write("env.yml", environment(index, "speed==2.0"))
        contains(host.run("lock", "env.yml", code=5).err, "3.12")
        # One file name with two contents.
        wheel(host.directory / "other/slow", "slow", "1.0", ["lib"])
        other = host.directory / "other"
        write_index(host, {"slow": [(path, "") for path in (other / "slow").glob("*.whl")]}, "other")
        with served(other) as (second, _):
            host.write("env.yml", environment(index, f"--extra-index-url http://{second}", "slow"))
            contains(host.run("lock", "env.yml", code=8).err, "slow-1.0-py3-none-any.whl is offered by", second)
    host.write("env.yml", environment(index, "slow"))
    contains(host.run("lock", "env.yml", "--refresh", code=4).err, address)
    host.write("login/app/index.html", "<html><body><form>Please sign in</form></body></html>")
    with served(host.directory / "login") as (address, _):
        host.write("env.yml", environment(f"--index-url http://{address}", "app"))
        contains(host.run("lock", "env.yml", code=8).err, f"{address}/app/")


def test_a_source_archive_falls_back_to_pip(host):
    host.share_cache()
    _, said = locked(host, environment("hello-sdist", "six"))
    contains(said.err, "in a container: hello-sdist 1.0 is a source archive")
