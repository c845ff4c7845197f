"""Files that cannot be built from: exit code 2, one message with file:line:column, nothing asked of anybody."""

import os

from harness import check, contains, lacks

HEAD = "channels: [conda-forge]\ndependencies:\n"

# What the file holds, where the message points, what it says.
FILES = {
    "tab": ("dependencies:\n\t- python\n", ":2:1:", ["tab"]),
    "unclosed": ("dependencies: [python, numpy\nchannels: [a]\n", ":2:", []),
    "unclosed-quote": ('dependencies:\n  - "python\n', ":", []),
    "indentation": ("dependencies:\n  - python\n - numpy\n", ":3:", []),
    "text": ("just words\n", ":1:1:", ["mapping"]),
    "empty": ("", ":1:1:", ["empty"]),
    "list": ("- python\n- numpy\n", ":1:1:", ["mapping"]),
    "dependencies-text": ("dependencies: python\n", ":1:15:", ["dependencies", "list"]),
    "dependencies-mapping": ("dependencies:\n  python: 3.11\n", ":2:3:", ["dependencies", "list"]),
    "channels-mapping": ("channels: {a: b}\ndependencies: [nomkl]\n", ":1:", ["channels"]),
    "dependency-list": (HEAD + "  - [python, numpy]\n", ":3:5:", []),
    "dependency-nothing": (HEAD + "  -\n", ":3:", []),
    "variables-list": (HEAD + "  - nomkl\nvariables: [A=1]\n", ":4:12:", ["variables"]),
    "variable-nested": (HEAD + "  - nomkl\nvariables: {A: {B: 1}}\n", ":4:16:", []),
    "pip-text": (HEAD + "  - pip: torch\n", ":3:10:", ["list"]),
    "pip-two": (HEAD + "  - pip: [six]\n  - conda: [six]\n", ":4:5:", ["conda"]),
    "duplicate-key": ("channels: [a]\ndependencies: [nomkl]\nchannels: [b]\n", ":3:1:", ["channels", "line 1"]),
    "cycle": ("dependencies: &a [*a]\n", ":1:", []),
    "unknown-alias": ("dependencies: [*np]\n", ":1:16:", ["np"]),
    "two-documents": ("dependencies: [nomkl]\n---\ndependencies: [zlib]\n", ":2:", ["document"]),
    "template": ("dependencies:\n  - python={{ version }}\n", ":2:", ["{{"]),
    "template-start": ("name: {{ name }}\ndependencies: [nomkl]\n", ":1:8:", ["{{"]),
    "merge-markers": ("dependencies:\n<<<<<<< HEAD\n  - numpy\n=======\n  - scipy\n>>>>>>> other\n", ":2:1:", ["merge"]),
    "spec-operator": (HEAD + "  - numpy >= 1.19 <\n", ":3:", ["numpy >= 1.19 <", "^"]),
    "spec-bracket": (HEAD + "  - numpy[version='1.2'\n", ":3:", ["^"]),
    "spec-name": (HEAD + "  - 'num py >=1 py38_0 more'\n", ":3:", ["^"]),
    "pip-specifier": (HEAD + "  - python\n  - pip: ['torch=1.13']\n", ":4:", ["torch=1.13"]),
    "control-character": (HEAD + '  - nomkl\nvariables: {A: "a\\u0007b"}\n', ":4:", ["A"]),
    "invalid-utf8": (b"dependencies:\n  - caf\xe9\n", ":2:", ["UTF-8"]),
    "nul": (b"dependencies:\n  - a\0b\n", ":2:", []),
    "unset-variable": (HEAD + "  - python\n  - pip: ['torch==${NO_SUCH_VERSION}']\n", ":4:", ["NO_SUCH_VERSION"]),
}


def test_files_that_cannot_be_built_from(host):
    wrong = []
    for name, (text, place, words) in FILES.items():
        host.write(f"{name}.yml", text)
        result = host.run(f"{name}.yml", code=None)
        if result.code != 2 or f"{name}.yml{place}" not in result.err or result.out or any(w not in result.err for w in words):
            wrong.append(f"{name}: wanted {place} {words}\n{result}")
    check(not wrong, "\n\n".join(wrong))
    check(host.site.requests() == 0 and not host.tags())


