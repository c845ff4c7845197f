"""Wheels that envbuild links itself, held against pip: the same files, and nothing that pip, importlib or Python would miss."""

import base64
import hashlib
import json
import re
import zipfile

from harness import check, contains, lacks

HEAD = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"


def environment(*lines):
    return HEAD + "".join(f"    - {json.dumps(line)}\n" for line in lines)


def record_hash(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def write_wheel(path, name, files, version="1.0", lie=None, requires=""):
    """FILES: {path in the wheel: text, bytes, or (either, mode)}. LIE changes RECORD's text."""
    info = f"{name}-{version}.dist-info"
    files = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}\nA wheel.\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path / f"{name}-{version}-py3-none-any.whl"
    target.parent.mkdir(parents=True, exist_ok=True)
    record = ""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, content in files.items():
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            data = data.encode() if isinstance(data, str) else data
            item = zipfile.ZipInfo(place, (2021, 2, 3, 4, 5, 6))
            item.external_attr = (0o100000 | mode) << 16
            archive.writestr(item, data, zipfile.ZIP_DEFLATED)
            quoted = '"' + place.replace('"', '""') + '"' if "," in place else place
            record += f"{quoted},{record_hash(data)},{len(data)}\n"
        record += f"{info}/RECORD,,\n"
        archive.writestr(f"{info}/RECORD", lie(record) if lie else record)
    return target


RICH = {
    "rich/__init__.py": "def main():\n    print('hello from', __name__)\n\nclass App:\n    @staticmethod\n    def run():\n        print('window')\n",
    "rich/data, with a comma.txt": "x",
    "rich/tool.sh": ("#!/bin/sh\necho tool\n", 0o755),
    "rich_old.py": "print 'Python 2'\n",
    "Rich_Wheel-1.0.data/purelib/rich_pure.py": "value = 1\n",
    "Rich_Wheel-1.0.data/platlib/rich_plat.py": "value = 2\n",
    "Rich_Wheel-1.0.data/scripts/rich-script": ("#!python\nimport rich_pure, sys\nprint(sys.executable, rich_pure.value)\n", 0o755),
    "Rich_Wheel-1.0.data/scripts/rich-shell": ("#!/bin/sh\necho from sh\n", 0o755),
    "Rich_Wheel-1.0.data/scripts/rich-main": ("#!python\nprint('an old wrapper')\n", 0o755),
    "Rich_Wheel-1.0.data/data/share/rich/data.bin": bytes(range(256)) * 1000,
    "Rich_Wheel-1.0.data/headers/rich.h": "#define RICH 1\n",
    "Rich_Wheel-1.0.dist-info/entry_points.txt": "[console_scripts]\nrich-main = rich:main [speed]\n\n[gui_scripts]\nrich-window = rich:App.run\n",
    "Rich_Wheel-1.0.dist-info/licenses/LICENSE.txt": "free\n",
}

# Installs the wheel on its standard input once more, with pip and into another prefix, and compares.
COMPARE = """
import csv, glob, os, subprocess, sys
os.mkdir('/tmp/w')
wheel = '/tmp/w/Rich_Wheel-1.0-py3-none-any.whl'
open(wheel, 'wb').write(sys.stdin.buffer.read())
subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--ignore-installed', '--no-warn-script-location', '--prefix', '/tmp/other', 'rich-wheel @ file://' + wheel], check=True)
def tree(root):
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = (open(path, 'rb').read(), oct(os.stat(path).st_mode))
    return found
info = 'lib/python3.11/site-packages/Rich_Wheel-1.0.dist-info/'
theirs = tree('/tmp/other')
rows = {}
for root in ('/tmp/other', '/opt/env'):
    with open(root + '/' + info + 'RECORD', newline='') as file:
        rows[root] = {os.path.normpath('lib/python3.11/site-packages/' + row[0]): tuple(row[1:]) for row in csv.reader(file)}
ours = {path: (open('/opt/env/' + path, 'rb').read(), oct(os.stat('/opt/env/' + path).st_mode)) for path in rows['/opt/env']}
assert set(ours) - {info + 'REQUESTED', info + 'direct_url.json'} == set(theirs) - {info + 'REQUESTED', info + 'direct_url.json'}, set(ours) ^ set(theirs)
different = {path for path in theirs if path in ours and ours[path] != theirs[path]}
by_design = {info + 'INSTALLER', info + 'RECORD', 'bin/rich-main', 'bin/rich-window'} | {path for path in theirs if path.endswith('.pyc')}
assert different <= by_design, different - by_design
for path, row in rows['/tmp/other'].items():
    if path not in by_design and path in ours:
        assert path.endswith(('REQUESTED', 'direct_url.json')) or rows['/opt/env'][path] == row, (path, row, rows['/opt/env'][path])
for name in ('rich-main', 'rich-window'):
    assert ours['bin/' + name][0].split(b'\\n')[0] == theirs['bin/' + name][0].split(b'\\n')[0] and ours['bin/' + name][1] == theirs['bin/' + name][1]
print('the same', len(ours))
"""

# Every file that envbuild's RECORDs name is there and has its hash; importlib sees what pip sees.
INVENTORY = """
import base64, hashlib, importlib.metadata, json
found = {}
for dist in importlib.metadata.distributions():
    if (dist.read_text('INSTALLER') or '').strip() != 'envbuild':
        continue
    for file in dist.files:
        data = file.locate().read_bytes()
        if file.hash:
            assert file.hash.mode == 'sha256'
            assert base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode() == file.hash.value, file
            assert file.size == len(data), file
        else:
            assert file.name == 'RECORD' or file.suffix == '.pyc', file
    found[dist.metadata['Name'].lower().replace('_', '-')] = [dist.version, dist.read_text('REQUESTED') is not None, dist.read_text('direct_url.json')]
print(json.dumps(found))
"""


