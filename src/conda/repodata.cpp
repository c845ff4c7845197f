#include "conda/repodata.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec_grammar.hpp"
#include "conda/platform.hpp"
#include "conda/repodata_file.hpp"
#include "conda/repodata_scan.hpp"

namespace envbuild::conda {

namespace fs = std::filesystem;

namespace {

Url base_url_of(const RepoData::Origin& origin, const std::string& asked) {
    Url subdir = value_or_throw(Url::parse(origin.channel)).join(origin.subdir);
    if (asked.empty()) return subdir;
    // CEP 15: absolute, or relative to the place of the repodata.
    auto url = value_or_throw(Url::parse(subdir.to_string() + "/repodata.json")).resolve(asked);
    // A server does not decide which files of this machine are read.
    const bool usable = url && (url->scheme() == "http" || url->scheme() == "https" ||
                                (url->scheme() == "file" && subdir.scheme() == "file"));
    if (!usable) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: its base_url '{}' cannot be used", origin.shown, redact(asked)));
    }
    const Url bare = without_credentials(*url).without_fragment();
    const std::string text = bare.to_string();
    return text.ends_with('/') ? value_or_throw(Url::parse(text.substr(0, text.size() - 1))) : bare;
}

// As for a record that says so: what is known to be another platform's would not run.
void refuse_other_platform(const RepoData::Origin& origin, std::string_view says) {
    const auto& known = Platform::known_subdirs();
    if (says == origin.subdir || says == "noarch" || origin.subdir == "noarch") return;
    if (std::ranges::find(known, says) == known.end()) return;
    throw Error(ErrorKind::Corrupt, fmt::format("{} is of {}, not of {}", origin.shown, says, origin.subdir));
}

}  // namespace

RepoData::RepoData(std::shared_ptr<const RepoDataFile> data) : file_(std::move(data)) {}
RepoData::~RepoData() = default;

std::shared_ptr<const RepoData> RepoData::make(std::shared_ptr<RepoDataFile> data) {
    refuse_other_platform(data->origin, data->index.subdir());
    data->base_url = base_url_of(data->origin, std::string(data->index.base_url()));
    return std::shared_ptr<const RepoData>(new RepoData(std::move(data)));
}

std::shared_ptr<const RepoData> RepoData::load(const fs::path& file, Origin origin) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw_errno("read", file);
    auto index = index_of(fd, origin.shown);
    return make(std::make_shared<RepoDataFile>(std::move(origin), std::nullopt, std::move(fd), std::move(index)));
}

std::shared_ptr<const RepoData> RepoData::load_indexed(const fs::path& file, Origin origin) {
    const auto stamp = RepoDataIndex::Stamp::of(file);
    if (!stamp) throw_errno("read", file);
    if (auto index = RepoDataIndex::open(index_path(file), *stamp)) {
        UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) throw_errno("read", file);
        auto data = std::make_shared<RepoDataFile>(std::move(origin), std::nullopt, std::move(fd), std::move(*index));
        data->path = file;
        return make(std::move(data));
    }
    auto data = load(file, std::move(origin));
    save_index_beside(data->file_->index, file);
    return data;
}

std::shared_ptr<const RepoData> RepoData::from_bytes(std::string text, Origin origin) {
    JsonBytes bytes(std::move(text));
    auto index = RepoDataIndex::make(scan_repodata(bytes.text(), origin.shown));
    return make(std::make_shared<RepoDataFile>(std::move(origin), std::move(bytes), UniqueFd(), std::move(index)));
}

std::shared_ptr<const RepoData> RepoData::empty(Origin origin) {
    return from_bytes(R"({"packages":{}})", std::move(origin));
}

std::shared_ptr<const NameRecords> RepoData::open(std::string_view name) const {
    const auto entries = file_->entries(name);
    if (entries.empty()) return nullptr;
    return std::make_shared<RepoDataRecords>(file_, name, entries);
}

std::vector<std::string> RepoData::names() const {
    return file_->index.names();
}

std::vector<std::string> RepoData::needs(std::string_view name) const {
    std::set<std::string> names;
    for (const auto& record : records(name)) {
        for (const auto& depends : record.depends) {
            if (const auto needed = match_spec_name(depends); !needed.empty()) names.emplace(needed);
        }
    }
    return {names.begin(), names.end()};
}

bool RepoData::has(std::string_view name) const {
    return file_->index.has(name);
}

std::size_t RepoData::size() const {
    return file_->index.count();
}

const RepoData::Origin& RepoData::origin() const {
    return file_->origin;
}

const Url& RepoData::base_url() const {
    return file_->base_url;
}

}  // namespace envbuild::conda
