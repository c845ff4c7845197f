#include "conda/channel.hpp"

#include <catch2/catch.hpp>

#include "conda/condarc.hpp"

using namespace envbuild;
using namespace envbuild::conda;

namespace {

std::vector<std::string> urls(std::string_view text, const ChannelSettings& settings = {},
                              std::vector<Url>* credentials = nullptr) {
    std::vector<std::string> out;
    for (const Channel& channel : value_or_throw(resolve_channel(text, settings, "/home/me/project", credentials))) {
        out.push_back(channel.url().to_string());
    }
    return out;
}

using Urls = std::vector<std::string>;

}  // namespace

TEST_CASE("channel names become canonical URLs") {
    CHECK(urls("conda-forge") == Urls{"https://conda.anaconda.org/conda-forge"});
    CHECK(urls(" conda-forge/ ") == Urls{"https://conda.anaconda.org/conda-forge"});
    CHECK(urls("conda-forge/linux-64") == Urls{"https://conda.anaconda.org/conda-forge"});
    CHECK(urls("conda-forge/label/dev") == Urls{"https://conda.anaconda.org/conda-forge/label/dev"});
    CHECK(urls("defaults") == Urls{"https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"});
    CHECK(urls("pkgs/main") == Urls{"https://repo.anaconda.com/pkgs/main"});
    CHECK(urls("pkgs/main/label/x") == Urls{"https://repo.anaconda.com/pkgs/main/label/x"});
    CHECK(urls("main") == Urls{"https://conda.anaconda.org/main"});
    CHECK(value_or_throw(resolve_channel("conda-forge", {}, "/")).front().name() == "conda-forge");
}

TEST_CASE("channel URLs lose what is not the channel") {
    CHECK(urls("https://Host.org/ch/") == Urls{"https://host.org/ch"});
    CHECK(urls("https://host/ch/linux-64") == Urls{"https://host/ch"});
    CHECK(urls("https://host/ch/noarch/") == Urls{"https://host/ch"});
    CHECK(urls("https://host:443/ch") == Urls{"https://host/ch"});
    CHECK(urls("http://host:8080/a/b") == Urls{"http://host:8080/a/b"});
    CHECK(urls("https://conda.anaconda.org/conda-forge") == urls("conda-forge"));
    CHECK(value_or_throw(resolve_channel("https://conda.anaconda.org/conda-forge", {}, "/")).front().name() ==
          "conda-forge");
    CHECK(value_or_throw(resolve_channel("https://repo.anaconda.com/pkgs/main", {}, "/")).front().name() ==
          "pkgs/main");
    CHECK(value_or_throw(resolve_channel("https://host/ch", {}, "/")).front().name() == "https://host/ch");
    CHECK(urls("file:///srv/ch/linux-64/") == Urls{"file:///srv/ch"});
}

TEST_CASE("paths are channels too") {
    CHECK(urls("/srv/my channel") == Urls{"file:///srv/my%20channel"});
    CHECK(urls("./ch") == Urls{"file:///home/me/project/ch"});
    CHECK(urls("../ch/noarch") == Urls{"file:///home/me/ch"});
    ChannelSettings settings;
    CHECK_FALSE(resolve_channel("~/ch", settings, "/"));
    settings.home_directory = "/home/me";
    CHECK(urls("~/ch", settings) == Urls{"file:///home/me/ch"});
}

TEST_CASE("credentials are cut out of channels and handed over") {
    std::vector<Url> credentials;
    CHECK(urls("https://user:s3cret@host/t/tk-1-2/ch/linux-64", {}, &credentials) == Urls{"https://host/ch"});
    REQUIRE(credentials.size() == 1);
    CHECK(credentials.front().path() == "/t/tk-1-2/ch");
    CHECK(credentials.front().user_info()->user == "user");

    const CredentialStore store;
    remember_credentials(credentials.front(), store);
    const Url asked = value_or_throw(Url::parse("https://host/ch/noarch/repodata.json"));
    CHECK(store.wire_url(asked).path() == "/t/tk-1-2/ch/noarch/repodata.json");
    REQUIRE(store.find(asked));
    CHECK(store.find(asked)->basic->password.reveal() == "s3cret");
    CHECK_FALSE(store.find(value_or_throw(Url::parse("https://host/other"))));

    credentials.clear();
    CHECK(urls("https://host/conda/t/tk-1/ch", {}, &credentials) == Urls{"https://host/conda/ch"});
    CHECK(credentials.size() == 1);
    credentials.clear();
    CHECK(urls("https://host/ch", {}, &credentials) == Urls{"https://host/ch"});
    CHECK(credentials.empty());

    // One token too many is a slip, and none of the two is shown.
    CHECK(urls("https://host/t/tk-1/t/tk-2/ch", {}, &credentials) == Urls{"https://host/ch"});
    CHECK(without_credentials(value_or_throw(Url::parse("https://host/t/tk-1/a/t/tk-2/ch"))).to_string() ==
          "https://host/a/ch");

    const auto refused = resolve_channel("ftp://user:s3cret@host/ch", {}, "/");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().to_string().find("s3cret") == std::string::npos);
}

