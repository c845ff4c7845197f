"""One intent, however it is written, is one hash and one build; what the hash and check commands say of a file."""

import hashlib
import json
import re
import subprocess

from harness import check, contains, lacks

HEX = re.compile(r"[0-9a-f]{64}")

PLAIN = """\
name: train
channels:
  - conda-forge
dependencies:
  - zlib=1.2.13
  - bzip2>=1.0.6,<2
  - nomkl
variables:
  GREETING: hello
"""

# Nineteen other ways to write it.
SAME = {
    "order": "variables:\n  GREETING: hello\ndependencies:\n  - nomkl\n  - zlib=1.2.13\n  - bzip2>=1.0.6,<2\nchannels:\n  - conda-forge\n",
    "comments": "# ours\n" + PLAIN.replace("nomkl\n", "nomkl  # no MKL\n") + "\n# end\n",
    "flow": "{channels: [conda-forge], dependencies: [zlib=1.2.13, 'bzip2>=1.0.6,<2', nomkl], variables: {GREETING: hello}}\n",
    "json": json.dumps({"channels": ["conda-forge"], "dependencies": ["zlib=1.2.13", "bzip2>=1.0.6,<2", "nomkl"], "variables": {"GREETING": "hello"}}),
    "crlf": PLAIN.replace("\n", "\r\n"),
    "bom": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf16le": b"\xff\xfe" + PLAIN.encode("utf-16-le"),
    "utf16be": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "renamed": PLAIN.replace("name: train", "name: other"),
    "nameless": PLAIN.replace("name: train\n", ""),
    "prefix": PLAIN + "prefix: /home/me/miniconda3/envs/train\n",
    "anchors": PLAIN.replace("- conda-forge", "- &forge conda-forge\n  - *forge"),
    "spaces": PLAIN.replace("zlib=1.2.13", "zlib 1.2.13.*").replace("bzip2>=1.0.6,<2", "bzip2  >=1.0.6, <2"),
    "condition-order": PLAIN.replace(">=1.0.6,<2", "<2,>=1.0.6"),
    "brackets": PLAIN.replace("zlib=1.2.13", "\"zlib[version='1.2.13.*']\""),
    "capitals": PLAIN.replace("zlib", "ZLib"),
    "repeated": PLAIN.replace("- nomkl", "- nomkl\n  - nomkl"),
    "channel-url": PLAIN.replace("- conda-forge", "- https://conda.anaconda.org/conda-forge/\n  - nodefaults"),
    "quotes": PLAIN.replace("zlib=1.2.13", '"zlib=1.2.13"').replace("hello", "'hello'"),
}


def test_twenty_copies_of_one_intent_are_one_build(host):
    check(len(SAME) == 19)
    host.share_cache()
    host.write("env.yml", PLAIN)
    hashes = {host.run("hash", "env.yml").line}
    first = host.run("env.yml", "--json").json
    check(first["cache"] == "miss", first)
    host.site.reset()
    for name, text in SAME.items():
        host.write(f"{name}.yml", text)
        answer = host.run(f"{name}.yml", "--json", env={"DOCKER_HOST": "unix:///nonexistent"}).json
        check(answer["cache"] == "hit" and answer["image"] == first["image"], f"{name}: {answer}")
        hashes.add(answer["spec_hash"])
    check(hashes == {first["spec_hash"]}, hashes)
    check(host.site.requests() == 0, host.site.request_log())


def test_what_is_another_intent_has_another_hash(host):
    other = {
        "pin": PLAIN.replace("1.2.13", "1.2.12"),
        "exact": PLAIN.replace("zlib=", "zlib=="),
        "channel-order": PLAIN.replace("- conda-forge", "- conda-forge\n  - pytorch"),
        "channel-order-2": PLAIN.replace("- conda-forge", "- pytorch\n  - conda-forge"),
        "variable": PLAIN.replace("hello", "Hello"),
        "further": PLAIN.replace("- nomkl", "- nomkl\n  - gzip"),
    }
    hashes = set()
    for name, text in {"plain": PLAIN, **other}.items():
        host.write(f"{name}.yml", text)
        hashes.add(host.run("hash", f"{name}.yml").line)
    host.write("env.yml", PLAIN)
    for options in (["--gpu"], ["--gpu", "--cuda", "11.8"], ["--base", "debian:bookworm-slim"], ["--platform", "linux-aarch64"],
                    ["--env", "A=1"], ["--channel", "nvidia"], ["--target-cuda", "12.4", "--gpu"], ["--target-cpu", "x86_64_v3"]):
        hashes.add(host.run("hash", "env.yml", *options).line)
    check(len(hashes) == 15 and all(HEX.fullmatch(h) for h in hashes), hashes)


