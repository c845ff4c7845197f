"""Credentials work where they are for, and are found nowhere afterwards."""

import base64
import io
import json
import pathlib
import stat
import subprocess
import tarfile
import urllib.parse

from harness import check, contains

CHUNK = 1 << 20


def spellings(secret):
    """The secret as it is, percent-encoded, and inside base64 at each of the three offsets."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(secret, safe="").encode(), urllib.parse.quote(secret).encode()}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        found.add(encoded[(0, 2, 3)[offset]:-4])
    return found


def holds(stream, wanted):
    tail = b""
    while chunk := stream.read(CHUNK):
        window = tail + chunk
        for needle in wanted:
            if needle in window:
                return needle
        tail = window[-200:]
    return None


def search_tree(folder, wanted, allowed=lambda path: False):
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and not path.is_symlink() and not allowed(path):
            with path.open("rb") as file:
                needle = holds(file, wanted)
            check(needle is None, f"{needle} is in {path}")


def search_image(host, image, wanted, name):
    """Every layer, config and manifest of the image, as the registry has them and as the engine has them."""
    saved = host.directory / f"{name}.tar"
    host.site.docker("pull", image)
    identity = host.site.docker("image", "inspect", "--format", "{{.Id}}", image).stdout.strip()
    host.site.docker("save", "-o", str(saved), identity)
    with tarfile.open(saved) as outer:
        for member in outer:
            if member.isfile():
                needle = holds(outer.extractfile(member), wanted)
                check(needle is None, f"{needle} is in {member.name} of {image}")
    saved.unlink()
    for what in (["history", "--no-trunc", image], ["image", "inspect", image]):
        text = host.site.docker(*what).stdout.encode()
        check(not any(n in text for n in wanted), text)
    for options in (["--raw"], ["--config", "--raw"]):
        text = subprocess.run(["skopeo", "inspect", "--tls-verify=false", *options, f"docker://{image}"], capture_output=True, check=True).stdout
        check(not any(n in text for n in wanted), text)


def test_the_search_finds_what_it_looks_for(host):
    """What the other tests stand on: each spelling is found, also where it lies across two reads."""
    secret = "open sesame:/@%"
    for text in (secret, urllib.parse.quote(secret, safe=""), *(base64.b64encode(b"x" * n + secret.encode() + b"tail").decode() for n in range(3))):
        for before in (0, CHUNK - 5):
            check(holds(io.BytesIO(b"." * before + text.encode() + b"."), spellings(secret)), text)


def test_channel_and_index_credentials_are_nowhere(host):
    facts = host.site.credentials
    user, password, token = facts["channel_user"], facts["channel_password"], facts["channel_token"]
    quoted = urllib.parse.quote(password, safe="")
    wanted = spellings(password) | spellings(token) | {base64.b64encode(f"{user}:{password}".encode())}
    server = host.site.www.removeprefix("http://")
    private = f"http://{user}:{quoted}@{server}/private"
    index = f"{private}/pypi/simple/"
    host.env.update({"ENVBUILD_CHANNEL_MIRRORS": None, "PIP_INDEX_URL": None, "SECRET_TOKEN": token})
    ways = {
        "user": f"channels: ['{private}/conda-forge']\ndependencies: [python=3.11, pip, pip: [--index-url {index}, six]]\n",
        "token": f"channels: ['http://{server}/t/${{SECRET_TOKEN}}/conda-forge']\ndependencies: [nomkl, zlib]\n",
        "mirror": "channels: [conda-forge]\ndependencies: [python=3.11, pip, pip: [tabulate]]\n",
    }
    mirrors = {"ENVBUILD_CHANNEL_MIRRORS": f"https://conda.anaconda.org/conda-forge={private}/conda-forge", "PIP_INDEX_URL": index}
    for name, text in ways.items():
        host.site.reset()
        folder = host.directory / name
        host.write(f"{name}/env.yml", text)
        env = mirrors if name == "mirror" else None
        host.run("lock", f"{name}/env.yml", "-o", f"{name}/lock.yml", env=env)
        result = host.run(f"{name}/env.yml", "-v", "--progress", "plain", "--json", env=env)
        shown = f"{result.out}{result.err}".encode() + (folder / "lock.yml").read_bytes()
        check(not any(n in shown for n in wanted), f"{name}: {shown}")
        log = host.site.request_log()
        check(any(r["status"] == 200 and (r["authorization"] or "/t/" in r["path"]) for r in log), log)
        search_image(host, result.json["image"], wanted, name)
        context = host.run("dockerfile", f"{name}/env.yml", "-o", f"{name}/context", "-v", env=env)
        check(not any(n in f"{context.out}{context.err}".encode() for n in wanted), context)
        search_tree(folder / "context", wanted)
    search_tree(host.cache, wanted)
    # The containers and images that were used on the way are the engine's, and hold nothing either.
    for image in host.site.docker("image", "ls", "--quiet", "--filter", "reference=envbuild-pip").stdout.split():
        text = host.site.docker("history", "--no-trunc", image).stdout.encode()
        check(not any(n in text for n in wanted), text)


def test_wrong_channel_credentials_are_refused_without_showing_them(host):
    server = host.site.www.removeprefix("http://")
    for name, url in (("wrong", f"http://alice:canary-5f1e@{server}/private/conda-forge"), ("none", f"http://{server}/private/conda-forge"),
                      ("token", f"http://{server}/t/canary-5f1e/conda-forge")):
        host.write("env.yml", f"channels: ['{url}']\ndependencies: [nomkl]\n")
        result = host.run("env.yml", "-v", code=6)
        check("canary" not in result.err and server in result.err, result)
        lint = host.run("check", "env.yml")
        check("canary" not in lint.out + lint.err, lint)
        check("canary" not in host.run("hash", "env.yml", "--canonical").out)
    search_tree(host.cache, {b"canary-5f1e"})


def test_registry_passwords_are_nowhere(host):
    facts = host.site.credentials
    user, password = facts["registry_user"], facts["registry_password"]
    wanted = spellings(password) | {base64.b64encode(f"{user}:{password}".encode())}
    host.env["ENVBUILD_REGISTRY"] = f"{host.site.private_registry}/{host.repository}"
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    config = host.write("home/.docker/config.json", json.dumps({"auths": {host.site.private_registry: {"auth": auth}}}))
    host.write("env.yml", "channels: [conda-forge]\ndependencies: [nomkl]\n")
    result = host.run("env.yml", "-v", "--progress", "plain", "--json")
    check(not any(n in f"{result.out}{result.err}".encode() for n in wanted), result)
    search_tree(host.directory, wanted, allowed=lambda path: path == config)
    # A token that must be kept for its time is for its owner alone.
    for path in (host.cache / "tokens").rglob("*"):
        if path.is_file():
            check(stat.S_IMODE(path.stat().st_mode) == 0o600, oct(path.stat().st_mode))


def test_arguments_and_environment_of_processes_hold_no_secret(host):
    """A user's variable named like a secret enters the image only where the file says so."""
    host.share_cache().write("env.yml", "channels: [conda-forge]\ndependencies: [nomkl]\nvariables: {MODE: fast}\n")
    answer = host.run("env.yml", "--json", env={"AWS_SECRET_ACCESS_KEY": "canary-77aa", "MODE": "slow"}).json
    inspected = host.site.docker("image", "inspect", f"envbuild:lock-{answer['lock_hash'][:16]}").stdout
    check("canary" not in inspected and "MODE=fast" in inspected, inspected)
    contains(inspected, "CONDA_PREFIX=/opt/env")
