"""Turns the recipes into trees and records: relocated, mended, with the dependencies that the ELF files tell."""
import hashlib
import json
from pathlib import Path

import yaml

import debs
import dists
import elf
import fixes
from common import HERE, log
from tree import Tree, as_noarch_python, from_debs, select


def recipes():
    out = yaml.safe_load((HERE / "recipes.yaml").read_text())
    for recipe in yaml.safe_load((HERE / "recipes-noarch.yaml").read_text()):
        out.append({"noarch": "python", "wheel": not recipe.get("virtual"), **recipe})
    return out


def deb_names():
    return sorted({d for r in recipes() for d in r.get("debs", [])})


class Package:
    """One recipe with its tree. `records()` gives (record, tree, about, format) for it and each variant."""

    def __init__(self, recipe, tree, version):
        self.recipe, self.tree, self.version = recipe, tree, version
        self.depends = []  # found in the ELF files

    def variants(self):
        yield self._variant({})
        for over in self.recipe.get("variants", []):
            yield self._variant(over)

    def _variant(self, over):
        recipe = {**self.recipe, **over}
        version = str(over.get("version", self.version))
        number = recipe.get("number", 0)
        depends = [*recipe.get("depends", []), *self.depends]
        if recipe.get("noarch") == "python":
            depends = ["python >=3.7", *depends]
        noarch = recipe.get("noarch")
        record = {"name": recipe["name"], "version": version, "build_number": number,
                  "depends": depends, "license": recipe["license"],
                  "subdir": "noarch" if noarch else "linux-64", "timestamp": self.tree.newest() * 1000 or 1700000000000}
        if not noarch:
            record |= {"arch": "x86_64", "platform": "linux"}
        else:
            record["noarch"] = noarch
        if recipe.get("constrains"):
            record["constrains"] = recipe["constrains"]
        if recipe.get("track_features"):
            record["track_features"] = recipe["track_features"]
        for key in ("depends", "constrains"):
            if key in record:
                record[key] = sorted(t.format(version=version, number=number) for t in record[key])
        digest = hashlib.sha1(json.dumps(record, sort_keys=True).encode()).hexdigest()[:7]
        form = recipe.get("build") or (
            "pyhd8ed1ab_{number}" if noarch == "python" else "py311h{hash}_{number}" if recipe.get("python") else "h{hash}_{number}")
        record["build"] = form.format(hash=digest, number=number)
        about = {"summary": recipe.get("about", f"{recipe['name']}, repacked from Debian for a test site"),
                 "debian": {d: e["version"] for d, e in recipe.get("_debs", {}).items()}}
        return record, self._tree(over, version), about, recipe.get("format", "conda")

    def _tree(self, over, version):
        """The same object where the files are the same, so that they are compressed once."""
        if version == self.version or self.recipe.get("virtual") or not (self.recipe.get("dist") or over.get("version_files")):
            return self.tree
        tree = self.tree.copy()
        fixes.old_version(tree, over.get("version_files", []), self.version, version)
        if self.recipe.get("dist") and not self.recipe["dist"].get("keep"):
            tree = dists.normalise(tree, self.recipe["dist"], version)
        return tree


def packages(work):
    """All packages by name. WORK holds the unpacked Debian files as long as the trees are used."""
    wanted = recipes()
    entries = debs.fetch(deb_names())
    log(f"unpacking {len(entries)} Debian packages")
    debs.unpack(entries, work / "debs")
    log("relocating and mending")
    out = {}
    for recipe in wanted:
        own = work / "own" / recipe["name"]
        recipe["_debs"] = {d: entries[d] for d in recipe.get("debs", [])}
        tree = from_debs([work / "debs" / d for d in recipe.get("debs", [])])
        if recipe.get("noarch") == "python":
            tree = as_noarch_python(tree)
        tree = select(tree, recipe.get("take", []), recipe.get("drop", []))
        version = recipe.get("version") or debs.upstream_version(entries[recipe["debs"][0]]["version"])
        elf.set_rpaths(tree, own)
        if "unzip_wheel" in recipe.get("fix", []):
            version = tree.glob("wheels/*")[0].split("-")[1]
        early = [f for f in recipe.get("fix", []) if f in ("unzip_wheel", "certifi_bundle", "torch_version", "torchvision_version")]
        for name in early:
            getattr(fixes, name)(tree, recipe, own)
        if recipe.get("dist"):
            tree = dists.normalise(tree, recipe["dist"], str(version))
        for name in [f for f in recipe.get("fix", []) if f not in early]:
            getattr(fixes, name)(tree, recipe, own)
        out[recipe["name"]] = Package(recipe, tree, str(version))
    _find_depends(out)
    return out


def _find_depends(found):
    """What the ELF files need, as dependencies on the packages that offer it."""
    needed, offered = {}, {}
    for name, package in found.items():
        needed[name], names = elf.needs(package.tree)
        for soname in names:
            offered.setdefault(soname, name)
    for name, sonames in needed.items():
        lost = sorted(s for s in sonames if s not in offered)
        if lost:
            raise SystemExit(f"site: {name} needs {', '.join(lost)}, which no recipe brings")
        for other in sorted({offered[s] for s in sonames} - {name}):
            own = [d.split()[0] for d in found[name].recipe.get("depends", [])]
            if other not in own:
                version = found[other].version
                found[name].depends.append(f"{other} >={version}")


def demos(table, work):
    """{name: (record, tree, format)} of the packages written by hand."""
    out = {}
    for name, (make, format) in table.items():
        tree, facts = make(Path(work) / "demo" / name)
        noarch = facts.get("noarch")
        record = {"name": name, "version": facts["version"], "build": "h5eed001_0", "build_number": 0,
                  "depends": facts.get("depends", []), "license": facts["license"],
                  "subdir": "noarch" if noarch else "linux-64", "timestamp": 1700000000000}
        record |= {"noarch": noarch} if noarch else {"arch": "x86_64", "platform": "linux"}
        out[name] = (record, tree if isinstance(tree, Tree) else tree[0], format)
    return out
