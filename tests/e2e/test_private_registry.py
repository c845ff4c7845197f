"""A registry that asks for credentials: from config.json, from helpers, and what is said without them."""

import base64
import json
import stat

from harness import check, contains, lacks

TINY = "channels: [conda-forge]\ndependencies: [nomkl]\n"


def prepare(host):
    host.share_cache().write("env.yml", TINY)
    host.env["ENVBUILD_REGISTRY"] = f"{host.site.private_registry}/{host.repository}"
    facts = host.site.credentials
    return facts["registry_user"], facts["registry_password"]


def docker_config(host, config):
    host.write("home/.docker/config.json", json.dumps(config))


def helper(host, name, script):
    path = host.write(f"bin/docker-credential-{name}", "#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{host.directory / 'bin'}:{host.env['PATH']}"}


def auths(host, user, password):
    return {"auths": {host.site.private_registry: {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}}}


def test_credentials_of_config_json(host):
    user, password = prepare(host)
    refused = host.run("env.yml", code=6)
    contains(refused.err, f"docker login {host.site.private_registry}")
    docker_config(host, auths(host, user, "wrong-" + password))
    wrong = host.run("env.yml", code=6)
    contains(wrong.err, f"docker login {host.site.private_registry}")
    lacks(wrong.err, password)
    # Nobody could be asked, so it is not known whether it is there.
    host.run("lookup", "env.yml", code=4)
    docker_config(host, auths(host, user, password))
    host.run("lookup", "env.yml", code=3)
    built = host.run("env.yml").line
    check(host.run("lookup", "env.yml", "--verify").line == built)


def test_credential_helpers(host):
    user, password = prepare(host)
    docker_config(host, {"credHelpers": {host.site.private_registry: "good"}})
    answer = json.dumps({"ServerURL": host.site.private_registry, "Username": user, "Secret": password})
    path = helper(host, "good", f"[ \"$1\" = get ] && cat >asked && cat <<'END'\n{answer}\nEND\n")
    built = host.run("env.yml", env=path).line
    check((host.directory / "asked").read_text().strip() == host.site.private_registry)
    check(host.run("lookup", "env.yml", env=path).line == built)
    # A helper that knows nothing says so, and the registry is asked without credentials.
    docker_config(host, {"credsStore": "empty"})
    path = helper(host, "empty", "cat >/dev/null; echo 'credentials not found in native keychain'; exit 1\n")
    contains(host.run("env.yml", env=path, code=6).err, "docker login")


def test_helpers_that_do_not_do_their_job(host):
    user, password = prepare(host)
    docker_config(host, {"credsStore": "odd"})
    path = helper(host, "odd", f"echo '{password} is no JSON'\n")
    rubbish = host.run("env.yml", env=path, code=None)
    check(rubbish.code in (2, 6), rubbish)
    contains(rubbish.err, "docker-credential-odd")
    lacks(rubbish.err, password)
    absent = host.run("env.yml", code=None)
    check(absent.code in (2, 6), absent)
    contains(absent.err, "docker-credential-odd")
    # One that hangs is waited for as long as the user waits, and no longer.
    path = helper(host, "odd", "exec sleep 300\n")
    hung = host.run("env.yml", "--timeout", "2", env=path, code=130)
    check(hung.seconds < 30, hung)
