// Channels: from what users write to canonical URLs, and from those to the URLs that are asked (mirrors, credentials).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/process_env.hpp"
#include "base/url.hpp"

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
    std::map<std::string, std::string> custom_channels;                  // name -> base URL ("pkgs/main" -> …)
    std::vector<std::string> default_channels = {"https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"};
    std::map<std::string, std::vector<std::string>> custom_multichannels;
    std::vector<std::string> configured_channels = {"conda-forge"};       // used where a file names no channel
    // canonical URL prefix -> URLs asked in its place, in turn. On the wire only: never hashed, never recorded.
    std::map<std::string, std::vector<std::string>> mirrors;

    // From ~/.condarc, $CONDARC and the other places conda reads; `warnings` says what was ignored. `channels:` of .condarc are
    // not used: what is not in the file is not added (design, section 2).
    [[nodiscard]] static ChannelSettings from_condarc(const ProcessEnv& env, std::vector<std::string>& warnings);
};

// "conda-forge", "defaults", "https://host/t/TOKEN/ch/linux-64", "file:///srv/ch", "./relative" (against `base_directory`) ->
// one channel, or several for a multichannel. A token or user information is stripped from the canonical URL and kept in the
// CredentialStore's hands by the caller: `with_credentials` receives the URL as written where it held some.
[[nodiscard]] Expected<std::vector<Channel>> resolve_channel(std::string_view text, const ChannelSettings& settings,
                                                             std::string_view base_directory,
                                                             std::vector<Url>* with_credentials = nullptr);

// The URLs to ask for `canonical` in turn: its mirrors, or itself where it has none.
[[nodiscard]] std::vector<Url> mirrors_of(const Url& canonical, const ChannelSettings& settings);

}  // namespace envbuild::conda
