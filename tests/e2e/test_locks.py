"""Locks over time: what is kept of an earlier one, and what changes."""

import hashlib
import io
import json
import pathlib
import re
import tarfile
import tomllib
import urllib.request

from harness import check, contains, lacks

FIRST = "channels: [conda-forge]\ndependencies: [python=3.11, six=1.15, tabulate=0.8.7, urllib3=1.26.9]\n"
LATER = "channels: [conda-forge]\ndependencies: [python=3.11, six, tabulate, requests]\n"


def versions(host, file="conda-lock.yml"):
    text = (host.directory / file).read_text()
    return dict(re.findall(r"^- name: (\S+)\n  version: '?([^'\n]+)'?$", text, re.M))


def test_an_earlier_lock_is_kept_to(host):
    host.share_cache()
    host.write("env.yml", FIRST)
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    first = versions(host)
    check(first["six"] == "1.15.0" and first["urllib3"] == "1.26.9", first)

    # A package more: what was there stays, a dependency of the new one too.
    host.write("env.yml", LATER)
    result = host.run("lock", "env.yml", "-o", "conda-lock.yml")
    contains(result.err, "as before")
    kept = versions(host)
    check(kept["requests"] == "2.28.1", kept)
    check(all(kept[name] == version for name, version in first.items()), f"{first}\n{kept}")

    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "six")
    updated = versions(host)
    check(updated == {**kept, "six": "1.16.0"}, f"{kept}\n{updated}")
    # A dependency that nobody has asked for.
    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "urllib3")
    check(versions(host) == {**updated, "urllib3": "1.26.12"}, versions(host))

    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--refresh")
    host.run("lock", "env.yml", "-o", "new.yml")
    check(versions(host) == versions(host, "new.yml") and versions(host)["tabulate"] == "0.8.9", versions(host))
    check((host.directory / "conda-lock.yml").read_text() == (host.directory / "new.yml").read_text())


def platforms_of(host, file="conda-lock.yml"):
    return sorted(set(re.findall(r"^  platform: (\S+)$", (host.directory / file).read_text(), re.M)))


def test_the_platforms_of_an_earlier_lock_stay(host):
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [cuda-version=11.2]\n")
    push_for_two_architectures(host.site, "library/ubuntu", "two")
    lock = ["-o", "conda-lock.yml", "--base", "ubuntu:two"]
    two = ["--platform", "linux-64", "--platform", "linux-aarch64"]
    host.run("lock", "env.yml", *lock, *two)
    both = platforms_of(host)
    check(both == ["linux-64", "linux-aarch64"], both)
    # The order of words is the user's; a platform that nobody names stays.
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [cuda-version]\n")
    host.run("lock", "--update", "cuda-version", "env.yml", *lock)
    check(platforms_of(host) == both and versions(host)["cuda-version"] == "12.4", versions(host))
    host.run("lock", "env.yml", *lock)
    check(platforms_of(host) == both)
    # One that goes is told, and one that comes is chosen anew, with an update too.
    contains(host.run("lock", "env.yml", *lock, "--platform", "linux-64").err, "was for linux-aarch64 too")
    check(platforms_of(host) == ["linux-64"])
    more = host.run("lock", "env.yml", *lock, *two, "--update", "cuda-version")
    contains(more.err, "nothing for linux-aarch64 yet")
    check(platforms_of(host) == both)


def test_updates_that_cannot_be(host):
    host.share_cache()
    host.write("env.yml", FIRST)
    contains(host.run("lock", "env.yml", "-o", "absent.yml", "--update", "six", code=2).err, "no lock to update", "-o")
    contains(host.run("lock", "env.yml", "--update", "six", code=2).err, "no lock to update")
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    before = (host.directory / "conda-lock.yml").read_text()
    result = host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "sixx", code=2)
    contains(result.err, "sixx", "did you mean 'six'?")
    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "six", "--refresh", code=2)
    contains(host.run("lock", "env.yml", "-o", "conda-lock.yml", "--format", "explicit", "--update", "six", code=2).err, "explicit")
    # What the file asks for goes before any wish for the newest.
    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "six")
    check((host.directory / "conda-lock.yml").read_text() == before, "another lock")
    # What is no lock is replaced, and said; but not where a lock was to be updated.
    host.write("notes.yml", "just: notes\n")
    host.run("lock", "env.yml", "-o", "notes.yml", "--update", "six", code=2)
    check((host.directory / "notes.yml").read_text() == "just: notes\n", "it was replaced")
    contains(host.run("lock", "env.yml", "-o", "notes.yml").err, "notes.yml is no earlier lock")
    check((host.directory / "notes.yml").read_text() == before, "another lock")


