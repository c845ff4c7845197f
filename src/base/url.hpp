// URLs as envbuild uses them (RFC 3986): split into parts, with the user information kept out of everything that is
// printed.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace envbuild {

// Scheme, host and port: what a credential is bound to. The port is always a number (the scheme's default filled in).
struct Origin {
    std::string scheme;
    std::string host;
    int port = 0;
    [[nodiscard]] std::string to_string() const;  // "https://host" or "https://host:8443"
    auto operator<=>(const Origin&) const = default;
};

struct UserInfo {
    std::string user;  // percent-decoded
    Secret password;
};

// An absolute URL: http, https, file, git+https and the like. Immutable. Scheme and host are lower case, default ports
// dropped, dot segments removed; path and query stay as written. The user information is held apart and never part of
// to_string().
class Url {
  public:
    // Needs "scheme://"; InvalidInput otherwise. The error never repeats the user information. Refused too: an '@'
    // behind an authority that is more than a host name, because what stands before it may be the rest of a password; a
    // path has %40 there (but "git+https://host:8443/repo@revision" is taken).
    [[nodiscard]] static Expected<Url> parse(std::string_view text);
    [[nodiscard]] static Url from_path(std::string_view absolute_path);

    [[nodiscard]] const std::string& scheme() const { return scheme_; }
    [[nodiscard]] const std::string& host() const { return host_; }
    [[nodiscard]] std::optional<int> port() const { return port_; }
    [[nodiscard]] const std::string& path() const { return path_; }          // begins with '/' or is empty
    [[nodiscard]] const std::string& query() const { return query_; }        // without '?'
    [[nodiscard]] const std::string& fragment() const { return fragment_; }  // without '#'
    [[nodiscard]] const std::optional<UserInfo>& user_info() const { return user_info_; }
    [[nodiscard]] Origin origin() const;

    [[nodiscard]] std::string to_string() const;  // without user information
    [[nodiscard]] std::string filename() const;   // the last path segment, percent-decoded
    [[nodiscard]] std::string file_path() const;  // of a file: URL, percent-decoded

    // This URL with `segments` appended to its path ("a/b.json"), a single slash between; query and fragment dropped.
    [[nodiscard]] Url join(std::string_view segments) const;
    // RFC 3986 section 5: `reference` may be absolute, "/path", "path", "//host/path", "?query". It is a server's word:
    // an '@' in its path is taken.
    [[nodiscard]] Expected<Url> resolve(std::string_view reference) const;
    [[nodiscard]] Url without_fragment() const;
    [[nodiscard]] Url without_user_info() const;
    [[nodiscard]] Url with_path(std::string_view path) const;  // encoded already; without user information
    [[nodiscard]] Url with_user_info(UserInfo info) const;

    // By what to_string() prints: user information does not tell URLs apart.
    bool operator==(const Url& other) const { return to_string() == other.to_string(); }
    auto operator<=>(const Url& other) const { return to_string() <=> other.to_string(); }

  private:
    static Expected<Url> parse_parts(std::string_view text, bool from_server);

    std::string scheme_, host_, path_, query_, fragment_;
    std::optional<int> port_;
    std::optional<UserInfo> user_info_;
};

[[nodiscard]] std::string percent_decode(std::string_view text);
// Everything but RFC 3986's unreserved characters becomes %XX; `keep` lists further characters to leave as they are.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = "");
// Text with every user information ("//user:secret@") and conda token ("/t/TOKEN/") in it replaced by "***": for
// messages that quote what a user or a server wrote. Where a secret may hold a '/', all up to the last '@' of the word
// goes. One pass.
[[nodiscard]] std::string redact(std::string_view text);

}  // namespace envbuild
