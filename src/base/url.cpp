#include "base/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/credential_name.hpp"
#include "base/strings.hpp"

namespace envbuild {

namespace {

int default_port(std::string_view scheme) {
    if (scheme == "http" || scheme == "ws") return 80;
    if (scheme == "https" || scheme.ends_with("+https")) return 443;
    if (scheme == "ssh" || scheme.ends_with("+ssh")) return 22;
    return 0;
}

// RFC 3986 section 5.2.4.
std::string remove_dot_segments(std::string_view path) {
    if (path.find("./") == std::string_view::npos && !path.ends_with("/.") && !path.ends_with("/.."))
        return std::string(path);
    std::vector<std::string_view> kept;
    const bool directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    for (const auto segment : split(path, '/')) {
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (segment != "." && !segment.empty()) {
            kept.push_back(segment);
        }
    }
    std::string out;
    for (const auto segment : kept) out.append("/").append(segment);
    if (directory || out.empty()) out += '/';
    return out;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// "host:8443" and "host", with or without user information before it.
bool has_sane_port(std::string_view authority) {
    const auto host = authority.substr(authority.rfind('@') + 1);
    const auto colon = host.rfind(':');
    return colon == std::string_view::npos || host.ends_with(']') ||
           host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

// Whether an '@' behind the authority may be the end of user information that was written with '/', '?' or '#' in it as
// they are: "https://user:pass/word@host". A plain host name may be followed by '@', and a repository by one revision.
bool hides_user_info(std::string_view scheme, std::string_view authority, std::string_view rest) {
    const auto marks = std::ranges::count(rest, '@');
    if (marks == 0 || authority.empty()) return false;
    const bool names_a_host = authority.find('.') != std::string_view::npos || authority == "localhost";
    if (names_a_host && authority.find_first_of("@:") == std::string_view::npos) return false;
    const bool may_name_revision = scheme.find('+') != std::string_view::npos && has_sane_port(authority);
    return marks > (may_name_revision ? 1 : 0);
}

// Of the URL in `text` whose "//" ends at `begin`: where the '@' stands behind its user information, or 0.
std::size_t user_info_end(std::string_view text, std::size_t begin) {
    std::size_t end = begin;
    while (end < text.size() && !is_space(text[end]) && std::string_view("/?#'\"").find(text[end]) == std::string::npos)
        ++end;
    const auto authority = text.substr(begin, end - begin);
    if (begin >= 3 && text[begin - 3] == ':') {
        std::size_t stop = end;
        while (stop < text.size() && !is_space(text[stop])) ++stop;
        std::size_t scheme = begin - 3;
        while (scheme > 0 && (is_unreserved(text[scheme - 1]) || text[scheme - 1] == '+')) --scheme;
        if (hides_user_info(text.substr(scheme, begin - 3 - scheme), authority, text.substr(end, stop - end)))
            return text.substr(0, stop).rfind('@');
    }
    const auto at = authority.rfind('@');
    return at == std::string_view::npos ? 0 : begin + at;
}

// A conda token, "/t/TOKEN/": what it was becomes "***".
std::string redact_tokens(std::string_view text) {
    constexpr std::string_view kMark = "/t/";
    std::string out;
    std::size_t at = 0;
    while (true) {
        const auto mark = text.find(kMark, at);
        if (mark == std::string_view::npos) break;
        out += text.substr(at, mark + kMark.size() - at);
        at = mark + kMark.size();
        const auto begin = at;
        while (at < text.size() && !is_space(text[at]) && std::string_view("/'\"").find(text[at]) == std::string::npos)
            ++at;
        if (at > begin) out += "***";
    }
    return out.append(text.substr(at));
}

std::string redact_query(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    while (true) {
        const auto mark = text.find_first_of("?&", at);
        if (mark == std::string_view::npos) break;
        auto name_end = mark + 1;
        while (name_end < text.size() && (is_unreserved(text[name_end]) || text[name_end] == '%')) ++name_end;
        out += text.substr(at, name_end - at);
        at = name_end;
        if (at >= text.size() || text[at] != '=' || !names_query_credential(text.substr(mark + 1, name_end - mark - 1)))
            continue;
        out += '=';
        const auto begin = ++at;
        while (at < text.size() && !is_space(text[at]) && !std::string_view("&#'\"").contains(text[at])) ++at;
        if (at > begin) out += "***";
    }
    return out.append(text.substr(at));
}

}  // namespace

std::string Origin::to_string() const {
    if (port == 0 || port == default_port(scheme)) return fmt::format("{}://{}", scheme, host);
    return fmt::format("{}://{}:{}", scheme, host, port);
}

Expected<Url> Url::parse(std::string_view text) {
    return parse_parts(text, false);
}

Expected<Url> Url::parse_parts(std::string_view text, bool from_server) {
    constexpr std::string_view kEncode =
        "in a user name or password write '/' as %2F, '#' as %23, '?' as %3F and '@' as %40; in a path '@' as %40";
    Url url;
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("'{}' is not a URL: it has no scheme such as https://", redact(text)));
    }
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
            return fail(ErrorKind::InvalidInput,
                        "a URL holds no spaces or control characters; write them as %20 and the like");
        }
    }
    url.scheme_ = to_lower(text.substr(0, colon));
    for (const char c : url.scheme_) {
        if (!is_unreserved(c) && c != '+')
            return fail(ErrorKind::InvalidInput, "a URL's scheme holds letters, digits, '+', '-' and '.' only");
    }
    text.remove_prefix(colon + 3);
    const auto authority_end = std::min(text.find_first_of("/?#"), text.size());
    if (!from_server && hides_user_info(url.scheme_, text.substr(0, authority_end), text.substr(authority_end))) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput, "a URL's user name or password holds a character that ends it")
                .with_hint(std::string(kEncode)));
    }
    if (const auto hash = text.find('#'); hash != std::string_view::npos) {
        url.fragment_ = text.substr(hash + 1);
        text = text.substr(0, hash);
    }
    if (const auto mark = text.find('?'); mark != std::string_view::npos) {
        url.query_ = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    const auto slash = text.find('/');
    std::string_view authority = text.substr(0, slash);
    url.path_ = slash == std::string_view::npos ? "" : remove_dot_segments(text.substr(slash));
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const auto info = authority.substr(0, at);
        const auto separator = info.find(':');
        UserInfo user;
        user.user = percent_decode(info.substr(0, separator));
        if (separator != std::string_view::npos) user.password = Secret(percent_decode(info.substr(separator + 1)));
        url.user_info_ = std::move(user);
        authority.remove_prefix(at + 1);
    }
    const auto bracket = authority.rfind(']');
    const auto port_mark = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (port_mark != std::string_view::npos) {
        const auto digits = authority.substr(port_mark + 1);
        int port = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (!digits.empty()) {
            if (error != std::errc{} || end != digits.data() + digits.size() || port < 1 || port > 65535) {
                // Never quoted: it may be the beginning of a password.
                return std::unexpected(
                    Error(ErrorKind::InvalidInput, "a URL's port is a number from 1 to 65535 (it stands behind ':')")
                        .with_hint(std::string(kEncode)));
            }
            if (port != default_port(url.scheme_)) url.port_ = port;
        }
        authority = authority.substr(0, port_mark);
    }
    url.host_ = to_lower(authority);
    if (url.host_.empty() && url.scheme_ != "file" && !url.scheme_.ends_with("+file"))
        return fail(ErrorKind::InvalidInput, "a URL names a host");
    // RFC 3986, section 3.2.2: what is in square brackets is an address, and beside them stands nothing.
    const std::string_view host = url.host_;
    const bool is_address = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if ((is_address ? host.substr(1, host.size() - 2) : host).find_first_of("[]<>\"\\^`{|} ") != std::string_view::npos)
        return fail(ErrorKind::InvalidInput,
                    "a URL's host is a name or an address, and holds no brackets, quotes or blanks");
    return url;
}

