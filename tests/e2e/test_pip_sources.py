"""pip lines that name no file of an index: local folders and files, repositories, and sources with build requirements."""

import base64
import contextlib
import hashlib
import http.server
import io
import json
import os
import pathlib
import subprocess
import tarfile
import threading
import zipfile

from harness import check, contains, lacks

HEAD = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"


def environment(*lines):
    return HEAD + "".join(f"    - {json.dumps(line)}\n" for line in lines)


def write_project(host, folder, greeting="hello", name="greet-me", setup=""):
    host.write(f"{folder}/setup.cfg", f"""\
[metadata]
name = {name}
version = 1.2
[options]
packages = greeter
{setup}
[options.entry_points]
console_scripts =
    greet-me = greeter:main
""")
    host.write(f"{folder}/pyproject.toml", '[build-system]\nrequires = ["setuptools", "wheel"]\nbuild-backend = "setuptools.build_meta"\n')
    host.write(f"{folder}/greeter/__init__.py", f"def main():\n    print({greeting!r}, 'from the package')\n")


def git(folder, *arguments):
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **identity}
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, env=env).stdout.strip()


def repository(host, folder="repository"):
    """The tag v1 says "tagged", the branch main goes on to say "later"."""
    write_project(host, folder, "tagged")
    root = host.directory / folder
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    git(root, "tag", "-a", "v1", "-m", "one")
    first = git(root, "rev-parse", "HEAD")
    write_project(host, folder, "later")
    git(root, "commit", "-q", "-a", "-m", "two")
    return root, first, git(root, "rev-parse", "HEAD")


