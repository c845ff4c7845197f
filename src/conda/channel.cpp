#include "conda/channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/strings.hpp"
#include "conda/platform.hpp"

namespace envbuild::conda {

namespace {

std::string strip_slashes(std::string_view text) {
    while (text.ends_with('/')) text.remove_suffix(1);
    return std::string(text);
}

bool is_subdir(std::string_view segment) {
    const auto& known = Platform::known_subdirs();
    return std::find(known.begin(), known.end(), to_lower(segment)) != known.end();
}

struct Span {
    std::size_t begin = std::string_view::npos, end = 0;  // from the slash before a segment to the segment's end
};

// The first segment behind a slash that fits.
template <class Predicate>
Span find_segment(std::string_view text, Predicate fits) {
    std::size_t slash = text.find('/');
    while (slash != std::string_view::npos) {
        const std::size_t end = std::min(text.find('/', slash + 1), text.size());
        if (fits(text.substr(slash + 1, end - slash - 1))) return {slash, end};
        slash = end < text.size() ? end : std::string_view::npos;
    }
    return {};
}

// "/t/TOKEN" in a path.
Span find_token(std::string_view path) {
    const Span marker = find_segment(path, [](std::string_view segment) { return segment == "t"; });
    if (marker.begin == std::string_view::npos || marker.end >= path.size()) return {};
    return {marker.begin, std::min(path.find('/', marker.end + 1), path.size())};
}

std::string without(std::string_view text, Span span) {
    return std::string(text.substr(0, span.begin)) + std::string(text.substr(span.end));
}

// All of them: what is left over of a slip with two would be shown.
std::string without_tokens(std::string path) {
    for (Span token = find_token(path); token.begin != std::string::npos; token = find_token(path))
        path = without(path, token);
    return path;
}

// What follows `prefix` in `text` where it ends at a segment's end, without its leading slash.
std::optional<std::string> below(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    if (text.empty()) return "";
    if (text.front() != '/') return std::nullopt;
    return std::string(text.substr(1));
}

class Resolver {
  public:
    Resolver(const ChannelSettings& settings, std::string_view base_directory, std::vector<Url>* with_credentials)
        : settings_(settings), base_directory_(base_directory), with_credentials_(with_credentials) {}

    Expected<std::vector<Channel>> resolve(std::string_view text, int depth = 0) const {
        text = trim(text);
        if (text.empty()) return fail(ErrorKind::InvalidInput, "a channel without a name");
        if (text.find("://") != std::string_view::npos) return one(from_url(text));
        if (is_path(text)) return one(from_path(text));
        const std::string name = strip_slashes(split_subdir(text).channel);
        if (const auto* members = multichannel(name)) {
            if (depth > 8) return invalid(text, "a multichannel that contains itself");
            std::vector<Channel> all;
            for (const std::string& member : *members) {
                auto resolved = resolve(member, depth + 1);
                if (!resolved)
                    return std::unexpected(
                        std::move(resolved.error()).with_context(fmt::format("expanding channel '{}'", name)));
                for (Channel& channel : *resolved) {
                    if (std::find(all.begin(), all.end(), channel) == all.end()) all.push_back(std::move(channel));
                }
            }
            return all;
        }
        return one(from_name(name));
    }

  private:
    static std::unexpected<Error> invalid(std::string_view text, std::string_view reason, std::string hint = "") {
        auto error = Error(ErrorKind::InvalidInput, fmt::format("channel '{}': {}", redact(text), reason));
        return std::unexpected(hint.empty() ? std::move(error) : std::move(error).with_hint(std::move(hint)));
    }

    static Expected<std::vector<Channel>> one(Expected<Channel> channel) {
        if (!channel) return std::unexpected(std::move(channel.error()));
        return std::vector<Channel>{std::move(*channel)};
    }

    // conda's is_path.
    static bool is_path(std::string_view text) {
        return text.starts_with('/') || text.starts_with("./") || text.starts_with("..") || text.starts_with('~') ||
               text == ".";
    }

    const std::vector<std::string>* multichannel(const std::string& name) const {
        if (const auto custom = settings_.custom_multichannels.find(name);
            custom != settings_.custom_multichannels.end()) {
            return &custom->second;
        }
        return name == "defaults" ? &settings_.default_channels : nullptr;
    }

    Expected<Channel> from_url(std::string_view text) const {
        auto url = Url::parse(text);
        if (!url)
            return std::unexpected(
                std::move(url.error()).with_context(fmt::format("reading channel '{}'", redact(text))));
        if (url->scheme() != "http" && url->scheme() != "https" && url->scheme() != "file") {
            return invalid(text, fmt::format("'{}:' is not a way to reach a channel", url->scheme()),
                           "http, https and file are");
        }
        if (!url->query().empty() || !url->fragment().empty())
            return invalid(text, "a channel's URL has no '?' or '#'");
        std::string path = url->path();
        if (const Span subdir = find_segment(path, is_subdir); subdir.begin != std::string_view::npos)
            path = without(path, subdir);
        path = strip_slashes(path);
        const bool has_token = find_token(path).begin != std::string_view::npos;
        if (with_credentials_ != nullptr && (has_token || url->user_info())) {
            Url full = url->with_path(path);
            with_credentials_->push_back(url->user_info() ? full.with_user_info(*url->user_info()) : full);
        }
        const Url canonical = url->with_path(strip_slashes(without_tokens(path)));
        return Channel(name_of(canonical), canonical);
    }