Url Url::from_path(std::string_view absolute_path) {
    Url url;
    url.scheme_ = "file";
    url.path_ = remove_dot_segments(percent_encode(absolute_path, "/+:@"));
    return url;
}

Origin Url::origin() const {
    return {scheme_, host_, port_.value_or(default_port(scheme_))};
}

std::string Url::to_string() const {
    std::string out = scheme_ + "://" + host_;
    if (port_) out += ":" + std::to_string(*port_);
    out += path_;
    if (!query_.empty()) out += "?" + query_;
    if (!fragment_.empty()) out += "#" + fragment_;
    return out;
}

std::string Url::filename() const {
    return percent_decode(std::string_view(path_).substr(path_.rfind('/') + 1));
}
std::string Url::file_path() const {
    return percent_decode(path_);
}

Url Url::join(std::string_view segments) const {
    Url url = *this;
    url.query_.clear();
    url.fragment_.clear();
    if (!url.path_.ends_with('/')) url.path_ += '/';
    while (segments.starts_with('/')) segments.remove_prefix(1);
    url.path_ = remove_dot_segments(url.path_.append(segments));
    return url;
}

Expected<Url> Url::resolve(std::string_view reference) const {
    const auto colon = reference.find(':');
    if (colon != std::string_view::npos && reference.substr(colon).starts_with("://") &&
        reference.substr(0, colon).find_first_of("/?#") == std::string_view::npos) {
        return parse_parts(reference, true);
    }
    if (reference.starts_with("//")) return parse_parts(scheme_ + ":" + std::string(reference), true);
    std::string base = scheme_ + "://" + host_ + (port_ ? ":" + std::to_string(*port_) : "");
    if (reference.starts_with('/')) {
        base += reference;
    } else if (reference.starts_with('?')) {
        base += path_ + std::string(reference);
    } else if (reference.starts_with('#') || reference.empty()) {
        base += path_ + (query_.empty() ? "" : "?" + query_) + std::string(reference);
    } else {
        base += path_.substr(0, path_.rfind('/') + 1);
        if (!base.ends_with('/')) base += '/';
        base += reference;
    }
    auto resolved = parse_parts(base, true);
    if (resolved && user_info_ && resolved->origin() == origin()) resolved->user_info_ = user_info_;
    return resolved;
}

Url Url::without_fragment() const {
    Url url = *this;
    url.fragment_.clear();
    return url;
}

Url Url::with_path(std::string_view path) const {
    Url url = *this;
    url.path_ = remove_dot_segments(path);
    url.user_info_.reset();
    return url;
}

Url Url::without_user_info() const {
    Url url = *this;
    url.user_info_.reset();
    return url;
}

Url Url::with_user_info(UserInfo info) const {
    Url url = *this;
    url.user_info_ = std::move(info);
    return url;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
            out += static_cast<char>(value);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode(std::string_view text, std::string_view keep) {
    std::string out;
    for (const char c : text) {
        if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string redact(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::size_t at = 0;
    while (true) {
        const auto slashes = text.find("//", at);
        if (slashes == std::string_view::npos) break;
        const auto begin = slashes + 2;
        out += text.substr(at, begin - at);
        at = begin;
        const auto end = user_info_end(text, begin);
        if (end == 0) continue;
        out += "***";
        at = end;
    }
    out += text.substr(at);
    return redact_query(redact_tokens(out));
}

}  // namespace envbuild