@contextlib.contextmanager
def served(folder, user=None):
    """A plain web server on loopback; with `user`, behind Basic authentication. Yields its URL and what it was asked."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            wanted = "Basic " + base64.b64encode((user or "").encode()).decode()
            if user and self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            super().do_GET()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def build(host, *arguments, **more):
    return host.run("build", *arguments, "--json", **more).json


def test_a_local_package_with_a_script(host):
    host.share_cache()
    write_project(host, "pkg")
    host.write("env.yml", environment("-e ./pkg", "six"))
    first = host.run("build", "env.yml", "--json")
    contains(first.err, "installed as an ordinary package")
    image = first.json["image"]
    check(host.site.run_in(image, "greet-me").strip() == "hello from the package")
    record = host.site.run_in(image, "cat", "/opt/env/lib/python3.11/site-packages/greet_me-1.2.dist-info/RECORD")
    contains(record, "greeter/__init__.py,sha256=", "entry_points.txt")
    lacks(record, "direct_url")
    host.site.run_in(image, "python", "-m", "pip", "check")
    # Its bytes are the intent: what is ignored does not count, a changed line does.
    host.write("pkg/greeter/__pycache__/left.pyc", "over")
    check(build(host, "env.yml")["cache"] == "hit")
    write_project(host, "pkg", "changed")
    second = build(host, "env.yml")
    check(second["cache"] == "miss" and second["image"] != image, second)
    check(host.site.run_in(second["image"], "greet-me").strip() == "changed from the package")


def test_a_lock_of_a_local_package_goes_with_its_folder(host):
    host.share_cache()
    write_project(host, "pkg")
    host.write("env.yml", environment("./pkg"))
    (host.directory / "locks").mkdir()
    host.run("lock", "env.yml", "-o", "locks/conda-lock.yml")
    text = (host.directory / "locks/conda-lock.yml").read_text()
    contains(text, "../pkg", "envbuild.build.setuptools-")
    lacks(text, str(host.directory))
    other = host.second()
    write_project(other, "pkg")
    other.write("locks/conda-lock.yml", text)
    built = build(other, "--lock", "locks/conda-lock.yml")
    check(host.site.run_in(built["image"], "greet-me").strip() == "hello from the package")
    write_project(other, "pkg", "changed")
    another = other.second()
    another.write("locks/conda-lock.yml", text)
    contains(another.run("build", "--lock", "locks/conda-lock.yml", "--rebuild", code=2).err, "is not there")
    write_project(another, "pkg", "changed")
    contains(another.run("build", "--lock", "locks/conda-lock.yml", "--rebuild", code=8).err, "the source changed since it was locked")


def test_repositories_at_a_tag_and_at_a_branch(host):
    host.share_cache()
    root, first, second = repository(host)
    host.write("tag.yml", environment(f"greet-me @ git+file://{root}@v1"))
    host.run("lock", "tag.yml", "-o", "tag-lock.yml")
    contains((host.directory / "tag-lock.yml").read_text(), f"git+file://{root}@{first}")
    tagged = build(host, "--lock", "tag-lock.yml")
    check(host.site.run_in(tagged["image"], "greet-me").strip() == "tagged from the package")
    frozen = host.site.run_in(tagged["image"], "python", "-m", "pip", "freeze")
    contains(frozen, f"greet-me @ git+file://{root}@{first}")
    # A plain web server: git's "dumb" protocol, which knows no shallow fetch; with a credential, which goes to it alone.
    git(root, "update-server-info")
    with served(host.directory, "user:pa55-canary") as (address, asked):
        plain = f"http://{address}/repository/.git"
        host.write("branch.yml", environment(f"git+http://user:${{SECRET}}@{address}/repository/.git@main#egg=greet-me"))
        locked = host.run("lock", "branch.yml", "-v", env={"SECRET": "pa55-canary"})
        contains(locked.out, f"git+{plain}@{second}")
        check(any(authorization for _, authorization in asked), asked)
        canaries = ("pa55-canary", base64.b64encode(b"user:pa55-canary").decode())
        lacks(locked.out + locked.err, *canaries)
        for file in [f for f in host.cache.rglob("*") if f.is_file() and f.stat().st_size < 1 << 20]:
            check(not any(c.encode() in file.read_bytes() for c in canaries), file)
        refused = host.run("lock", "branch.yml", env={"SECRET": "wrong"}, code=6)
        contains(refused.err, "git failed")
    missing = {"git+file:///nonexistent/repository": "nonexistent", f"git+file://{root}@no-such-branch": "no-such-branch",
               f"git+file://{root}@{'0' * 40}": "0" * 40}
    for line, word in missing.items():
        host.write("bad.yml", environment(line))
        contains(host.run("build", "bad.yml", code=2).err, word)


def wheel(folder, name, files):
    """A wheel of pure Python."""
    info = f"{name}-1.0.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
                     for path, text in files.items())
    path = pathlib.Path(folder) / f"{name}-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return path


# A build backend of two functions, which asks for a further package and uses it.
BACKEND = '''
import base64, hashlib, os, zipfile
def get_requires_for_build_wheel(settings=None):
    return ["six"]
def build_wheel(folder, settings=None, metadata=None):
    import six
    name = "made-1.0-py3-none-any.whl"
    info = "made-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        files = {"made.py": "built_with = %r\\n" % ("tiny_backend and six " + six.__version__),
                 info + "/METADATA": "Metadata-Version: 2.1\\nName: made\\nVersion: 1.0\\n",
                 info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
        for path, text in files.items():
            archive.writestr(path, text)
        hashes = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
        archive.writestr(info + "/RECORD", "".join("%s,sha256=%s,\\n" % pair for pair in hashes.items()) + info + "/RECORD,,\\n")
    return name
'''


def test_an_sdist_with_a_backend_of_its_own_and_a_local_wheel(host):
    host.share_cache()
    index = host.directory / "index"
    backend = wheel(index / "simple/tiny-backend", "tiny_backend", {"tiny_backend.py": BACKEND})
    project = '[build-system]\nrequires = ["tiny-backend==1.0"]\nbuild-backend = "tiny_backend"\n'
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in {"made-1.0/pyproject.toml": project, "made-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: made\nVersion: 1.0\n"}.items():
            item = tarfile.TarInfo(name)
            item.size = len(text)
            archive.addfile(item, io.BytesIO(text.encode()))
    host.write("index/simple/made/made-1.0.tar.gz", stream.getvalue())
    for project, file in {"tiny-backend": backend.name, "made": "made-1.0.tar.gz"}.items():
        host.write(f"index/simple/{project}/index.html", f"<!DOCTYPE html><html><body><a href=\"{file}\">{file}</a></body></html>")
    wheel(host.directory / "wheels", "local_one", {"local_one.py": "value = 42\n"})
    with served(index) as (address, _):
        host.write("env.yml", environment(f"--extra-index-url http://{address}/simple", "made", "./wheels/local_one-1.0-py3-none-any.whl"))
        answer = build(host, "env.yml")
    said = host.site.run_in(answer["image"], "python", "-c", "import made, local_one; print(made.built_with, local_one.value)")
    contains(said, "tiny_backend and six", "42")
    # What built it is not in the image.
    listed = {entry["name"].replace("_", "-") for entry in json.loads(host.site.run_in(answer["image"], "python", "-m", "pip", "list", "--format=json"))}
    check("made" in listed and "local-one" in listed and not listed & {"tiny-backend", "six"}, listed)


def test_what_is_not_there_is_said(host):
    host.write("env.yml", environment("./no-such-folder"))
    contains(host.run("build", "env.yml", code=2).err, "no-such-folder", "env.yml:6:")
    host.write("folder/readme.txt", "nothing to build\n")
    host.write("env.yml", environment("hg+https://example.invalid/repository"))
    contains(host.run("build", "env.yml", code=2).err, "git alone")
    host.write("text/file.txt", "no archive\n")
    host.write("env.yml", environment("./text/file.txt"))
    contains(host.run("build", "env.yml", code=2).err, "neither a folder nor a wheel")
