"""The site's web server: conda channels and the package index, with validators, ranges, credentials and faults.

usage: server.py PACKAGES_FOLDER STATE_FOLDER [PORT]     writes STATE_FOLDER/www.port once it listens
"""
import base64
import email.utils
import hashlib
import json
import os
import posixpath
import re
import socket
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import faults
import index
from common import write_atomic

USER, PASSWORD, TOKEN = "alice", "open sesame:/@%", "tk-5eed-f00d"
_TYPES = {".json": "application/json", ".html": "text/html", ".whl": "application/octet-stream", ".gz": "application/gzip",
          ".conda": "application/octet-stream", ".bz2": "application/x-bzip2", ".zst": "application/zstd",
          ".metadata": "text/plain; charset=utf-8"}


class Site:
    def __init__(self, packages, state):
        self.channels = Path(packages, "channels").resolve()
        self.files = Path(packages, "pypi", "files").resolve()
        self.index = index.load(Path(packages, "pypi"))
        self.control = faults.Control()
        self.log = open(Path(state, "www.log"), "a", buffering=1)
        self._etags, self._lock = {}, threading.Lock()

    def etag(self, path):
        """A hash of the content: the same file has the same ETag after a restart."""
        info = path.stat()
        key = (str(path), info.st_mtime_ns, info.st_size)
        with self._lock:
            if key in self._etags:
                return self._etags[key]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
        with self._lock:
            self._etags[key] = f'"{digest}"'
        return self._etags[key]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "envbuild-site"
    sys_version = ""
    wbufsize = -1
    timeout = 60

    def log_message(self, *args):
        pass

    def do_GET(self):
        self._answer()

    do_HEAD = do_POST = do_DELETE = do_PUT = do_GET

    def _answer(self):
        site = self.server.site
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.status, self.sent = 0, 0
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        try:
            if path.startswith("/_control/"):
                return self._control(path[len("/_control/"):], body)
            self.fault = site.control.match(path)
            if self.fault and self._struck_early(self.fault):
                return None
            return self._serve(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.wfile.flush() if not self.wfile.closed else None
            if not path.startswith("/_control/"):
                site.control.count(self.command, path, self.status, self.sent, self.headers)
                site.log.write(f"{time.time():.3f} {self.command} {path} {self.status} {self.sent}\n")

    def _control(self, what, body):
        """GET counts|log|faults|total; POST faults (one or a list); DELETE faults|counts."""
        control = self.server.site.control
        try:
            if self.command == "POST" and what == "faults":
                given = json.loads(body)
                for fault in given if isinstance(given, list) else [given]:
                    control.add(fault)
            elif self.command == "DELETE" and what in ("faults", "counts"):
                control.clear() if what == "faults" else control.reset_counts()
            elif self.command == "GET":
                return self._send(200, control.show(what), "application/json")
            else:
                raise ValueError("no such control")
        except (KeyError, ValueError) as error:
            return self._send(400, f"{error}\n".encode(), "text/plain")
        return self._send(200, b"{}\n", "application/json")

    def _struck_early(self, fault):
        kind = fault["kind"]
        if kind == "slow":
            time.sleep(fault.get("seconds", 1))
        elif kind == "status":
            self._send(fault["status"], fault.get("body", f"fault: {fault['status']}\n").encode(), "text/plain", fault.get("headers"))
            return True
        elif kind == "redirect":
            self._send(302, b"", "text/plain", {"Location": fault["location"]})
            return True
        elif kind == "reset":
            self.status = -1
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return True
        return False

    def _serve(self, path):
        if self.command not in ("GET", "HEAD"):
            return self._send(405, b"", "text/plain")
        if path.startswith("/private/"):
            if not self._authorised():
                return self._send(401, b"a user name and a password are needed\n", "text/plain",
                                  {"WWW-Authenticate": 'Basic realm="private"'})
            return self._content(path[len("/private"):], "/private")
        if path.startswith("/t/"):
            _, _, token, *rest = path.split("/")
            if token != TOKEN:
                return self._send(403, b"the token is not valid\n", "text/plain")
            return self._content("/" + "/".join(rest), f"/t/{token}")
        return self._content(path, "")

    def _authorised(self):
        given = self.headers.get("Authorization", "")
        return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def _content(self, path, before):
        site = self.server.site
        if path.startswith("/pypi/simple"):
            name = path[len("/pypi/simple"):].strip("/")
            if not path.endswith("/"):
                return self._send(301, b"", "text/plain", {"Location": before + path + "/"})
            plain = re.sub(r"[-_.]+", "-", name).lower()
            if plain != name:
                return self._send(301, b"", "text/plain", {"Location": f"{before}/pypi/simple/{plain}/"})
            found = index.page(site.index, name, self.headers.get("Accept", "*/*"), before + "/pypi/files/")
            return self._send(200, found[1], found[0], {"Vary": "Accept"}) if found else self._send(404, b"", "text/plain")
        root, rest = (site.files, path[len("/pypi/files/"):]) if path.startswith("/pypi/files/") else (site.channels, path[1:])
        file = Path(os.path.normpath(root / rest))
        if root not in file.parents or not file.is_file():
            return self._send(404, b"not found\n", "text/plain")
        return self._file(file)

    def _file(self, file):
        etag = self.server.site.etag(file)
        modified = int(file.stat().st_mtime)
        headers = {"ETag": etag, "Last-Modified": email.utils.formatdate(modified, usegmt=True), "Accept-Ranges": "bytes",
                   "Cache-Control": "public, max-age=30" if "repodata" in file.name else "public, max-age=31536000"}
        if not self.fault:
            wanted = self.headers.get("If-None-Match")
            if wanted and (wanted == "*" or etag in [t.strip().removeprefix("W/") for t in wanted.split(",")]):
                return self._send(304, b"", None, headers)
            since = self.headers.get("If-Modified-Since")
            if since and not wanted and _seconds(since) >= modified:
                return self._send(304, b"", None, headers)
        body = file.read_bytes()
        status = 200
        span = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if span and self.headers.get("If-Range", etag) == etag and (span[1] or span[2]):
            start, end = _span(span, len(body))
            if start >= len(body) or start > end:
                return self._send(416, b"", "text/plain", {"Content-Range": f"bytes */{len(body)}"})
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            body, status = body[start:end + 1], 206
        kind = "text/html" if self.fault and self.fault["kind"] == "html" else _TYPES.get(
            posixpath.splitext(file.name)[1], "application/octet-stream")
        return self._send(status, body, kind, headers)

    def _send(self, status, body, kind, headers=None):
        fault = getattr(self, "fault", None)
        cut = None
        if fault and status in (200, 206):
            body = faults.strike(fault, body)
            if fault["kind"] == "truncate":
                cut = fault.get("at", len(body) // 2)
        self.status = status
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body if cut is None else body[:cut])
            self.sent = len(body) if cut is None else cut
        if cut is not None:  # fewer bytes than promised, and then the end
            self.close_connection = True


def _span(match, length):
    if not match[1]:
        return max(0, length - int(match[2])), length - 1
    return int(match[1]), min(int(match[2]) if match[2] else length - 1, length - 1)


def _seconds(text):
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return 0


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    packages, state, port = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = Server(("127.0.0.1", port), Handler)
    server.site = Site(packages, state)
    write_atomic(Path(state, "www.port"), str(server.server_address[1]))
    server.serve_forever()


if __name__ == "__main__":
    main()