def test_bombs_and_giants(host):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)) + "dependencies: [nomkl]\n"
    host.write("bomb.yml", bomb)
    contains(host.run("bomb.yml", code=2).err, "bomb.yml:")
    host.write("deep.yml", "dependencies: " + "[" * 20000 + "]" * 20000)
    contains(host.run("deep.yml", code=2).err, "deep.yml:1:")
    with open(host.directory / "giant.yml", "wb") as giant:
        giant.write(b"dependencies:\n")
        giant.write(b"  - numpy\n" * 10_000_000)
    giant = host.run("giant.yml", code=2)
    contains(giant.err, "giant.yml", "larger than 4 MiB")
    check(giant.seconds < 20, giant)
    contains(host.run("-", stdin="dependencies:\n" + "  - numpy\n" * 1_000_000, code=2).err, "MiB")


def test_what_is_no_readable_file(host):
    contains(host.run("absent.yml", code=2).err, "absent.yml")
    (host.directory / "folder.yml").mkdir()
    contains(host.run("folder.yml", code=2).err, "folder.yml", "a directory")
    # Root may read anything, so the permission is looked at as somebody else.
    path = host.write("secret.yml", "dependencies: [nomkl]\n")
    path.chmod(0)
    host.directory.chmod(0o755)
    host.env["HOME"] = "/nonexistent"
    process = host.start("check", "secret.yml", user=65534, group=65534, extra_groups=[])
    out, err = process.communicate(timeout=30)
    check(process.returncode == 7 or process.returncode == 2, f"{process.returncode} {err}")
    contains(out + err, "secret.yml", "ermission")


def test_unknown_keys_warn_and_name_the_nearest(host):
    host.write("env.yml", "chanels: [conda-forge]\ndependencies: [nomkl]\nvariable: {A: 1}\nx-own: 1\n")
    result = host.run("hash", "env.yml")
    contains(result.err, "env.yml:1:1", "chanels", "'channels'", "env.yml:3:1", "'variables'")


def test_the_caret_is_under_the_fault(host):
    host.write("env.yml", HEAD + "  - numpy >=1.19,<<2\n")
    lines = host.run("check", "env.yml", code=2).out.splitlines()
    caret = next(i for i, line in enumerate(lines) if line.strip() == "^")
    check(lines[caret - 1][lines[caret].index("^"):].startswith("<"), lines)


def test_options_and_settings_that_make_no_sense(host):
    host.write("env.yml", HEAD + "  - nomkl\n")
    for options, words in (
            (["--cuda", "eleven"], ["eleven"]), (["--platform", "linux-65"], ["linux-65"]), (["--base", "not an image"], ["not an image"]),
            (["--env", "NOVALUE"], ["NOVALUE"]), (["--timeout", "soon"], ["soon"]), (["--progress", "loud"], ["loud"]),
            (["--registry", "not a registry"], ["not a registry"]), (["--no-such-option"], ["--no-such-option"]),
            (["--env", "A B=1"], ["A B"]), (["--target-cuda", "x"], ["x"])):
        result = host.run("env.yml", *options, code=2)
        contains(result.err, *words)
        check(result.out == "", result)
    host.write("home/.config/envbuild/config.yaml", "registri: a/b\ncompression_level: 12\n")
    contains(host.run("env.yml", code=2).err, "config.yaml:2:", "compression_level")
    host.write("home/.config/envbuild/config.yaml", "registri: a/b\n")
    contains(host.run("hash", "env.yml").err, "config.yaml:1", "'registry'")
    contains(host.run("hash", "env.yml", env={"ENVBUILD_BUILDER": "kaniko"}, code=2).err, "ENVBUILD_BUILDER", "kaniko")
    lacks(host.run("hash", "env.yml").out, "warning")