TEST_CASE("what is no channel is refused") {
    for (const auto* text : {"", " ", "nodefaults", "local", "conda forge", "conda-forge::", "a;b",
                             "https://host/ch?x=1", "ftp://host/ch", "https://", "oci://host/ch", "a\nb"}) {
        INFO(text);
        const auto channel = resolve_channel(text, {}, "/");
        REQUIRE_FALSE(channel);
        CHECK(channel.error().kind() == ErrorKind::InvalidInput);
    }
}

TEST_CASE("settings decide how names are read") {
    ChannelSettings settings;
    settings.channel_alias = "https://user:pw@mirror.corp/t/tk-9/api/";
    settings.custom_channels["team"] = "https://corp/conda";
    settings.custom_multichannels["all"] = {"team", "conda-forge", "https://corp/conda/team"};
    settings.custom_multichannels["loop"] = {"loop"};
    settings.default_channels = {"team"};
    std::vector<Url> credentials;
    CHECK(urls("bioconda", settings, &credentials) == Urls{"https://mirror.corp/api/bioconda"});
    CHECK(credentials.size() == 1);
    CHECK(urls("team/label/x", settings) == Urls{"https://corp/conda/team/label/x"});
    CHECK(urls("all", settings) == Urls{"https://corp/conda/team", "https://mirror.corp/api/conda-forge"});
    CHECK(urls("defaults", settings) == Urls{"https://corp/conda/team"});
    CHECK_FALSE(resolve_channel("loop", settings, "/"));
    CHECK(value_or_throw(resolve_channel("https://corp/conda/team/label/x", settings, "/")).front().name() ==
          "team/label/x");
    settings.channel_alias = "mirror.corp";
    CHECK_FALSE(resolve_channel("bioconda", settings, "/"));
}

TEST_CASE("mirrors stand in for the longest prefix that fits") {
    ChannelSettings settings;
    settings.mirrors["https://conda.anaconda.org"] = {"https://mirror/all"};
    settings.mirrors["https://conda.anaconda.org/conda-forge/"] = {"https://one/cf/", "/srv/cf"};
    const auto mirrors = [&](std::string_view url) {
        Urls out;
        for (const Url& mirror : mirrors_of(value_or_throw(Url::parse(url)), settings))
            out.push_back(mirror.to_string());
        return out;
    };
    CHECK(mirrors("https://conda.anaconda.org/bioconda") == Urls{"https://mirror/all/bioconda"});
    CHECK(mirrors("https://conda.anaconda.org/conda-forge/noarch/a-1-0.conda") ==
          Urls{"https://one/cf/noarch/a-1-0.conda", "file:///srv/cf/noarch/a-1-0.conda"});
    CHECK(mirrors("https://conda.anaconda.org/conda-forge-2") == Urls{"https://mirror/all/conda-forge-2"});
    CHECK(mirrors("https://elsewhere/ch") == Urls{"https://elsewhere/ch"});
}

