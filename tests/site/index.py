"""The package index's pages: PEP 503 HTML and PEP 691 JSON, with PEP 658 metadata beside each wheel."""
import html
import json

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = "application/vnd.pypi.simple.v1+html"


def load(folder):
    return json.loads((folder / "index.json").read_text())


def page(entries, project, accept, files_url):
    """(content type, body) of the page of PROJECT, or of the list of projects where it is empty; None if there is none."""
    as_json = _wants_json(accept)
    mine = [e for e in entries if e["project"] == project]
    if project and not mine:
        return None
    if as_json:
        meta = {"meta": {"api-version": "1.0"}}
        if not project:
            return _JSON, json.dumps({**meta, "projects": [{"name": n} for n in _projects(entries)]}).encode()
        return _JSON, json.dumps({**meta, "name": project, "files": [_file(e, files_url) for e in mine]}).encode()
    if not project:
        links = "".join(f'<a href="{n}/">{n}</a><br>\n' for n in _projects(entries))
        title = "Simple index"
    else:
        links = "".join(_anchor(e, files_url) for e in mine)
        title = f"Links for {project}"
    kind = _HTML if _HTML in accept else "text/html; charset=utf-8"
    return kind, (f'<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0"><title>{title}</title></head>'
                  f"<body><h1>{title}</h1>\n{links}</body></html>\n").encode()


def _wants_json(accept):
    """The media type with the highest q among those that we have."""
    best = ("", 0.0)
    for part in accept.split(","):
        kind, *options = [t.strip() for t in part.split(";")]
        quality = next((float(o[2:]) for o in options if o.startswith("q=")), 1.0)
        if kind in (_JSON, _HTML, "text/html") and quality > best[1]:
            best = (kind, quality)
    return best[0] == _JSON


def _projects(entries):
    return sorted({e["project"] for e in entries})


def _file(entry, files_url):
    out = {"filename": entry["file"], "url": files_url + entry["file"], "hashes": {"sha256": entry["sha256"]},
           "size": entry["size"], "yanked": False}
    if entry["python"]:
        out["requires-python"] = entry["python"]
    if entry["metadata"]:
        # PEP 714: under the older key "dist-info-metadata" a table breaks pip 22.3 to 23.0; PyPI uses these two.
        out["data-dist-info-metadata"] = out["core-metadata"] = {"sha256": entry["metadata"]}
    return out


def _anchor(entry, files_url):
    extra = ""
    if entry["python"]:
        extra += f' data-requires-python="{html.escape(entry["python"])}"'
    if entry["metadata"]:
        extra += f' data-dist-info-metadata="sha256={entry["metadata"]}" data-core-metadata="sha256={entry["metadata"]}"'
    return f'<a href="{files_url}{entry["file"]}#sha256={entry["sha256"]}"{extra}>{entry["file"]}</a><br>\n'
