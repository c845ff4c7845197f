"""The site's processes: started in sessions of their own, known by pid and start time, stopped by pid alone."""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import server
from common import HERE, discard, log, write_atomic

REGISTRY_USER, REGISTRY_PASSWORD = "builder", "s3cret-for-tests"


class Processes:
    """{name: {"pid", "start"}} in DIR/pids.json. A pid that was given to another process is not ours."""

    def __init__(self, folder):
        self.folder = folder
        self._file = folder / "pids.json"
        self.known = json.loads(self._file.read_text()) if self._file.exists() else {}

    def start(self, name, command, env=None):
        with open(self.folder / f"{name}.log", "ab") as out:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True, env=env, cwd="/")
        self.known[name] = {"pid": process.pid, "start": _started(process.pid)}
        self._save()
        return process

    def adopt(self, name, pid):
        self.known[name] = {"pid": pid, "start": _started(pid)}
        self._save()

    def alive(self, name):
        entry = self.known.get(name)
        return entry is not None and entry["start"] is not None and _started(entry["pid"]) == entry["start"]

    def stop(self, name, patience=15):
        if self.alive(name):
            pid = self.known[name]["pid"]
            for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5)):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    break
                deadline = time.monotonic() + seconds
                while self.alive(name) and time.monotonic() < deadline:
                    time.sleep(0.05)
                if not self.alive(name):
                    break
        self.known.pop(name, None)
        self._save()

    def _save(self):
        write_atomic(self._file, json.dumps(self.known, indent=1))


def _started(pid):
    """The start time of a process in clock ticks; None where it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def short_folder(folder):
    """Where the sockets lie: under FOLDER where the path is short enough for one (107 bytes), else under /tmp."""
    if len(str(folder)) <= 48:
        return folder / "engine"
    return Path("/tmp") / f"site-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def free_port(folder, name):
    """A port that nobody listens on: the one that NAME had in FOLDER before, where it can be had."""
    file = folder / "ports.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    for wanted in (before.get(name, 0), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            before[name] = probe.getsockname()[1]
            write_atomic(file, json.dumps(before))
            return before[name]
    raise SystemExit("site: no free port on loopback")


def wait_for(what, check, process, log_file, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if check():
                return
        except OSError:
            pass
        time.sleep(0.05)
    tail = "\n".join(Path(log_file).read_text(errors="replace").splitlines()[-15:])
    raise SystemExit(f"site: {what} did not start; the end of {log_file}:\n{tail}")


def start_dockerd(processes, folder):
    """DOCKER_HOST of a new engine. No bridge, no iptables: containers use the host's network or none."""
    short = short_folder(folder)
    short.mkdir(parents=True, exist_ok=True)
    short.chmod(0o711)
    sock = short / "docker.sock"
    for left in ("pid", "docker.sock", "run/containerd/containerd.pid", "run/containerd/containerd.sock"):
        (short / left).unlink(missing_ok=True)
    command = ["dockerd", "--data-root", folder / "docker", "--exec-root", short / "run", "--pidfile", short / "pid",
               "-H", f"unix://{sock}", "--iptables=false", "--ip6tables=false", "--bridge=none", "--group", "root",
               "--config-file", folder / "daemon.json"]
    (folder / "daemon.json").write_text("{}\n")
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    for driver in ([], ["--storage-driver", "vfs"]):
        process = processes.start("dockerd", command + driver, env)
        try:
            wait_for("dockerd", lambda: _ping(sock), process, folder / "dockerd.log")
            break
        except SystemExit:
            processes.stop("dockerd")
            if driver:
                raise
            log("dockerd did not start with its own choice of storage; once more with vfs")
    pid = short / "run/containerd/containerd.pid"
    if pid.exists():
        processes.adopt("containerd", int(pid.read_text()))
    return f"unix://{sock}"


def _ping(sock):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(sock))
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b"200 OK" in client.recv(4096)


def start_registry(processes, folder, name, password=None):
    """host:port of a new registry; with PASSWORD one that asks for it."""
    auth = ""
    if password:
        line = subprocess.run(["htpasswd", "-niB", "-C", "4", REGISTRY_USER], input=password, capture_output=True, text=True,
                              check=True).stdout
        (folder / "htpasswd").write_text(line)
        auth = f"auth:\n  htpasswd:\n    realm: {name}\n    path: {folder}/htpasswd\n"
    for attempt in range(3):
        port = free_port(folder, name)
        (folder / f"{name}.yml").write_text(
            f"version: 0.1\nlog:\n  level: info\n  accesslog:\n    disabled: false\nstorage:\n  filesystem:\n"
            f"    rootdirectory: {folder}/{name}\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n"
            f"  secret: for-tests-alone\n{auth}")
        process = processes.start(name, ["docker-registry", "serve", folder / f"{name}.yml"])
        try:
            wait_for(name, lambda: _answers(port), process, folder / f"{name}.log", 15)
            return f"127.0.0.1:{port}"
        except SystemExit:  # another took the port between the two
            processes.stop(name)
            (folder / "ports.json").unlink(missing_ok=True)
            if attempt == 2:
                raise
    return None


def _answers(port):
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401


def start_server(processes, folder, packages):
    (folder / "www.port").unlink(missing_ok=True)
    process = processes.start("www", [sys.executable, "-B", HERE / "server.py", packages, folder, free_port(folder, "www")])
    wait_for("the web server", (folder / "www.port").exists, process, folder / "www.log", 20)
    return f"http://127.0.0.1:{(folder / 'www.port').read_text()}"


def credentials():
    return {"channel_user": server.USER, "channel_password": server.PASSWORD, "channel_token": server.TOKEN,
            "registry_user": REGISTRY_USER, "registry_password": REGISTRY_PASSWORD}


def stop_all(folder):
    """Stops what runs for FOLDER and unmounts what it left mounted; the engine's and registries' data goes."""
    processes = Processes(folder)
    for name in ("www", "registry", "private-registry", "dockerd", "containerd", *list(processes.known)):
        processes.stop(name)
    _stop_shims(short_folder(folder))
    _unmount(folder)
    _unmount(short_folder(folder))
    discard(*(folder / name for name in ("docker", "registry", "private-registry")), short_folder(folder))
    for name in ("site.env", "site.json", "pids.json", "www.port"):
        (folder / name).unlink(missing_ok=True)


def _stop_shims(short):
    """Shims outlive a killed engine; ours name our containerd's socket."""
    mark = str(short / "run/containerd").encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words and b"containerd" in words[0] and any(w.startswith(mark) for w in words):
            for child in _children(int(entry.name)):
                _kill(child)
            _kill(int(entry.name))


def _children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _unmount(folder):
    points = [line.split()[4].encode().decode("unicode_escape") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(points, reverse=True):
        if point == str(folder) or point.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
