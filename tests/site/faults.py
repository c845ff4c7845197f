"""Faults by path prefix, and the count of requests: what the server's control endpoint changes."""
import json
import threading
import time
from collections import Counter

KINDS = {"status", "html", "truncate", "bitflip", "slow", "reset", "redirect", "empty"}


class Control:
    """Thread-safe. A fault is {"prefix", "kind", "times"?, "status"?, "headers"?, "at"?, "seconds"?, "location"?}."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []
        self._counts = Counter()
        self._log = []

    def add(self, fault):
        kind = str(fault.get("kind", ""))
        if kind.isdigit():  # "404" is short for a status
            fault = {**fault, "kind": "status", "status": int(kind)}
        if fault["kind"] not in KINDS or "prefix" not in fault:
            raise ValueError(f"a fault needs a prefix and a kind of {', '.join(sorted(KINDS))}, or a status number")
        with self._lock:
            self._faults.append(dict(fault))

    def clear(self):
        with self._lock:
            self._faults.clear()

    def reset_counts(self):
        with self._lock:
            self._counts.clear()
            self._log.clear()

    def match(self, path):
        """The first fault whose prefix fits, counted down where it is said how often it strikes."""
        with self._lock:
            for fault in self._faults:
                if path.startswith(fault["prefix"]) and fault.get("times", 1) > 0:
                    if "times" in fault:
                        fault["times"] -= 1
                    return dict(fault)
        return None

    def count(self, method, path, status, sent, headers):
        with self._lock:
            self._counts[path] += 1
            self._log.append({"time": round(time.time(), 3), "method": method, "path": path, "status": status, "bytes": sent,
                              "authorization": bool(headers.get("Authorization")), "range": headers.get("Range"),
                              "if_none_match": headers.get("If-None-Match"), "user_agent": headers.get("User-Agent")})

    def show(self, what):
        with self._lock:
            value = {"faults": self._faults, "counts": dict(sorted(self._counts.items())), "log": self._log,
                     "total": sum(self._counts.values())}[what]
            return json.dumps(value, indent=1).encode()


def strike(fault, body):
    """BODY as the fault has it."""
    kind = fault["kind"]
    if kind == "html":
        return b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in to continue</body></html>\n"
    if kind == "empty":
        return b""
    if kind == "bitflip" and body:
        at = fault.get("at", len(body) // 2) % len(body)
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
    return body
