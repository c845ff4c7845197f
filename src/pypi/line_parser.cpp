#include "pypi/line_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "pypi/marker.hpp"
#include "pypi/specifier.hpp"

namespace envbuild::pypi {

namespace {

std::unexpected<LineFault> fault(std::size_t offset, std::string message, std::string hint = "") {
    return std::unexpected(LineFault{std::move(message), std::move(hint), offset});
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_name_character(char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

// The name at the beginning of the text, or "".
std::string_view leading_name(std::string_view text) {
    if (text.empty() || !is_letter_or_digit(text[0])) return "";
    std::size_t n = 0;
    while (n < text.size() && is_name_character(text[n])) ++n;
    while (n > 0 && !is_letter_or_digit(text[n - 1])) --n;
    return text.substr(0, n);
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    bool take(char c) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    std::string_view name() {
        skip_space();
        const auto found = leading_name(rest());
        at_ += found.size();
        return found;
    }
    std::string_view until(std::string_view stops) {
        const auto end = std::min(text_.find_first_of(stops, at_), text_.size());
        const auto piece = text_.substr(at_, end - at_);
        at_ = end;
        return piece;
    }
    [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

LineResult<std::vector<std::string>> parse_extras(Reader& in) {
    std::vector<std::string> extras;
    if (!in.take('[')) return extras;
    if (in.take(']')) return extras;
    do {
        const auto extra = in.name();
        if (extra.empty()) return fault(in.at(), "expected the name of an extra");
        extras.push_back(normalize_name(extra));
    } while (in.take(','));
    if (!in.take(']')) return fault(in.at(), "expected ']' after the extras");
    std::ranges::sort(extras);
    const auto repeated = std::ranges::unique(extras);
    extras.erase(repeated.begin(), repeated.end());
    return extras;
}

LineResult<std::string> parse_marker_text(std::string_view text, std::size_t offset) {
    auto marker = Marker::parse(text);
    if (!marker) return fault(offset, marker.error().message());
    return marker->to_string();
}

// Why "name rest" is no requirement, as helpfully as the rest allows.
std::unexpected<LineFault> explain_rest(std::string_view name, std::string_view rest, std::size_t offset) {
    const auto next = split_whitespace(rest).empty() ? rest : split_whitespace(rest).front();
    if (rest.starts_with("=~")) {
        return fault(offset, fmt::format("'{}' is followed by '=~'", name),
                     fmt::format("write {}~={}", name, trim(rest.substr(2))));
    }
    if (rest.starts_with("=>") || rest.starts_with("=<")) {
        return fault(offset, fmt::format("'{}' is followed by '{}'", name, rest.substr(0, 2)),
                     fmt::format("write {}{}={}", name, rest[1], trim(rest.substr(2))));
    }
    if (rest.starts_with('=')) {
        return fault(offset, fmt::format("'{}' has a single '=', which is conda's spelling", name),
                     fmt::format("in pip's part write {}={}", name, trim(rest)));
    }
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
        return fault(offset, fmt::format("'{}' stands after the name without an operator", next),
                     fmt::format("write {}=={}", name, next));
    }
    if (!leading_name(rest).empty()) {
        return fault(offset, fmt::format("'{}' stands after '{}': one line holds one requirement", next, name),
                     "put each requirement on its own line");
    }
    return fault(offset, fmt::format("'{}' cannot stand after the name '{}'", redact(next), name),
                 "a requirement reads name[extra]>=1.0,<2; marker");
}

}  // namespace

LineResult<std::string> parse_hash(std::string_view text) {
    const auto colon = text.find(':');
    const std::string algorithm = to_lower(text.substr(0, colon));
    const std::string hex = colon == std::string_view::npos ? "" : to_lower(text.substr(colon + 1));
    const std::size_t digits = algorithm == "sha256"   ? 64
                               : algorithm == "sha384" ? 96
                               : algorithm == "sha512" ? 128
                                                       : 0;
    if (digits == 0) {
        return fault(0, fmt::format("--hash takes sha256:, sha384: or sha512:, not '{}'", text.substr(0, 20)));
    }
    if (hex.size() != digits || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fault(0,
                     fmt::format("--hash={}: needs {} hexadecimal digits and has {}", algorithm, digits, hex.size()));
    }
    return algorithm + ":" + hex;
}

namespace {

constexpr std::array<std::string_view, 17> kVcsSchemes = {
    "git+http",       "git+https", "git+ssh",   "git+git", "git+file", "hg+http",  "hg+https",  "hg+ssh", "hg+file",
    "hg+static-http", "svn+http",  "svn+https", "svn+ssh", "svn+file", "bzr+http", "bzr+https", "bzr+ssh"};
constexpr std::array<std::string_view, 9> kArchiveEndings = {".whl", ".zip",    ".tar.gz", ".tgz", ".tar.bz2",
                                                             ".tbz", ".tar.xz", ".txz",    ".tar"};

}  // namespace

bool has_archive_ending(std::string_view text) {
    const std::string lower = to_lower(text);
    return std::ranges::any_of(kArchiveEndings, [&](std::string_view ending) { return lower.ends_with(ending); });
}

namespace {

bool has_scheme(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return false;
    return std::ranges::all_of(text.substr(0, colon),
                               [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; });
}

LineResult<void> set_name(RequirementLine& line, std::string_view text, std::size_t offset) {
    Reader in(text);
    const auto name = in.name();
    if (name.empty()) return {};
    auto extras = parse_extras(in);
    if (!extras) return fault(offset, extras.error().message);
    if (line.name.empty()) line.name = normalize_name(name);
    if (line.extras.empty()) line.extras = std::move(*extras);
    return {};
}

// Takes what a fragment says (#egg=name&subdirectory=x&sha256=…) into the line; what is left of it is given back in one
// order.
LineResult<std::string> read_fragment(RequirementLine& line, std::string_view fragment, std::size_t offset,
                                      std::string& subdirectory) {
    std::vector<std::string> left;
    for (const auto field : split(fragment, '&')) {
        if (field.empty()) continue;
        const auto equals = field.find('=');
        const auto key = field.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
        if (key == "egg") {
            if (auto set = set_name(line, percent_decode(value), offset); !set) return std::unexpected(set.error());
        } else if (key == "sha256" || key == "sha384" || key == "sha512") {
            auto hash = parse_hash(fmt::format("{}:{}", key, value));
            if (!hash) return fault(offset, hash.error().message);
            line.hashes.push_back(*hash);
        } else if (key == "subdirectory") {
            subdirectory = percent_decode(value);
        } else {
            left.emplace_back(field);
        }
    }
    if (!subdirectory.empty() &&
        (subdirectory.starts_with('/') || ("/" + subdirectory + "/").find("/../") != std::string::npos)) {
        return fault(offset, fmt::format("subdirectory={} leads out of the source", subdirectory));
    }
    if (has_control_character(subdirectory) || has_control_character(percent_decode(fragment)))
        return fault(offset, "what stands behind '#' holds a control character");
    std::ranges::sort(left);
    return join(left, "&");
}

// "md5" and the like, which pip checks where it downloads.
std::string weak_hash(std::string_view fragment) {
    for (const auto field : split(fragment, '&')) {
        for (const std::string_view name : {"md5", "sha1", "sha224"}) {
            if (field.starts_with(name) && field.substr(name.size()).starts_with('=')) return std::string(name);
        }
    }
    return "";
}

Url with_fragment(const Url& url, const std::string& fragment) {
    const std::string text = url.without_fragment().to_string() + (fragment.empty() ? "" : "#" + fragment);
    auto out = Url::parse(text);
    if (!out) return url;
    return url.scheme().ends_with("ssh") && url.user_info() ? out->with_user_info({url.user_info()->user, Secret()})
                                                            : *out;
}

LineResult<RequirementLine> parse_local(std::string_view text, std::size_t offset, RequirementLine line) {
    line.kind = RequirementLine::Kind::Local;
    std::string path(text);
    std::string subdirectory;
    if (text.starts_with("file:")) {
        auto rest = text.substr(5);
        if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
            const auto left = read_fragment(line, rest.substr(hash + 1), offset, subdirectory);
            if (!left) return std::unexpected(left.error());
            if (const auto weak = weak_hash(*left); !weak.empty()) {
                return fault(offset, fmt::format("a local file is not checked by {}", weak),
                             "write its sha256: #sha256=…; `sha256sum FILE` prints it");
            }
            rest = rest.substr(0, hash);
        }
        if (rest.starts_with("//")) {
            rest.remove_prefix(2);
            if (rest.starts_with("localhost/")) rest.remove_prefix(9);
            if (!rest.starts_with('/')) {
                return fault(offset, "a file: URL names no host", "write file:///absolute/path, or ./relative/path");
            }
        }
        path = percent_decode(rest);
    } else if (const auto bracket = path.rfind('[');
               bracket != std::string::npos && path.ends_with(']') && bracket > 0) {
        Reader in(std::string_view(path).substr(bracket));
        auto extras = parse_extras(in);
        if (!extras) return fault(offset + bracket, extras.error().message);
        line.extras = std::move(*extras);
        path.resize(bracket);
    }
    if (path.empty()) return fault(offset, "the path is empty");
    if (path.find('\\') != std::string::npos || (path.size() > 1 && path[1] == ':')) {
        return fault(offset, fmt::format("'{}' is a Windows path", path),
                     "write a path relative to this file, with '/'");
    }
    if (has_control_character(path)) return fault(offset, "the path holds a control character");
    if (path.starts_with('~')) return fault(offset, "'~' is not expanded in a requirement", "write the whole path");
    line.path = subdirectory.empty() ? path : path + "/" + subdirectory;
    return line;
}

LineResult<RequirementLine> parse_url(std::string_view text, std::size_t offset, RequirementLine line,
                                      std::vector<Url>& with_credentials) {
    if (text.starts_with("file:")) return parse_local(text, offset, std::move(line));
    if (!has_scheme(text)) {
        if (text.starts_with("git+") || text.starts_with("git@")) {
            return fault(offset, fmt::format("'{}' is not a URL", redact(text)),
                         "write git+https://HOST/OWNER/REPOSITORY.git, or git+ssh:// with the user before HOST");
        }
        if (text.starts_with('.') || text.starts_with('/')) return parse_local(text, offset, std::move(line));
        return fault(offset, fmt::format("'{}' is not a URL", redact(text)), "after '@' stands a URL with its scheme");
    }
    // A bare URL may end in extras; a URL proper never ends in ']'.
    if (const auto bracket = text.rfind('[');
        text.ends_with(']') && bracket != std::string_view::npos && text.find('#') == std::string_view::npos) {
        Reader in(text.substr(bracket));
        auto extras = parse_extras(in);
        if (!extras) return fault(offset + bracket, extras.error().message);
        line.extras = std::move(*extras);
        text = text.substr(0, bracket);
    }
    auto url = Url::parse(text);
    if (!url) {
        const bool scp = text.find("ssh://") != std::string_view::npos;
        return fault(offset, url.error().message(),
                     scp ? "in a URL a '/' stands between host and path: HOST/OWNER, not HOST:OWNER" : "");
    }
    const bool vcs = std::ranges::find(kVcsSchemes, url->scheme()) != kVcsSchemes.end();
    if (!vcs && url->scheme() != "http" && url->scheme() != "https" && url->scheme() != "ftp") {
        return fault(
            offset, fmt::format("pip does not know the scheme {}://", url->scheme()),
            url->scheme() == "git" || url->scheme() == "ssh" ? fmt::format("write git+{}://", url->scheme()) : "");
    }
    line.kind = vcs ? RequirementLine::Kind::Vcs : RequirementLine::Kind::DirectUrl;
    if (url->user_info()) with_credentials.push_back(*url);
    std::string subdirectory;
    auto left = read_fragment(line, url->fragment(), offset, subdirectory);
    if (!left) return std::unexpected(left.error());
    std::string fragment = *left;
    if (!subdirectory.empty()) fragment += (fragment.empty() ? "" : "&") + std::string("subdirectory=") + subdirectory;
    // The ssh user is part of where to look, a password is not.
    line.url = with_fragment(url->scheme().ends_with("ssh") ? *url : url->without_user_info(), fragment);
    if (line.url.user_info() && !line.url.user_info()->password.empty()) {
        line.url = line.url.with_user_info({line.url.user_info()->user, Secret()});
    }
    std::ranges::sort(line.hashes);
    return line;
}

}  // namespace

LineResult<RequirementLine> parse_named(std::string_view text, std::vector<Url>& with_credentials) {
    Reader in(text);
    RequirementLine line;
    const auto name = in.name();
    if (name.empty())
        return fault(in.at(), "a requirement begins with a package's name (letters, digits, '.', '_', '-')");
    line.name = normalize_name(name);
    auto extras = parse_extras(in);
    if (!extras) return std::unexpected(extras.error());
    line.extras = std::move(*extras);
    if (in.take('@')) {
        in.skip_space();
        const std::size_t at = in.at();
        const auto url = in.until(" \t");
        if (url.empty()) return fault(at, "a URL stands after '@'");
        auto parsed = parse_url(url, at, std::move(line), with_credentials);
        if (!parsed) return parsed;
        line = std::move(*parsed);
    } else {
        const bool brackets = in.take('(');
        in.skip_space();
        const std::size_t at = in.at();
        const auto written = in.until(brackets ? ")" : ";");
        if (brackets && !in.take(')')) return fault(in.at(), "expected ')' after the version");
        if (!trim(written).empty()) {
            const bool operator_first =
                std::string_view("<>!~").find(written[0]) != std::string_view::npos || written.starts_with("==");
            if (!operator_first) return explain_rest(name, written, at);
            auto set = SpecifierSet::parse(written);
            if (!set) {
                const auto words = split_whitespace(written);
                const bool several = words.size() > 1 && !leading_name(words.back()).empty() && words.size() % 2 == 1 &&
                                     written.find(',') == std::string_view::npos;
                return fault(at, set.error().message(),
                             several ? "one line holds one requirement; bounds are separated by ','" : "");
            }
            line.specifier = set->to_string();
        }
    }
    if (in.take(';')) {
        auto marker = parse_marker_text(in.rest(), in.at());
        if (!marker) return std::unexpected(marker.error());
        line.marker = std::move(*marker);
        return line;
    }
    in.skip_space();
    if (!in.at_end()) return explain_rest(name, in.rest(), in.at());
    return line;
}

LineResult<RequirementLine> parse_requirement_form(std::string_view text, bool editable,
                                                   std::vector<Url>& with_credentials) {
    text = trim(text);
    for (const std::string_view shell : {" && ", " || ", "`", "$(", " | "}) {
        if (const auto at = text.find(shell); at != std::string_view::npos) {
            return fault(at,
                         fmt::format("'{}' is shell text; a pip section lists requirements, not commands", trim(shell)),
                         "leave only the requirement; run commands in your own image on top");
        }
    }
    for (const std::string_view command : {"pip install ", "pip3 install ", "conda install ", "python -m pip "}) {
        if (text.starts_with(command)) {
            return fault(0, fmt::format("the line begins with the command '{}'", trim(command)),
                         "write the requirement alone");
        }
    }
    const auto name = leading_name(text);
    Reader after(text.substr(name.size()));
    std::vector<Url> ignored;
    const auto extras = parse_extras(after);
    if (!name.empty() && extras && after.take('@') && !has_scheme(text) && !text.starts_with("git@")) {
        auto line = parse_named(text, with_credentials);
        if (line && editable) line->editable = true;
        return line;
    }

    // What stands before the marker: URLs may hold ';', so they want a space on one side of it.
    const bool url =
        has_scheme(text) || text.starts_with("file:") || text.starts_with("git@") || text.starts_with("git+");
    std::size_t semicolon = text.find(';');
    if (url) semicolon = std::min(text.find("; "), text.find(" ;"));
    const auto head = trim(text.substr(0, semicolon));
    const auto channel = head.find("::");
    if (!url && channel != std::string_view::npos) {
        return fault(channel, "'channel::package' is conda's spelling, which pip does not know",
                     "list the package among the conda dependencies");
    }
    const bool path = !url && (head.starts_with('.') || head.starts_with('/') || head.starts_with('~') ||
                               head.find('/') != std::string_view::npos || head.find('\\') != std::string_view::npos ||
                               has_archive_ending(head) || editable);
    if (!url && !path) return parse_named(text, with_credentials);

    RequirementLine line;
    line.editable = editable;
    auto parsed = url ? parse_url(head, 0, std::move(line), with_credentials) : parse_local(head, 0, std::move(line));
    if (!parsed) return parsed;
    if (semicolon != std::string_view::npos) {
        const auto at = text.find(';', semicolon) + 1;
        auto marker = parse_marker_text(text.substr(at), at);
        if (!marker) return std::unexpected(marker.error());
        parsed->marker = std::move(*marker);
    }
    if (parsed->editable && parsed->kind == RequirementLine::Kind::DirectUrl) {
        return fault(0, "-e takes a folder or a version control URL, not an archive's URL", "leave out -e");
    }
    return parsed;
}

}  // namespace envbuild::pypi
