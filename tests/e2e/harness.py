"""What the end-to-end tests stand on: a running site, and hosts on which a user types envbuild."""

import contextlib
import json
import os
import pathlib
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.request


class Site:
    """A running test site (tests/site/README.md)."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.facts = json.loads((self.directory / "site.json").read_text())
        self.env = self.facts["env"]
        self._script = None

    @classmethod
    def start(cls, script):
        directory = tempfile.mkdtemp(prefix="ebsite-")
        subprocess.run([script, "up", directory], check=True)
        site = cls(directory)
        site._script = script
        return site

    def stop(self):
        subprocess.run([self._script, "down", str(self.directory)], check=False)
        subprocess.run(["rm", "-rf", str(self.directory)], check=False)

    def __getattr__(self, name):
        """site.registry, site.index, site.www, …"""
        if name in self.facts:
            return self.facts[name]
        raise AttributeError(name)

    def channel(self, name):
        return self.facts["channels"].get(name, f"{self.facts['www']}/{name}")

    def catch_env(self):
        return {
            **self.env,
            "ENVBUILD_TEST_DOCKER_HOST": self.docker_host,
            "ENVBUILD_TEST_REGISTRY": self.registry,
            "ENVBUILD_TEST_REGISTRY_AUTH": self.private_registry,
            "ENVBUILD_TEST_REGISTRY_USER": self.credentials["registry_user"],
            "ENVBUILD_TEST_REGISTRY_PASSWORD": self.credentials["registry_password"],
            "ENVBUILD_TEST_SITE": str(self.directory),
        }

    # The web server's control: what was asked, and faults by path prefix.
    def _control(self, what, method="GET", data=None):
        body = json.dumps(data).encode() if data is not None else None
        request = urllib.request.Request(f"{self.www}/_control/{what}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def reset(self):
        self._control("faults", "DELETE")
        self._control("counts", "DELETE")

    def fault(self, prefix, kind, **more):
        self._control("faults", "POST", {"prefix": prefix, "kind": kind, **more})

    def requests(self):
        """How many requests the channels and the index have had since reset()."""
        return int(self._control("total"))

    def request_log(self):
        return json.loads(self._control("log"))

    def docker(self, *arguments, check=True, **more):
        result = subprocess.run(["docker", "-H", self.docker_host, *arguments], capture_output=True, text=True, timeout=600, **more)
        if check and result.returncode != 0:
            raise AssertionError(f"docker {' '.join(arguments)}: {result.stderr[-2000:]}")
        return result

    def run_in(self, image, *command, env=None, user=None):
        """Runs a command in an image with no network; its standard output."""
        options = ["--rm", "--network", "none"]
        for key, value in (env or {}).items():
            options += ["-e", f"{key}={value}"]
        if user:
            options += ["--user", user]
        return self.docker("run", *options, image, *command).stdout

    def tags(self, repository):
        with contextlib.suppress(urllib.error.HTTPError):
            with urllib.request.urlopen(f"http://{self.registry}/v2/{repository}/tags/list") as answer:
                return sorted(json.load(answer)["tags"] or [])
        return []


class Result:
    """A finished run of envbuild."""

    def __init__(self, arguments, code, out, err, seconds):
        self.arguments, self.code, self.out, self.err, self.seconds = arguments, code, out, err, seconds

    @property
    def line(self):
        """The only line on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, f"standard output has {len(lines)} lines: {self.out!r}"
        return lines[0]

    @property
    def json(self):
        return json.loads(self.line)

    def __str__(self):
        return f"envbuild {shlex.join(map(str, self.arguments))}\nexit {self.code}\n-- out\n{self.out}\n-- err\n{self.err}"


class Host:
    """A machine with its own home, cache and data, on which envbuild is installed. `directory` is where files are."""

    _names = 0
    _shared_cache = None

    def __init__(self, build, site, directory, repository=None):
        self.program = pathlib.Path(build) / "src/envbuild"
        self.build, self.site, self.directory = build, site, pathlib.Path(directory)
        Host._names += 1
        self.repository = repository or f"e2e/{os.getpid()}-{Host._names}-{int(time.time())}"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory / "home"),
            "LANG": "C.UTF-8",
            "DOCKER_HOST": site.docker_host,
            "ENVBUILD_REGISTRY": f"{site.registry}/{self.repository}",
            "ENVBUILD_CHANNEL_MIRRORS": ",".join(f"https://conda.anaconda.org/{name}={url}" for name, url in site.channels.items()),
            "ENVBUILD_REGISTRY_MIRRORS": f"docker.io={site.registry}",
            "PIP_INDEX_URL": site.index,
            # What a run leaves in the environment of CI must not change what is tested.
            "NO_COLOR": "1",
        }
        (self.directory / "home").mkdir(parents=True, exist_ok=True)

    def second(self):
        """Another machine of the same team: nothing shared but the registry."""
        return Host(self.build, self.site, self.directory / f"host-{time.monotonic_ns()}", self.repository)

    def share_cache(self):
        """Takes the cache that hosts share, for tests that are not about downloads: packages and base images are there."""
        if Host._shared_cache is None:
            Host._shared_cache = tempfile.TemporaryDirectory(prefix="envbuild-e2e-cache-")
        self.env["XDG_CACHE_HOME"] = Host._shared_cache.name
        return self

    @property
    def cache(self):
        return pathlib.Path(self.env.get("XDG_CACHE_HOME", self.directory / "home/.cache")) / "envbuild"

    @property
    def data(self):
        return self.directory / "home/.local/share/envbuild"

    def tags(self):
        """The tags of this host's repository."""
        return self.site.tags(self.repository)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def start(self, *arguments, env=None, **more):
        environment = {k: v for k, v in {**self.env, **(env or {})}.items() if v is not None}
        return subprocess.Popen([str(self.program), *map(str, arguments)], env=environment, cwd=self.directory, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more)

    def run(self, *arguments, env=None, code=0, stdin=None, timeout=900):
        """Runs envbuild; fails the test unless it ends with `code` (None: any)."""
        begun = time.monotonic()
        environment = {k: v for k, v in {**self.env, **(env or {})}.items() if v is not None}
        done = subprocess.run([str(self.program), *map(str, arguments)], env=environment, cwd=self.directory, text=True, input=stdin,
                              stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, timeout=timeout)
        result = Result(arguments, done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
        if code is not None and result.code != code:
            raise AssertionError(f"exit code {result.code}, not {code}\n{result}")
        return result

    def interrupt_after(self, process, seconds, sig=signal.SIGINT):
        time.sleep(seconds)
        process.send_signal(sig)
        out, err = process.communicate(timeout=60)
        return Result(process.args[1:], process.returncode, out, err, seconds)


def check(condition, message=""):
    if not condition:
        raise AssertionError(message or "check failed")


def contains(text, *parts):
    for part in parts:
        check(part in text, f"{part!r} is not in:\n{text}")


def lacks(text, *parts):
    for part in parts:
        check(part not in text, f"{part!r} is in:\n{text}")
