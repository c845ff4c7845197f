#include "pypi/index_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/shown.hpp"
#include "base/strings.hpp"
#include "pypi/html_page.hpp"
#include "pypi/line_parser.hpp"

namespace envbuild::pypi {

namespace {

constexpr std::size_t kMaxSkipped = 20;

Error corrupt(const Url& page, std::string_view what) {
    return Error(ErrorKind::Corrupt, fmt::format("{}: {}", page.without_user_info().to_string(), what));
}

// "1.0", "1.4": later minor versions only add.
bool is_known_version(std::string_view version) {
    return version == "1" || version.starts_with("1.");
}

Error unknown_version(const Url& page, std::string_view version) {
    return corrupt(page, fmt::format("the index speaks version {} of the simple API; 1.x is known", shown(version)))
        .with_hint("a newer envbuild may know it");
}

void skip(IndexPage& out, std::string_view entry, std::string_view reason) {
    if (out.skipped.size() < kMaxSkipped) out.skipped.push_back(fmt::format("{}: {}", shown(entry), reason));
}

// Nothing where the link is of no use; `skipped` then says why.
std::optional<Url> resolve_link(const Url& base, const Url& page, std::string_view reference, IndexPage& out) {
    if (has_control_character(reference) || reference.find(' ') != std::string_view::npos) {
        skip(out, reference, "the URL holds a space or a control character");
        return std::nullopt;
    }
    const auto url = base.resolve(reference);
    if (!url) {
        skip(out, reference, url.error().message());
        return std::nullopt;
    }
    const bool file = url->scheme() == "file" && page.scheme() == "file";
    if (!file && url->scheme() != "http" && url->scheme() != "https") {
        skip(out, reference, "the scheme is not followed");
        return std::nullopt;
    }
    return url->without_user_info();
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find_first_of("/\\") == std::string_view::npos && !has_control_character(name) && is_valid_utf8(name);
}

// "sha256=<hex>" among the fields of a fragment or of an attribute.
std::optional<Digest> sha256_in(std::string_view text) {
    for (const auto field : split(text, '&')) {
        if (!field.starts_with("sha256=")) continue;
        if (const auto digest = Digest::from_hex(field.substr(7))) return *digest;
    }
    return std::nullopt;
}

// Typed access to the members of a page, with the place in the error.
class Entry {
  public:
    Entry(const Json& json, const Url& page, std::string where) : json_(json), page_(page), where_(std::move(where)) {}

    [[nodiscard]] std::string text(std::string_view key) const {
        const Json& value = json_[key];
        if (value.is_null()) return "";
        if (!value.is_string()) wrong(key, "a text");
        return value.as_string();
    }
    [[nodiscard]] std::optional<std::uint64_t> size(std::string_view key) const {
        const Json& value = json_[key];
        if (value.is_null()) return std::nullopt;
        if (!value.is_int() || value.as_int() < 0) wrong(key, "a size");
        return static_cast<std::uint64_t>(value.as_int());
    }
    [[nodiscard]] std::optional<Digest> sha256(const Json& hashes, std::string_view key) const {
        if (hashes.is_null()) return std::nullopt;
        if (!hashes.is_object()) wrong(key, "an object of hashes");
        const Json& hex = hashes["sha256"];
        if (hex.is_null()) return std::nullopt;
        const auto digest =
            hex.is_string() ? Digest::from_hex(hex.as_string()) : fail(ErrorKind::Corrupt, "not a text");
        if (!digest) wrong(fmt::format("{}.sha256", key), "64 hexadecimal digits");
        return *digest;
    }
    [[nodiscard]] const Json& json() const { return json_; }
    [[noreturn]] void wrong(std::string_view key, std::string_view wanted) const {
        throw corrupt(page_, fmt::format("{}.{} is not {}", where_, key, wanted));
    }