    // "conda-forge" of https://conda.anaconda.org/conda-forge; the URL itself where no setting gives it a name.
    std::string name_of(const Url& canonical) const {
        const std::string url = canonical.to_string();
        std::string best;
        for (const auto& [name, base] : settings_.custom_channels) {
            const auto parsed = Url::parse(base);
            if (!parsed) continue;
            const std::string root = strip_slashes(without_credentials(*parsed).to_string());
            const auto rest = below(url, fmt::format("{}/{}", root, name));
            if (rest && name.size() > best.size()) best = rest->empty() ? name : fmt::format("{}/{}", name, *rest);
        }
        if (!best.empty()) return best;
        if (const auto alias = Url::parse(settings_.channel_alias)) {
            const auto rest = below(url, strip_slashes(without_credentials(*alias).to_string()));
            if (rest && !rest->empty()) return *rest;
        }
        return url;
    }

    Expected<Channel> from_path(std::string_view text) const {
        if (text.starts_with('~')) {
            if (settings_.home_directory.empty() || (text.size() > 1 && text[1] != '/')) {
                return invalid(text, "'~' cannot be resolved here", "write the absolute path");
            }
            return from_path(settings_.home_directory + std::string(text.substr(1)));
        }
        std::filesystem::path path = std::filesystem::path(base_directory_) / std::filesystem::path(text);
        if (!path.is_absolute()) path = std::filesystem::absolute(path);
        return from_url(Url::from_path(path.lexically_normal().string()).to_string());
    }

    Expected<Channel> from_name(const std::string& name) const {
        if (name == "nodefaults")
            return invalid(name, "it stands for 'no channel but those named here' and is not a channel");
        if (name == "local") {
            return invalid(name, "conda's local build folder is not known here",
                           "write its path, such as ~/miniconda3/conda-bld");
        }
        for (const char c : name) {
            const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              std::string_view("._-/~!@+").find(c) != std::string_view::npos;
            if (!fine) {
                return invalid(name, fmt::format("'{}' cannot stand in a channel's name", c),
                               c == ':' ? "'::' ends a channel's name only in front of a package" : "");
            }
        }
        // The longest leading part that is a custom channel says where it lies.
        for (std::string part = name; !part.empty();) {
            if (const auto custom = settings_.custom_channels.find(part); custom != settings_.custom_channels.end()) {
                return under(custom->second, name);
            }
            const std::size_t slash = part.rfind('/');
            part = slash == std::string::npos ? "" : part.substr(0, slash);
        }
        return under(settings_.channel_alias, name);
    }

    Expected<Channel> under(const std::string& base, const std::string& name) const {
        if (base.find("://") == std::string::npos && !base.starts_with('/')) {
            return invalid(name, fmt::format("'{}', which it would lie under, is not a URL", redact(base)),
                           "channel_alias and custom_channels hold URLs such as https://conda.anaconda.org");
        }
        auto channel = from_url(
            fmt::format("{}/{}", strip_slashes(base.starts_with('/') ? Url::from_path(base).to_string() : base), name));
        if (!channel) return channel;
        return Channel(name, channel->url());
    }

    const ChannelSettings& settings_;
    std::string_view base_directory_;
    std::vector<Url>* with_credentials_;
};

}  // namespace

Expected<std::vector<Channel>> resolve_channel(std::string_view text, const ChannelSettings& settings,
                                               std::string_view base_directory, std::vector<Url>* with_credentials) {
    return Resolver(settings, base_directory, with_credentials).resolve(text);
}

ChannelAndSubdir split_subdir(std::string_view channel) {
    const std::size_t scheme = channel.find("://");
    const std::size_t from = scheme == std::string_view::npos ? 0 : scheme + 3;
    const Span span = find_segment(channel.substr(from), is_subdir);
    if (span.begin == std::string_view::npos) return {strip_slashes(channel), ""};
    const std::string_view rest = channel.substr(from);
    return {strip_slashes(std::string(channel.substr(0, from)) + without(rest, span)),
            to_lower(rest.substr(span.begin + 1, span.end - span.begin - 1))};
}

Url without_credentials(const Url& url) {
    const Url bare = url.without_user_info();
    if (find_token(bare.path()).begin == std::string_view::npos) return bare;
    return bare.without_fragment().with_path(without_tokens(bare.path()));
}

void remember_credentials(const Url& as_written, const CredentialStore& store) {
    const Url canonical = without_credentials(as_written);
    if (as_written.user_info()) store.add_basic(canonical, *as_written.user_info());
    const std::string& path = as_written.path();
    const Span token = find_token(path);
    if (token.begin == std::string_view::npos) return;
    const std::string_view text = std::string_view(path).substr(token.begin + 3, token.end - token.begin - 3);
    if (!text.empty()) store.add_conda_token(canonical, Secret(std::string(text)), path.substr(0, token.begin));
}

std::vector<Url> mirrors_of(const Url& canonical, const ChannelSettings& settings) {
    const std::string url = canonical.to_string();
    const std::vector<std::string>* mirrors = nullptr;
    std::string rest;
    std::size_t longest = 0;
    for (const auto& [prefix, candidates] : settings.mirrors) {
        const std::string bare = strip_slashes(prefix);
        const auto behind = below(url, bare);
        if (!behind || candidates.empty() || bare.size() < longest) continue;
        mirrors = &candidates;
        rest = *behind;
        longest = bare.size();
    }
    if (mirrors == nullptr) return {canonical};
    std::vector<Url> urls;
    for (const std::string& mirror : *mirrors) {
        const Url base = mirror.starts_with('/') ? Url::from_path(mirror) : value_or_throw(Url::parse(mirror));
        urls.push_back(rest.empty() ? base : base.join(rest));
    }
    return urls;
}

}  // namespace envbuild::conda