def test_a_wheel_becomes_what_pip_makes_of_it(host):
    host.share_cache()
    wheel = write_wheel(host.directory / "wheels", "Rich_Wheel", RICH, requires="Requires-Dist: six\nProvides-Extra: speed\n")
    host.write("env.yml", environment("./wheels/Rich_Wheel-1.0-py3-none-any.whl"))
    image = host.run("build", "env.yml", "--json").json["image"]
    site = host.site
    answer = site.docker("run", "-i", "--rm", "--network", "none", image, "/opt/env/bin/python3.11", "-c", "import base64, sys, io; data = base64.b64decode(sys.stdin.read()); "
                         "sys.stdin = io.TextIOWrapper(io.BytesIO(data)); exec(" + repr(COMPARE) + ")", input=base64.b64encode(wheel.read_bytes()).decode())
    contains(answer.stdout, "the same")
    found = json.loads(site.run_in(image, "python", "-c", INVENTORY))
    check(found["rich-wheel"][:2] == ["1.0", True] and found["six"][1] is False, found)
    check(site.run_in(image, "rich-main").strip() == "hello from rich")
    check(site.run_in(image, "rich-window").strip() == "window")
    check(site.run_in(image, "rich-script").strip() == "/opt/env/bin/python3.11 1")
    check(site.run_in(image, "rich-shell").strip() == "from sh")
    listed = {entry["name"]: entry["version"] for entry in json.loads(site.run_in(image, "python", "-m", "pip", "list", "--format=json"))}
    check(listed.get("Rich-Wheel", listed.get("Rich_Wheel")) == "1.0", listed)
    site.run_in(image, "python", "-m", "pip", "check")
    # What pip takes away again is all that was put there.
    left = site.run_in(image, "sh", "-c", "python -m pip uninstall -q -y Rich-Wheel 2>/dev/null; find /opt/env -iname '*rich*' -not -path '*/pip/*'")
    check(not [line for line in left.splitlines() if "/rich" in line.lower().replace("/opt/env/share/rich", "")], left)
    # Compiled, and checked against no time.
    said = site.run_in(image, "python", "-c", "import rich, importlib.util as u; print(open(u.cache_from_source(rich.__file__), 'rb').read()[4:8])")
    contains(said, r"b'\x01\x00\x00\x00'")


def test_wheels_that_lie_or_clash_end_the_run_before_the_engine_is_asked(host):
    host.share_cache()
    host.write("env.yml", environment("./wheels/liar-1.0-py3-none-any.whl"))
    write_wheel(host.directory / "wheels", "liar", {"liar.py": "value = 1\n", "more.py": ""}, lie=lambda text: text.replace("more.py,", "less.py,"))
    contains(host.run("build", "env.yml", code=8).err, "liar-1.0-py3-none-any.whl", "more.py", "is not in its RECORD")
    host.write("env.yml", environment("./wheels/clash-1.0-py3-none-any.whl"))
    write_wheel(host.directory / "wheels", "clash", {"clash-1.0.data/scripts/pip": "#!python\n"})
    contains(host.run("build", "env.yml", code=2).err, "clash-1.0-py3-none-any.whl", "the conda package pip-", "both bring bin/pip")
    host.write("env.yml", environment("./wheels/one-1.0-py3-none-any.whl", "./wheels/two-1.0-py3-none-any.whl"))
    write_wheel(host.directory / "wheels", "one", {"common.py": "value = 1\n"})
    write_wheel(host.directory / "wheels", "two", {"common.py": "value = 2\n"})
    built = host.run("build", "env.yml", "--json")
    contains(built.err, "one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl", "site-packages/common.py", "they differ")
    image = built.json["image"]
    contains(host.site.run_in(image, "python", "-c", "import common; print(common.value)"), "1")


def test_an_image_without_pip_gets_its_wheels_all_the_same(host):
    host.share_cache()
    write_wheel(host.directory / "wheels", "Rich_Wheel", RICH, requires="Requires-Dist: six\n")
    host.write("env.yml", environment("./wheels/Rich_Wheel-1.0-py3-none-any.whl"))
    host.run("lock", "env.yml", "-o", "conda-lock.yml")
    entries = re.split(r"^(?=- name: )", (host.directory / "conda-lock.yml").read_text(), flags=re.M)
    entries[0] = re.sub(r" +envbuild.lock_hash: .*\n", "", entries[0])  # changed on purpose
    kept = [entry for entry in entries if not re.match(r"- name: (pip|setuptools|wheel)\n", entry)]
    check(len(kept) == len(entries) - 3, [entry.splitlines()[0] for entry in entries])
    host.write("conda-lock.yml", "".join(kept))
    image = host.run("build", "--lock", "conda-lock.yml", "--json").json["image"]
    found = json.loads(host.site.run_in(image, "python", "-c", INVENTORY))
    check(set(found) == {"rich-wheel", "six"}, found)
    check(host.site.run_in(image, "rich-main").strip() == "hello from rich")
    lacks(host.site.run_in(image, "sh", "-c", "ls /opt/env/bin; ls /opt/env/lib/python3.11/site-packages"), "pip", "setuptools")
