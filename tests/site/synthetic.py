"""Small packages written by hand, one for each feature of the formats that Debian's files do not show."""
import json
import subprocess

from common import EPOCH, PLACEHOLDER
from tree import Tree

_DEMO = r"""
#include <stdio.h>
#include <string.h>
static const char data[] = "%(p)s/share/prefix-demo/greeting.txt";
static const char other[] = "%(p)s/bin:%(p)s/lib";  /* two in one C string */
int main(void) {
    char line[256] = "";
    FILE *file = fopen(data, "r");
    if (file == NULL) { perror(data); return 1; }
    if (fgets(line, sizeof line, file) == NULL) return 1;
    fclose(file);
    printf("%%s from %%s search %%s\n", strtok(line, "\n"), data, other);
    return 0;
}
"""


def _tree(files, placeholders=None, modes=None):
    tree = Tree()
    for path, data in files.items():
        tree.put(path, data, (modes or {}).get(path, 0o755 if path.startswith("bin/") else 0o644), EPOCH)
    tree.placeholders = dict(placeholders or {})
    return tree


def _compiled(source, work):
    """A small C program; without build id, so that the same compiler gives the same bytes."""
    work.mkdir(parents=True, exist_ok=True)
    (work / "demo.c").write_text(source)
    subprocess.run(["cc", "-O1", "-s", "-Wl,--build-id=none", "-o", "demo", "demo.c"], cwd=work, check=True)
    return (work / "demo").read_bytes()


def prefix_demo(work):
    """Binary prefixes in a compiled program and in a data file, text prefixes in two files."""
    p = PLACEHOLDER
    tree = _tree({
        "bin/prefix-demo": _compiled(_DEMO % {"p": p}, work),
        "bin/prefix-demo-sh": f"#!/bin/sh\nexec {p}/bin/prefix-demo \"$@\"\n",
        "share/prefix-demo/greeting.txt": "hello\n",
        "share/prefix-demo/paths.conf": f"root = {p}\nlib = {p}/lib:{p}/lib64\n",
        "share/prefix-demo/strings.bin": b"\0\1" + p.encode() + b"/a\0" + b"xx" + p.encode() + b":" + p.encode() + b"/b\0end",
        "lib/pkgconfig/prefix-demo.pc": f"prefix={p}\nlibdir=${{prefix}}/lib\n",
    }, {"bin/prefix-demo": "binary", "bin/prefix-demo-sh": "text", "share/prefix-demo/paths.conf": "text",
        "share/prefix-demo/strings.bin": "binary", "lib/pkgconfig/prefix-demo.pc": "text"})
    return tree, {"version": "1.0", "license": "Apache-2.0", "depends": ["__glibc >=2.17,<3.0.a0"]}


def post_link_demo(work):
    files = {
        "bin/.post-link-demo-post-link.sh":
            '#!/bin/sh\nset -e\nmkdir -p "$PREFIX/share/post-link-demo"\n'
            'printf "%s %s %s\\n" "$PKG_NAME" "$PKG_VERSION" "$PKG_BUILDNUM" >"$PREFIX/share/post-link-demo/ran"\n'
            'echo "post-link-demo: ran" >>"$PREFIX/.messages.txt"\n',
        "bin/.post-link-demo-pre-unlink.sh": '#!/bin/sh\nrm -rf "$PREFIX/share/post-link-demo"\n',
        "share/doc/post-link-demo/README": "A post-link script writes share/post-link-demo/ran.\n",
    }
    return _tree(files), {"version": "1.0", "license": "Apache-2.0"}


