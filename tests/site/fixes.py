"""What Debian's files need before they work in any prefix. Each fix(tree, recipe, work) changes the tree."""
import io
import posixpath
import re
import zipfile
from dataclasses import replace
from importlib._bootstrap_external import _code_to_timestamp_pyc

import dists
import elf
from common import EPOCH, PLACEHOLDER
from tree import PYTHON, SITE, Node


def rpath_placeholder(tree, recipe, work):
    """An RPATH into the placeholder: a binary that only runs once its prefix has been replaced and NUL-padded."""
    for path in [p for p in tree.glob("bin/*") if elf.is_elf(tree.nodes[p])]:
        elf.patch(elf.own_copy(tree, path, work), "--force-rpath", "--set-rpath", PLACEHOLDER + "/lib")
        tree.placeholders[path] = "binary"


def _bundle(tree):
    return b"".join(b"\n# " + posixpath.basename(p).encode() + b"\n" + tree.read(p)
                    for p in tree.glob("share/ca-certificates/*.crt"))


def certificate_bundle(tree, recipe, work):
    mtime = tree.newest()
    tree.put("ssl/cacert.pem", _bundle(tree), mtime=mtime)
    tree.link("ssl/cert.pem", "cacert.pem", mtime)


def certifi_bundle(tree, recipe, work):
    site = "site-packages/certifi/"
    tree.edit(site + "cacert.pem", _bundle(tree))
    tree.edit(site + "core.py", '"""Where the bundle of certificates lies."""\nimport os\n\n\ndef where() -> str:\n'
              '    return os.path.join(os.path.dirname(__file__), "cacert.pem")\n\n\ndef contents() -> str:\n'
              '    with open(where(), "r", encoding="utf-8") as data:\n        return data.read()\n')
    for path in tree.glob("share/*"):
        del tree.nodes[path]


def openssl_activation(tree, recipe, work):
    """OpenSSL's compiled-in folder is Debian's: activation says where the certificates are."""
    mtime = tree.newest()
    for name, off, text in (
            ("activate", False, 'if [ -z "${SSL_CERT_FILE:-}" ]; then\n    export __CONDA_OPENSSL_CERT_FILE_SET="1"\n'
                                '    export SSL_CERT_FILE="${CONDA_PREFIX}/ssl/cacert.pem"\nfi\n'),
            ("deactivate", True, 'if [ "${__CONDA_OPENSSL_CERT_FILE_SET:-}" = "1" ]; then\n    unset SSL_CERT_FILE\n'
                                 '    unset __CONDA_OPENSSL_CERT_FILE_SET\nfi\n')):
        tree.put(f"etc/conda/{name}.d/openssl_{name}.sh", text, mtime=mtime)


def cpython(tree, recipe, work):
    """Debian's CPython looks for dist-packages (site is frozen into the binary) and installs under local/."""
    binary = "bin/python3.11"
    data = tree.read(binary).replace(b"dist-packages", b"site-packages")
    tree.edit(binary, data)
    copy = elf.own_copy(tree, binary, work)
    elf.patch(copy, "--force-rpath", "--set-rpath", "$ORIGIN/../lib")
    for path in (f"{PYTHON}/site.py", f"{PYTHON}/sysconfig.py"):
        text = tree.read(path).decode().replace("dist-packages", "site-packages")
        text = re.sub(r"(prefix_scheme = |'DEB_PYTHON_INSTALL_LAYOUT', )'posix_local'", r"\1'posix_prefix'", text)
        tree.edit(path, text)
    for path in tree.glob(f"{PYTHON}/_sysconfigdata_*.py"):
        if tree.nodes[path].kind != "f":
            continue
        text = re.sub(r"(?<=['\" =])/usr(?=[/'])", PLACEHOLDER, tree.read(path).decode())
        tree.edit(path, text)
        tree.placeholders[path] = "text"
    mtime = tree.nodes[binary].mtime
    for name, target in (("python3", "python3.11"), ("python", "python3.11"), ("python3.1", "python3.11"),
                         ("pydoc", "pydoc3.11"), ("pydoc3", "pydoc3.11")):
        tree.link(f"bin/{name}", target, mtime)
    tree.put(f"{SITE}/README.txt", "This directory exists so that 3rd party packages can be installed\nhere.  "
             "Read the source for site.py for more details.\n", mtime=mtime)


