#include "conda/repodata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec_grammar.hpp"
#include "conda/repodata_index.hpp"
#include "conda/repodata_record.hpp"

namespace envbuild::conda {

struct RepoData::State {
    State(JsonBytes json, Origin where) : bytes(std::move(json)), origin(std::move(where)) {}

    JsonBytes bytes;
    Origin origin;
    RepoDataIndex index;
    Url base_url;
    std::mutex mutex;  // guards `skipped`
    Skipped skipped;
};

namespace {

// "numpy-1.26.0-py311_0" of either archive.
std::string_view stem(std::string_view file_name) {
    return file_name.substr(0, file_name.size() - (file_name.ends_with(".conda")     ? 6
                                                   : file_name.ends_with(".tar.bz2") ? 8
                                                                                     : 0));
}

Url base_url_of(const RepoData::Origin& origin, const std::string& asked) {
    const Url subdir = value_or_throw(Url::parse(origin.channel)).join(origin.subdir);
    if (asked.empty()) return subdir;
    // CEP 15: absolute, or relative to the place of the repodata.
    auto url = value_or_throw(Url::parse(subdir.to_string() + "/repodata.json")).resolve(asked);
    if (!url || (url->scheme() != "http" && url->scheme() != "https" && url->scheme() != "file")) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{}: its base_url '{}' cannot be used", origin.shown, redact(asked)));
    }
    const Url bare = without_credentials(*url).without_fragment();
    const std::string text = bare.to_string();
    return text.ends_with('/') ? value_or_throw(Url::parse(text.substr(0, text.size() - 1))) : bare;
}

}  // namespace

RepoData::RepoData(std::unique_ptr<State> state) : state_(std::move(state)) {}
RepoData::~RepoData() = default;

std::shared_ptr<const RepoData> RepoData::from_json(JsonBytes bytes, Origin origin) {
    auto state = std::make_unique<State>(std::move(bytes), std::move(origin));
    state->index = index_repodata(state->bytes, state->origin.shown);
    state->base_url = base_url_of(state->origin, state->index.base_url);
    state->skipped.count = state->index.unusable;
    return std::shared_ptr<const RepoData>(new RepoData(std::move(state)));
}

std::shared_ptr<const RepoData> RepoData::load(const std::filesystem::path& file, Origin origin) {
    return from_json(JsonBytes::map(file), std::move(origin));
}

std::shared_ptr<const RepoData> RepoData::from_bytes(std::string bytes, Origin origin) {
    return from_json(JsonBytes(std::move(bytes)), std::move(origin));
}

std::shared_ptr<const RepoData> RepoData::empty(Origin origin) {
    return from_bytes(R"({"packages":{}})", std::move(origin));
}

std::vector<PackageRecord> RepoData::records(std::string_view name) const {
    const auto found = state_->index.names.find(name);
    if (found == state_->index.names.end()) return {};
    const std::string_view text = state_->bytes.text();
    std::vector<std::string_view> conda_stems;
    for (const RepoDataIndex::Entry& entry : found->second) {
        const std::string_view file = entry.key(text);
        if (file.ends_with(".conda")) conda_stems.push_back(stem(file));
    }
    std::sort(conda_stems.begin(), conda_stems.end());

    std::vector<PackageRecord> records;
    records.reserve(found->second.size());
    RecordParser parser(state_->origin, state_->base_url);
    Skipped skipped;
    for (const RepoDataIndex::Entry& entry : found->second) {
        const std::string_view file = entry.key(text);
        if (!file.ends_with(".conda") && std::binary_search(conda_stems.begin(), conda_stems.end(), stem(file)))
            continue;
        if (state_->index.removed.contains(file)) continue;
        auto record = parser.parse(file, entry.json(text), state_->bytes.capacity() - entry.json_offset);
        if (record) {
            records.push_back(std::move(*record));
        } else {
            if (skipped.count++ == 0) skipped.first = record.error().message();
        }
    }
    if (skipped.count > 0) {
        const std::lock_guard lock(state_->mutex);
        state_->skipped.count += skipped.count;
        if (state_->skipped.first.empty()) state_->skipped.first = std::move(skipped.first);
    }
    return records;
}

std::vector<std::string> RepoData::names() const {
    std::vector<std::string> names;
    names.reserve(state_->index.names.size());
    for (const auto& [name, entries] : state_->index.names) names.emplace_back(name);
    std::sort(names.begin(), names.end());
    return names;
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
    return state_->index.names.contains(name);
}

std::size_t RepoData::size() const {
    return state_->index.count;
}

RepoData::Skipped RepoData::skipped() const {
    const std::lock_guard lock(state_->mutex);
    return state_->skipped;
}

const RepoData::Origin& RepoData::origin() const {
    return state_->origin;
}

const Url& RepoData::base_url() const {
    return state_->base_url;
}

}  // namespace envbuild::conda