def test_pip_files_of_an_earlier_lock_are_kept(host):
    host.share_cache()
    text = "channels: [conda-forge]\ndependencies: [python=3.11, pip, {{pip: [{}]}}]\n"
    host.write("env.yml", text.format("six==1.15.0"))
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    host.write("env.yml", text.format("six"))
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    check(versions(host)["six"] == "1.15.0", versions(host))
    host.run("lock", "env.yml", "-o", "conda-lock.yml", "--update", "six")
    check(versions(host)["six"] == "1.16.0", versions(host))
    # A file that no longer allows what was there.
    host.run("lock", "env.yml", "-o", "older.yml")
    host.write("env.yml", text.format("six<1.16"))
    contains(host.run("lock", "env.yml", "-o", "older.yml").err, "pip's half cannot keep")
    check(versions(host, "older.yml")["six"] == "1.15.0", versions(host, "older.yml"))


def test_pips_half_in_the_formats_of_other_tools(host):
    host.share_cache()
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: [six==1.15.0]}]\n")
    contains(host.run("lock", "env.yml", "-o", "pylock.toml").err, "conda packages are not in it")
    pylock = tomllib.loads((host.directory / "pylock.toml").read_text())
    check(pylock["lock-version"] == "1.0" and pylock["requires-python"] == "==3.11.*", pylock)
    (six,) = pylock["packages"]
    (wheel,) = six["wheels"]
    check((six["name"], six["version"]) == ("six", "1.15.0"), six)

    text = host.run("lock", "env.yml", "--format", "requirements").out
    contains(text, "--index-url ", f"\nsix==1.15.0 --hash=sha256:{wheel['hashes']['sha256']}\n")
    # What it holds is enough to lock the same again, and pip checks the hash.
    host.write("requirements.txt", text)
    again = tomllib.loads(host.run("lock", "requirements.txt", "--python", "3.11", "--format", "pylock").out)
    check(again["packages"] == pylock["packages"], again)
    contains(host.run("lock", "env.yml", "-o", "pylock.toml", "--update", "six", code=2).err, "conda-lock's format")
    host.run("lock", "env.yml", "-o", "pylock.toml", "--platform", "linux-64", "--platform", "linux-aarch64", code=2)


def test_a_lock_is_held_against_its_file(host):
    host.share_cache().write("env.yml", FIRST)
    missing = host.run("lock", "env.yml", "--check", code=2)
    contains(missing.err, "there is no lock conda-lock.yml")
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    before = (host.directory / "conda-lock.yml").read_bytes()
    # In other words, and without a server to ask.
    host.write("env.yml", "name: mine\nchannels: [conda-forge]\ndependencies: [six 1.15.*, tabulate=0.8.7, python 3.11.*, urllib3=1.26.9]\n")
    fits = host.run("lock", "env.yml", "--check", env={"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"})
    check(fits.out == "", fits.out)
    check(host.run("lock", "env.yml", "--check", "--json").json["fits"] is True)

    host.write("env.yml", LATER)
    stale = host.run("lock", "env.yml", "--check", code=1)
    contains(stale.out, "conda: + requests\n", "conda: - six 1.15.*\n")
    contains(stale.err, "no longer the lock of", "the same command without --check")
    asked = host.run("lock", "env.yml", "--check", "--json", "--platform", "linux-64", "--platform", "linux-aarch64", code=1).json
    check([one["fits"] for one in asked["platforms"]] == [False, False], asked)
    check({"part": "platform", "before": None, "after": "linux-aarch64"} in asked["platforms"][1]["differences"], asked)
    check((host.directory / "conda-lock.yml").read_bytes() == before, "it was written")
    host.run("lock", "env.yml", "--check", "--update", "six", code=2)