def activate_demo(work):
    """Variables by script and by env_vars.d; one holds what a shell would expand."""
    files = {
        "etc/conda/activate.d/activate-demo.sh":
            'export ACTIVATE_DEMO_HOME="$CONDA_PREFIX/share/activate-demo"\nexport ACTIVATE_DEMO_TWO="two words"\n',
        "etc/conda/deactivate.d/activate-demo.sh": "unset ACTIVATE_DEMO_HOME ACTIVATE_DEMO_TWO\n",
        "etc/conda/env_vars.d/activate-demo.json": json.dumps(
            {"ACTIVATE_DEMO_JSON": "from json", "ACTIVATE_DEMO_LITERAL": "$HOME is not expanded"}),
        "share/activate-demo/here": "",
    }
    return _tree(files), {"version": "1.0", "license": "Apache-2.0"}


def links_demo(work):
    """Symlinks of every kind, empty files, odd names, a long path."""
    long = "share/links-demo/" + "/".join(["deep" * 10] * 5) + "/end.txt"
    tree = _tree({"share/links-demo/real.txt": "real\n", "share/links-demo/empty": "",
                  "share/links-demo/with space.txt": "space\n", "share/links-demo/žluťoučký kůň.txt": "ž\n", long: "long\n"})
    tree.link("share/links-demo/relative", "real.txt", EPOCH)
    tree.link("share/links-demo/absolute", "/etc/hostname", EPOCH)
    tree.link("share/links-demo/dangling", "nowhere/at-all", EPOCH)
    tree.link("share/links-demo/up", "../../share/links-demo/real.txt", EPOCH)
    tree.link("share/links-demo/folder", "../links-demo", EPOCH)
    return tree, {"version": "1.0", "license": "Apache-2.0", "noarch": "generic"}


def setuid_demo(work):
    tree = _tree({"bin/setuid-demo": "#!/bin/sh\nid -u\n", "bin/setgid-demo": "#!/bin/sh\nid -g\n"},
                 modes={"bin/setuid-demo": 0o4755, "bin/setgid-demo": 0o2755})
    return tree, {"version": "1.0", "license": "Apache-2.0"}


def clobber_demo_a(work):
    return _tree({"share/clobber-demo/who": "a\n", "share/clobber-demo/a": "a\n"}), {"version": "1.0", "license": "Apache-2.0"}


def clobber_demo_b(work):
    return _tree({"share/clobber-demo/who": "b\n", "share/clobber-demo/b": "b\n"}), {"version": "1.0", "license": "Apache-2.0"}


def needs_new_glibc(work):
    return _tree({"share/needs-new-glibc": "x\n"}), {
        "version": "1.0", "license": "Apache-2.0", "depends": ["__glibc >=2.99"]}


def conflict_demo(work):
    """Asks for another six than conflict-demo-other: the two cannot be together."""
    return _tree({"share/conflict-demo": "x\n"}), {"version": "1.0", "license": "Apache-2.0", "depends": ["six <1.16"]}


def conflict_demo_other(work):
    return _tree({"share/conflict-demo-other": "x\n"}), {"version": "1.0", "license": "Apache-2.0", "depends": ["six >=1.16"]}


def missing_dep_demo(work):
    return _tree({"share/missing-dep-demo": "x\n"}), {
        "version": "1.0", "license": "Apache-2.0", "depends": ["there-is-no-such-package >=1"]}


# name -> (maker, format); the second table is the channel `extra`.
CONDA_FORGE = {
    "prefix-demo": (prefix_demo, "conda"), "post-link-demo": (post_link_demo, "bz2"),
    "activate-demo": (activate_demo, "conda"), "links-demo": (links_demo, "conda"), "setuid-demo": (setuid_demo, "bz2"),
    "clobber-demo-a": (clobber_demo_a, "conda"), "clobber-demo-b": (clobber_demo_b, "conda"),
    "needs-new-glibc": (needs_new_glibc, "conda"), "conflict-demo": (conflict_demo, "conda"),
    "conflict-demo-other": (conflict_demo_other, "conda"), "missing-dep-demo": (missing_dep_demo, "conda"),
}
EXTRA = {"only-in-extra": (activate_demo, "conda"), "links-demo": (links_demo, "bz2")}
