// Channels: from what users write to canonical URLs, and from those to the URLs that are asked (mirrors, credentials).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/url.hpp"
#include "net/credential.hpp"

namespace envbuild::conda {

// A channel by its canonical URL: no credential, no token, no subdir, no trailing slash. Immutable.
class Channel {
  public:
    Channel(std::string name, Url url) : name_(std::move(name)), url_(std::move(url)) {}
    [[nodiscard]] const std::string& name() const { return name_; }  // "conda-forge", or the URL where it has none
    [[nodiscard]] const Url& url() const { return url_; }
    [[nodiscard]] bool operator==(const Channel& other) const { return url_ == other.url_; }

  private:
    std::string name_;
    Url url_;
};

// What decides how channel names are read: envbuild's config, then .condarc's keys of the same names.
struct ChannelSettings {
    std::string channel_alias = "https://conda.anaconda.org";
    // name -> base URL that the name is appended to, as conda has it: "pkgs/main" -> "https://repo.anaconda.com".
    std::map<std::string, std::string> custom_channels = {{"pkgs/main", "https://repo.anaconda.com"},
                                                          {"pkgs/r", "https://repo.anaconda.com"},
                                                          {"pkgs/msys2", "https://repo.anaconda.com"}};
    std::vector<std::string> default_channels = {"https://repo.anaconda.com/pkgs/main",
                                                 "https://repo.anaconda.com/pkgs/r"};
    std::map<std::string, std::vector<std::string>> custom_multichannels;
    std::vector<std::string> configured_channels = {"conda-forge"};  // used where a file names no channel
    std::string home_directory;  // what "~" stands for in a path; "": such a path is refused
    // canonical URL prefix -> URLs asked in its place, in turn. On the wire only: never hashed, never recorded.
    std::map<std::string, std::vector<std::string>> mirrors;

    // From the merged content of the condarc files (condarc.hpp): channel_alias, custom_channels, default_channels,
    // custom_multichannels, and mamba's mirrored_channels. `warnings` gets a line for each key whose value cannot be
    // used. `channels:` of .condarc are not used: what is not in the file is not added (design, section 2).
    [[nodiscard]] static ChannelSettings from_condarc(const Json& merged, std::vector<std::string>& warnings);
};

// "conda-forge", "conda-forge/linux-64", "defaults", "https://host/t/TOKEN/ch/linux-64", "file:///srv/ch", "./relative"
// (against `base_directory`), "/absolute", "~/…" -> one channel, or several for a multichannel. A token or user
// information is not part of the canonical URL: `with_credentials` receives the URL as written (with its subdir cut
// off) where it held some, for the CredentialStore. InvalidInput for what is neither a name nor a URL; the error never
// repeats a credential.
[[nodiscard]] Expected<std::vector<Channel>> resolve_channel(std::string_view text, const ChannelSettings& settings,
                                                             std::string_view base_directory,
                                                             std::vector<Url>* with_credentials = nullptr);

// A subdir at the end of a channel ("conda-forge/linux-64"), as conda finds it.
struct ChannelAndSubdir {
    std::string channel;
    std::string subdir;  // "" for none
};
[[nodiscard]] ChannelAndSubdir split_subdir(std::string_view channel);

// The URL without user information and without conda's token ("/t/TOKEN" in the path).
[[nodiscard]] Url without_credentials(const Url& url);

// Gives the store what `as_written` (of resolve_channel's `with_credentials`) holds: user information for its origin
// and path, and a token for the canonical URL.
void remember_credentials(const Url& as_written, const CredentialStore& store);

// The URLs to ask for `canonical` in turn: its mirrors (the longest prefix in settings.mirrors that ends at a path
// segment wins; what follows the prefix is kept), or itself where it has none.
[[nodiscard]] std::vector<Url> mirrors_of(const Url& canonical, const ChannelSettings& settings);

}  // namespace envbuild::conda