def push_for_two_architectures(site, source, tag):
    """The site's image under another tag, and beside it one for arm64 that holds nothing but a C library."""
    manifests = f"http://{site.registry}/v2/{source}/manifests/"
    kinds = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"

    def get(url, accept=""):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
            return answer.read()

    def put(url, data, kind):
        urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": kind}, method="PUT")).close()

    def described(data, kind):
        return {"mediaType": kind, "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}

    index = json.loads(get(manifests + "22.04", kinds[0]))
    amd64 = next(entry for entry in index["manifests"] if entry["platform"]["architecture"] == "amd64")

    def push_blob(data, kind):
        upload = urllib.request.Request(f"http://{site.registry}/v2/{source}/blobs/uploads/", b"", method="POST")
        with urllib.request.urlopen(upload) as begun:
            place = begun.headers["Location"]
        entry = described(data, kind)
        put(place + ("&" if "?" in place else "?") + "digest=" + entry["digest"], data, "application/octet-stream")
        return entry

    # This machine's, whose header says that it is for AArch64 (ELF: e_machine 183).
    libc = bytearray(pathlib.Path("/lib/x86_64-linux-gnu/libc.so.6").read_bytes())
    libc[18:20] = (183).to_bytes(2, "little")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as layer:
        member = tarfile.TarInfo("lib/aarch64-linux-gnu/libc.so.6")
        member.size, member.mode = len(libc), 0o755
        layer.addfile(member, io.BytesIO(libc))
    diff_id = "sha256:" + hashlib.sha256(archive.getvalue()).hexdigest()
    config = {"architecture": "arm64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    config_entry = push_blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
    layer_entry = push_blob(archive.getvalue(), "application/vnd.oci.image.layer.v1.tar")
    manifest = {"schemaVersion": 2, "mediaType": kinds[1], "config": config_entry, "layers": [layer_entry]}
    manifest_data = json.dumps(manifest).encode()
    arm64 = described(manifest_data, kinds[1])
    put(manifests + arm64["digest"], manifest_data, kinds[1])
    entries = [amd64, {**arm64, "platform": {"architecture": "arm64", "os": "linux", "variant": "v8"}}]
    put(manifests + tag, json.dumps({**index, "manifests": entries}).encode(), kinds[0])


def test_several_platforms_in_one_lock(host):
    host.share_cache()
    host.write("env.yml", "channels: [conda-forge]\nplatforms: [linux-64, linux-aarch64, osx-arm64]\ndependencies: [tzdata]\n")
    push_for_two_architectures(host.site, "library/ubuntu", "two")
    base = ["--base", "ubuntu:two"]
    facts = host.run("lock", "env.yml", "-o", "conda-lock.yml", "--json", *base).json
    check([one["platform"] for one in facts["platforms"]] == ["linux-64", "linux-aarch64"], facts)
    text = (host.directory / "conda-lock.yml").read_text()
    contains(text, "platform: linux-64", "platform: linux-aarch64", "envbuild.linux-aarch64.base.digest")
    lacks(text, "osx-arm64")
    # What is built of it is what a lock of that platform alone says, and the file can be kept to.
    alone = host.run("lock", "env.yml", "-o", "alone.yml", "--json", "--platform", "linux-64", *base).json
    check(alone["lock_hash"] == facts["platforms"][0]["lock_hash"], f"{alone}\n{facts}")
    built = host.run("build", "--lock", "conda-lock.yml", "--json").json
    check(built["lock_hash"] == alone["lock_hash"], built)
    contains(host.run("lock", "env.yml", "-o", "conda-lock.yml", *base).err, "For linux-aarch64", "as before")
    check((host.directory / "conda-lock.yml").read_text() == text, "another lock")
    contains(host.run("lock", "env.yml", "--format", "explicit", code=2).err, "one platform", "--platform")
    contains(host.run("lock", "env.yml", "--platform", "linux-64", "--platform", "lunix-64", code=2).err, "lunix-64")