  private:
    const Json& json_;
    const Url& page_;
    std::string where_;
};

void read_metadata_member(const Entry& entry, IndexFile& file) {
    // PEP 714: the first name was misread by old clients, so a second one counts before it.
    for (const std::string_view key : {"core-metadata", "dist-info-metadata"}) {
        const Json& value = entry.json()[key];
        if (value.is_null()) continue;
        if (!value.is_bool() && !value.is_object()) entry.wrong(key, "true, false or an object of hashes");
        file.has_metadata = value.is_object() || value.as_bool();
        if (value.is_object()) file.metadata_sha256 = entry.sha256(value, key);
        return;
    }
}

void read_json_file(const Entry& entry, const Url& page, IndexPage& out) {
    IndexFile file;
    file.filename = entry.text("filename");
    const std::string reference = entry.text("url");
    if (!is_plain_name(file.filename)) return skip(out, file.filename, "it is no file name");
    if (reference.empty()) return skip(out, file.filename, "it has no URL");
    const auto url = resolve_link(page, page, reference, out);
    if (!url) return;
    // pip goes by the URL: two names would be judged by the one and installed by the other.
    if (url->filename() != file.filename) return skip(out, file.filename, "its URL ends with another name");
    file.url = url->without_fragment();
    file.sha256 = entry.sha256(entry.json()["hashes"], "hashes");
    file.requires_python = entry.text("requires-python");
    file.size = entry.size("size");
    file.upload_time = entry.text("upload-time");
    const Json& yanked = entry.json()["yanked"];
    if (yanked.is_string() ? !yanked.as_string().empty() : yanked.is_bool() && yanked.as_bool()) {
        file.yanked = yanked.is_string() ? yanked.as_string() : "";
    } else if (!yanked.is_null() && !yanked.is_string() && !yanked.is_bool()) {
        entry.wrong("yanked", "true, false or a reason");
    }
    read_metadata_member(entry, file);
    out.files.push_back(std::move(file));
}

void read_anchor(const HtmlAnchor& anchor, const Url& base, const Url& page, IndexPage& out) {
    const auto reference = anchor.attribute("href");
    if (!reference) return;
    const auto url = resolve_link(base, page, trim(*reference), out);
    if (!url) return;
    IndexFile file;
    file.filename = url->filename();
    if (!has_archive_ending(file.filename)) return;  // "..", signatures, what else a folder's listing holds
    if (!is_plain_name(file.filename)) return skip(out, file.filename, "it is no file name");
    file.url = url->without_fragment();
    file.sha256 = sha256_in(url->fragment());
    file.requires_python = anchor.attribute("data-requires-python").value_or("");
    if (const auto reason = anchor.attribute("data-yanked")) file.yanked = *reason;
    for (const std::string_view key : {"data-core-metadata", "data-dist-info-metadata"}) {
        const auto value = anchor.attribute(key);
        if (!value) continue;
        file.has_metadata = *value != "false";
        file.metadata_sha256 = sha256_in(*value);
        break;
    }
    out.files.push_back(std::move(file));
}

}  // namespace

Expected<IndexPage> parse_json_page(std::string_view body, const Url& page) {
    const auto json = Json::parse(body);
    if (!json) return std::unexpected(corrupt(page, "is not JSON: " + shown(json.error().message())));
    const Json& files = (*json)["files"];
    const Json& version = (*json)["meta"]["api-version"];
    if (!version.is_string() || !files.is_array()) {
        return std::unexpected(
            corrupt(page, "is JSON, but no page of a package index: it lacks meta.api-version or files")
                .with_hint("an index's URL mostly ends in /simple"));
    }
    if (!is_known_version(version.as_string())) return std::unexpected(unknown_version(page, version.as_string()));
    IndexPage out;
    try {
        std::size_t number = 0;
        for (const Json& file : files.as_array()) {
            const std::string where = fmt::format("files[{}]", number++);
            if (!file.is_object()) throw corrupt(page, where + " is not an object");
            read_json_file(Entry(file, page, where), page, out);
        }
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
    return out;
}

Expected<IndexPage> parse_html_page(std::string_view body, const Url& page) {
    const HtmlPage html = read_html(body);
    if (!html.repository_version.empty() && !is_known_version(html.repository_version))
        return std::unexpected(unknown_version(page, html.repository_version));
    IndexPage out;
    Url base = page;
    if (!html.base.empty()) {
        auto resolved = page.resolve(html.base);
        if (!resolved) {
            return std::unexpected(corrupt(page, fmt::format("<base href> is no URL: {}", resolved.error().message())));
        }
        base = std::move(*resolved);
    }
    for (const HtmlAnchor& anchor : html.anchors) read_anchor(anchor, base, page, out);
    if (out.files.empty() && html.interactive && html.repository_version.empty()) {
        const std::string title = html.title.empty() ? "" : fmt::format(" (\"{}\")", shown(html.title));
        return std::unexpected(
            corrupt(page, fmt::format("is an HTML page for people{}, not a page of a package index", title))
                .with_hint("is this an index's URL? It mostly ends in /simple; a proxy or a login page may also have "
                           "answered in its place"));
    }
    return out;
}

Expected<IndexPage> parse_index_page(std::string_view content_type, std::string_view body, const Url& page) {
    const std::string type = to_lower(trim(content_type.substr(0, content_type.find(';'))));
    constexpr std::string_view kVendor = "application/vnd.pypi.simple.";
    if (type.starts_with(kVendor)) {
        const auto rest = std::string_view(type).substr(kVendor.size());
        if (rest == "v1+json") return parse_json_page(body, page);
        if (rest == "v1+html") return parse_html_page(body, page);
        return std::unexpected(unknown_version(page, rest));
    }
    const auto start = body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    const char first = start == std::string_view::npos ? '\0' : body[start];
    if (type == "application/json" || (type != "text/html" && first == '{')) return parse_json_page(body, page);
    if (type == "text/html" || first == '<') return parse_html_page(body, page);
    return std::unexpected(
        corrupt(page, fmt::format("is no page of a package index but {}",
                                  type.empty() ? "something else" : fmt::format("of type '{}'", shown(type))))
            .with_hint("an index's URL mostly ends in /simple"));
}

}  // namespace envbuild::pypi
