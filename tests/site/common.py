"""What the parts of the site share: where things are kept, how they are published, how progress is told."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACEHOLDER = ("/opt/envbuild_site_placeholder" + "_placehold" * 40)[:255]
EPOCH = 1700000000  # the mtime of what is generated here
_start = time.monotonic()


def log(text):
    print(f"site: {time.monotonic() - _start:6.1f} s  {text}", file=sys.stderr, flush=True)


def cache_dir():
    """ENVBUILD_SITE_CACHE, else envbuild-site in the user's cache folder."""
    own = os.environ.get("ENVBUILD_SITE_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(own) if own else Path(base) / "envbuild-site"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sha256_file(path, kind="sha256"):
    digest = hashlib.new(kind)
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def content_key(*parts):
    """One hash over JSON-able values and the text of this folder's files (given as Path)."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else json.dumps(part, sort_keys=True).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:24]


@contextmanager
def locked(name):
    """Holds an advisory lock on NAME in the cache, so that two sites do not make the same thing at once."""
    with open(cache_dir() / f"{name}.lock", "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def cached(kind, key, make):
    """The folder KIND-KEY in the cache. make(folder) fills a temporary one, which is then renamed: all or nothing."""
    final = cache_dir() / f"{kind}-{key}"
    with locked(kind):
        if final.is_dir():
            os.utime(final)
            return final
        discard(*cache_dir().glob(f"tmp-{kind}-*"))  # of a run that was killed: we hold the lock
        temp = Path(tempfile.mkdtemp(prefix=f"tmp-{kind}-", dir=cache_dir()))
        temp.chmod(0o755)
        try:
            make(temp)
            os.rename(temp, final)
        except BaseException:
            remove_tree(temp)
            raise
        old = sorted(cache_dir().glob(f"{kind}-*/"), key=lambda p: p.stat().st_mtime, reverse=True)
        discard(*(p for p in old[3:] if time.time() - p.stat().st_mtime > 86400))
        return final


def remove_tree(path):
    shutil.rmtree(path, ignore_errors=True)


def discard(*paths):
    """Out of the way at once; the bytes go in the background, for deleting a tree that was synced can take half a minute."""
    trash = cache_dir() / "trash"
    trash.mkdir(exist_ok=True)
    for path in paths:
        if os.path.lexists(path):
            try:
                os.rename(path, tempfile.mkdtemp(dir=trash) + "/x")
            except OSError:  # another file system
                remove_tree(path)
    subprocess.Popen(["nice", "find", str(trash), "-mindepth", "1", "-delete"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")


@contextmanager
def work_folder(kind):
    """A temporary folder in the cache, to be used while KIND's lock is held."""
    path = tempfile.mkdtemp(prefix=f"tmp-{kind}-work-", dir=cache_dir())
    try:
        yield Path(path)
    finally:
        discard(path)


def write_atomic(path, data):
    path = Path(path)
    temp = path.with_name(f".{path.name}.{os.getpid()}")
    temp.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.rename(temp, path)