def test_canonical_form_is_what_is_hashed(host):
    host.write("env.yml", PLAIN)
    canonical = host.run("hash", "env.yml", "--canonical").line
    check(hashlib.sha256(canonical.encode()).hexdigest() == host.run("hash", "env.yml").line, canonical)
    spec = json.loads(canonical)
    check(spec["conda"] == ["bzip2 <2,>=1.0.6", "nomkl", "zlib 1.2.13.*"] and spec["variables"] == {"GREETING": "hello"}, canonical)
    answer = host.run("hash", "env.yml", "--json").json
    check(answer["canonical"] == spec and HEX.fullmatch(answer["spec_hash"]), answer)


def test_standard_input_and_requirements(host):
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [six==1.16.0, 'tabulate<1']]\n")
    expected = host.run("hash", "env.yml").line
    check(host.run("hash", "-", stdin=(host.directory / "env.yml").read_text()).line == expected)
    host.write("requirements.txt", "-r more/others.txt\nSix == 1.16.0  # pinned\n")
    host.write("more/others.txt", "tabulate < 1\n")
    check(host.run("hash", "requirements.txt", "--python", "3.11").line == expected)
    # A constraint is part of the intent, and so is what the file that holds it says.
    host.write("requirements.txt", "-c limits.txt\nsix==1.16.0\ntabulate<1\n")
    host.write("limits.txt", "tabulate<0.9\n")
    constrained = host.run("hash", "requirements.txt", "--python", "3.11").line
    host.write("limits.txt", "tabulate<0.8.9\n")
    check(len({expected, constrained, host.run("hash", "requirements.txt", "--python", "3.11").line}) == 3)
    without = host.run("hash", "requirements.txt", code=2)
    contains(without.err, "--python")


def test_a_pipe_is_a_file(host):
    host.write("env.yml", PLAIN)
    expected = host.run("hash", "env.yml").line
    typed = subprocess.run(["bash", "-c", f"{host.program} hash <(sed s/train/eval/ env.yml)"], cwd=host.directory, env=host.env, capture_output=True, text=True)
    check(typed.stdout.strip() == expected, typed.stderr)


def test_requirements_become_an_image(host):
    host.share_cache()
    host.write("requirements.txt", "six\ntabulate==0.8.9\n-c limits.txt\n")
    host.write("limits.txt", "six<1.17\n")
    answer = host.run("requirements.txt", "--python", "3.11", "--json").json
    script = "import six, tabulate, importlib.metadata as m; print(six.__version__, m.version('tabulate'))"
    check(host.site.run_in(answer["image"], "python", "-c", script).split() == ["1.16.0", "0.8.9"])
    contains(host.site.run_in(answer["image"], "tabulate", "--help"), "tabulate")


def test_selectors_platforms_and_variables(host):
    host.write("sel.yml", "channels: [conda-forge]\ndependencies: [sel(linux): zlib, sel(win): vs2019, sel(unix): nomkl]\n")
    host.write("plain.yml", "channels: [conda-forge]\ndependencies: [zlib, nomkl]\n")
    check(host.run("hash", "sel.yml").line == host.run("hash", "plain.yml").line)
    host.write("two.yml", "channels: [conda-forge]\nplatforms: [linux-64, osx-arm64]\ndependencies: [zlib, nomkl]\n")
    check(host.run("hash", "two.yml").line == host.run("hash", "plain.yml").line)
    host.write("mac.yml", "channels: [conda-forge]\nplatforms: [osx-arm64]\ndependencies: [zlib]\n")
    contains(host.run("hash", "mac.yml", code=2).err, "linux-64", "osx-arm64", "--platform")
    # A variable of the user's environment is part of the file once it is expanded, and must be set.
    host.write("var.yml", "channels: ['${FORGE}']\ndependencies: [zlib, nomkl]\n")
    check(host.run("hash", "var.yml", env={"FORGE": "conda-forge"}).line == host.run("hash", "plain.yml").line)
    contains(host.run("hash", "var.yml", code=2).err, "FORGE", "var.yml:1:")


def test_check_tells_what_is_wrong_and_what_is_risky(host):
    host.write("good.yml", PLAIN)
    good = host.run("check", "good.yml")
    contains(good.out, "0 errors")
    host.write("bad.yml", "channels: [conda-forge]\ndependencies:\n  - numpy >= 1.19 <\n  - 'zlib[version'\n")
    bad = host.run("check", "bad.yml", code=2)
    contains(bad.out, "bad.yml:3:", "bad.yml:4:", "error")
    report = host.run("check", "bad.yml", "--json", code=2).json
    check(report["errors"] >= 2 and report["spec_hash"] is None, report)
    check({d["line"] for d in report["diagnostics"] if d["severity"] == "error"} == {3, 4}, report)
    host.write("risky.yml", "channel: [conda-forge]\ndependencies: [python]\n")
    risky = host.run("check", "risky.yml", "--json").json
    check(risky["errors"] == 0 and risky["warnings"] >= 1 and HEX.fullmatch(risky["spec_hash"]), risky)
    contains(json.dumps(risky["diagnostics"]), "channels")
    lacks(good.out, "error:")
