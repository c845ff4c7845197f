"""Import test of AzureML-Minimal: runs in its container."""
import ctypes
import lzma
import sqlite3
import ssl
import sys
import zlib

import pip

print("python", sys.version.split()[0])
print("pip", pip.__version__)
print("ssl", ssl.OPENSSL_VERSION)
print("sqlite", sqlite3.sqlite_version)
for codec in (zlib, lzma):
    if codec.decompress(codec.compress(b"envbuild")) != b"envbuild":
        sys.exit(codec.__name__ + " does not give back what it took")
print("ctypes", ctypes.sizeof(ctypes.c_void_p) * 8, "bit")