TEST_CASE("condarc files are found where conda looks, and merged as conda merges") {
    const ProcessEnv env({{"HOME", "/home/me"}, {"CONDARC", "/my/condarc"}, {"XDG_CONFIG_HOME", "/xdg"}});
    const auto paths = condarc_paths(env);
    const auto position = [&](const char* path) { return std::find(paths.begin(), paths.end(), path) - paths.begin(); };
    CHECK(paths.back() == "/my/condarc");
    CHECK(position("/etc/conda/.condarc") < position("/xdg/conda/.condarc"));
    CHECK(position("/xdg/conda/.condarc") < position("/home/me/.conda/.condarc"));
    CHECK(position("/home/me/.conda/.condarc") < position("/home/me/.condarc"));
    CHECK(position("/home/me/.condarc") < static_cast<std::ptrdiff_t>(paths.size()) - 1);

    const auto json = [](std::string_view text) { return value_or_throw(Json::parse(text)); };
    const Json merged = merge_condarc(
        {json(R"({"channel_alias":"https://a","default_channels":["x","y"],"custom_channels":{"t":"https://t"}})"),
         json("[]"),
         json(R"({"channel_alias":"https://b","default_channels":["z","x"],"custom_channels":{"u":"https://u"}})")});
    CHECK(
        merged ==
        json(
            R"({"channel_alias":"https://b","default_channels":["z","x","y"],"custom_channels":{"t":"https://t","u":"https://u"}})"));
}

TEST_CASE("channel settings come from condarc's keys") {
    std::vector<std::string> warnings;
    const auto settings = ChannelSettings::from_condarc(value_or_throw(Json::parse(R"({
        "channel_alias": "mirror.corp/api", "channels": ["ignored"], "default_channels": "https://corp/main",
        "custom_channels": {"team": "https://corp/conda", "bad": 3}, "custom_multichannels": {"all": ["team", "conda-forge"], "odd": 1},
        "mirrored_channels": {"conda-forge": ["https://one/cf", "oci://ghcr.io/cf"]}, "ssl_verify": false})")),
                                                        warnings);
    CHECK(settings.channel_alias == "https://mirror.corp/api");
    CHECK(urls("defaults", settings) == Urls{"https://corp/main"});
    CHECK(urls("all", settings) == Urls{"https://corp/conda/team", "https://mirror.corp/api/conda-forge"});
    CHECK(urls("pkgs/main", settings) == Urls{"https://repo.anaconda.com/pkgs/main"});
    CHECK(settings.configured_channels == Urls{"conda-forge"});
    CHECK(mirrors_of(value_or_throw(Url::parse("https://mirror.corp/api/conda-forge")), settings).front().to_string() ==
          "https://one/cf");
    CHECK(warnings.size() == 3);

    warnings.clear();
    CHECK(ChannelSettings::from_condarc(Json::object(), warnings).channel_alias == ChannelSettings().channel_alias);
    CHECK(warnings.empty());
    (void)ChannelSettings::from_condarc(
        value_or_throw(Json::parse(R"({"channel_alias":1,"default_channels":{},"custom_channels":[]})")), warnings);
    CHECK(warnings.size() == 3);
}

TEST_CASE("condarc's values hold environment variables, as conda's do") {
    const ProcessEnv env({{"HOST_NAME", "corp.example"}, {"TOKEN", "tk-1"}, {"PASSWORD", "s3cret"}, {"EMPTY", ""}});
    const auto json = [](std::string_view text) { return value_or_throw(Json::parse(text)); };
    std::vector<std::string> warnings;
    const auto settings = ChannelSettings::from_condarc(expand_condarc(json(R"({
        "channel_alias": "https://${HOST_NAME}/api$EMPTY", "default_channels": ["https://$HOST_NAME/main"],
        "custom_channels": {"team": "https://me:${PASSWORD}@$HOST_NAME/conda", "closed": "https://h/t/$TOKEN/x",
                            "$TOKEN": "https://h"},
        "custom_multichannels": {"all": ["team", "https://${HOST_NAME}/more"]},
        "mirrored_channels": {"conda-forge": ["https://me:${PASSWORD}@mirror/cf"]}})"),
                                                                       env, warnings),
                                                        warnings);
    CHECK(warnings.empty());
    CHECK(settings.channel_alias == "https://corp.example/api");
    CHECK(settings.custom_channels.contains("$TOKEN"));
    CHECK(urls("defaults", settings) == Urls{"https://corp.example/main"});
    CHECK(urls("all", settings) == Urls{"https://corp.example/conda/team", "https://corp.example/more"});
    // What is hashed and recorded is the canonical URL; what is sent is kept apart.
    std::vector<Url> credentials;
    for (const auto* name : {"team", "closed"}) {
        const auto channel = value_or_throw(resolve_channel(name, settings, "/", &credentials)).front();
        CHECK_THAT(channel.name() + channel.url().to_string(),
                   !Catch::Contains("s3cret") && !Catch::Contains("tk-1") && !Catch::Contains("me:"));
    }
    REQUIRE(credentials.size() == 2);
    CHECK(credentials[0].user_info()->password.reveal() == "s3cret");
    CHECK(credentials[1].path() == "/t/tk-1/x/closed");
    CHECK(mirrors_of(value_or_throw(Url::parse("https://corp.example/api/conda-forge")), settings)
              .front()
              .user_info()
              ->password.reveal() == "s3cret");

    // What is unset stays, and is named; what may be a piece of a password is not.
    const auto unset = expand_condarc(json(R"({"channel_alias": "https://${ABSENT}/$GONE/a$/${/${}/$",
        "custom_channels": {"a": "https://me:pa$sword@h", "b": "https://${ABSENT}"}, "channels": ["${TOKEN}"]})"),
                                      env, warnings);
    CHECK(unset["channel_alias"].as_string() == "https://${ABSENT}/$GONE/a$/${/${}/$");
    CHECK(unset["custom_channels"]["a"].as_string() == "https://me:pa$sword@h");
    CHECK(unset["channels"].as_array().front().as_string() == "${TOKEN}");
    REQUIRE(warnings.size() == 4);
    CHECK_THAT(warnings[0], Catch::Contains("${ABSENT}") && Catch::Contains("channel_alias"));
    CHECK_THAT(warnings[1], Catch::Contains("$GONE"));
    CHECK_THAT(warnings[2], Catch::Contains("custom_channels") && !Catch::Contains("sword"));
    CHECK_THAT(warnings[3], Catch::Contains("${ABSENT}") && Catch::Contains("custom_channels"));
}