def shebangs(tree, recipe, work):
    """Scripts for the console entry points, and the placeholder in the first line of the rest."""
    python = f"{PLACEHOLDER}/bin/python3.11"
    if dists.info_folder(tree):
        for path in [p for p in tree.glob("bin/*") if not elf.is_elf(tree.nodes[p])]:
            if tree.read(path)[:2] == b"#!" and b"python" in tree.read(path).split(b"\n", 1)[0]:
                del tree.nodes[path]
        for entry in dists.entry_points(tree):
            name, text = dists.script(entry, python)
            tree.put(f"bin/{name}", text, 0o755, tree.newest())
            tree.placeholders[f"bin/{name}"] = "text"
        return
    for path in tree.glob("bin/*"):
        node = tree.nodes[path]
        if node.kind != "f" or elf.is_elf(node):
            continue
        text = node.read()
        if re.match(rb"#! ?/usr/bin/(env )?python", text):
            tree.edit(path, f"#!{python}\n".encode() + text.split(b"\n", 1)[1])
            tree.placeholders[path] = "text"


def pyc(tree, recipe, work):
    """Byte code with the source's mtime, as conda's own packages have it: it holds only while mtimes are kept."""
    for path in tree.glob(f"{PYTHON}/*.py"):
        node = tree.nodes[path]
        if node.kind != "f" or path in tree.placeholders or "/lib2to3/tests/" in path:
            continue
        data = node.read()
        try:
            code = compile(data, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            continue  # the templates and the bad examples that some packages carry
        folder, name = posixpath.split(path)
        tree.nodes[f"{folder}/__pycache__/{name[:-3]}.cpython-311.pyc"] = Node(
            "f", 0o644, node.mtime, data=bytes(_code_to_timestamp_pyc(code, node.mtime, len(data))))


def torch_version(tree, recipe, work):
    path = f"{SITE}/torch/version.py"
    tree.edit(path, "__version__ = '1.13.1'\ndebug = False\ncuda = None\ngit_version = '49444c3e546bf240bed24a101e747422d1f8a0ee'\n"
                    "hip = None\n")


def torchvision_version(tree, recipe, work):
    path = f"{SITE}/torchvision/version.py"
    tree.edit(path, "__version__ = '0.14.1'\ngit_version = 'Unknown'\ncuda = None\n")


def unzip_wheel(tree, recipe, work):
    """The one wheel in wheels/, unpacked."""
    [path] = tree.glob("wheels/*.whl")
    node = tree.nodes.pop(path)
    for path in list(tree.nodes):
        del tree.nodes[path]
    with zipfile.ZipFile(io.BytesIO(node.read())) as wheel:
        for item in wheel.infolist():
            if not item.is_dir() and not item.filename.endswith("/RECORD"):
                tree.nodes["site-packages/" + item.filename] = Node("f", 0o644, node.mtime or EPOCH, data=wheel.read(item))


def old_version(tree, files, old, new):
    """Puts another version number into the files that tell it."""
    for path in files:
        tree.nodes[path] = replace(tree.nodes[path], source=None, data=tree.read(path).replace(old.encode(), new.encode()))
        head, name = posixpath.split(path)
        cached = f"{head}/__pycache__/{name[:-3]}.cpython-311.pyc"
        tree.nodes.pop(cached, None)


def plain_setuptools(tree, recipe, work):
    """Debian's setuptools asks Debian's distutils for an install layout, which a prefix does not have."""
    for name in ("install_lib", "install_egg_info"):
        path = f"site-packages/setuptools/command/{name}.py"
        text = tree.read(path).decode()
        text = text.replace("self.set_undefined_options('install',('install_layout','install_layout'))", "pass")
        tree.edit(path, text.replace("self.set_undefined_options('install',('prefix_option','prefix_option'))",
                                     "self.prefix_option = True"))
