#include "conda/repodata.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/match_spec_grammar.hpp"
#include "conda/repodata_index.hpp"
#include "conda/repodata_record.hpp"

namespace envbuild::conda {

namespace fs = std::filesystem;

struct RepoData::State {
    Origin origin;
    std::optional<JsonBytes> bytes;  // all of it; none: the file is read where it is needed
    UniqueFd file;
    RepoDataIndex index;
    Url base_url{};
    std::mutex mutex{};  // guards `skipped`
    Skipped skipped{};
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

// The text of some records: in the text that is held, or read from the file, in as few pieces as they lie in.
class RecordText {
  public:
    RecordText(std::span<const RepoDataIndex::Entry> entries, const JsonBytes* held, const UniqueFd& file,
               const std::string& shown)
        : entries_(entries), pieces_(entries.size()) {
        if (held != nullptr) {
            std::ranges::fill(pieces_, Piece{held->text().data(), 0, held->capacity()});
            return;
        }
        for (std::size_t first = 0, last = 0; first < entries.size(); first = last) {
            for (last = first + 1; last < entries.size(); ++last) {
                const auto end = entries[last - 1].end();
                if (entries[last].key_offset < end || entries[last].key_offset - end > kGap) break;
            }
            const auto begin = entries[first].key_offset;
            auto& bytes = read_.emplace_back(entries[last - 1].end() - begin + JsonBytes::kPadding, '\0');
            read(file, begin, std::span(bytes).first(bytes.size() - JsonBytes::kPadding), shown);
            std::fill(pieces_.begin() + static_cast<std::ptrdiff_t>(first),
                      pieces_.begin() + static_cast<std::ptrdiff_t>(last), Piece{bytes.data(), begin, bytes.size()});
        }
    }

    [[nodiscard]] std::string_view file_name(std::size_t i) const {
        return {at(i, entries_[i].key_offset), entries_[i].key_length};
    }
    [[nodiscard]] std::string_view json(std::size_t i) const {
        return {at(i, entries_[i].json_offset), entries_[i].json_length};
    }
    // Readable bytes from json(i)'s start.
    [[nodiscard]] std::size_t capacity(std::size_t i) const {
        return pieces_[i].capacity - (entries_[i].json_offset - pieces_[i].offset);
    }

  private:
    static constexpr std::uint32_t kGap = 1 << 14;
    struct Piece {
        const char* bytes = nullptr;
        std::uint32_t offset = 0;  // of the first byte
        std::size_t capacity = 0;
    };

    [[nodiscard]] const char* at(std::size_t i, std::uint32_t offset) const {
        return pieces_[i].bytes + (offset - pieces_[i].offset);
    }

    static void read(const UniqueFd& file, std::uint64_t offset, std::span<char> into, const std::string& shown) {
        while (!into.empty()) {
            const auto got = ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) throw_errno("read the cached repodata of", shown);
            if (got == 0) throw Error(ErrorKind::Corrupt, fmt::format("the cached repodata of {} is cut off", shown));
            offset += static_cast<std::uint64_t>(got);
            into = into.subspan(static_cast<std::size_t>(got));
        }
    }

    std::span<const RepoDataIndex::Entry> entries_;
    std::vector<Piece> pieces_;     // an entry each
    std::deque<std::string> read_;  // stays where it is
};

}  // namespace

RepoData::RepoData(std::unique_ptr<State> state) : state_(std::move(state)) {}
RepoData::~RepoData() = default;

std::shared_ptr<const RepoData> RepoData::make(std::unique_ptr<State> state) {
    state->base_url = base_url_of(state->origin, std::string(state->index.base_url()));
    state->skipped.count = state->index.unusable();
    return std::shared_ptr<const RepoData>(new RepoData(std::move(state)));
}

std::shared_ptr<const RepoData> RepoData::load(const fs::path& file, Origin origin) {
    auto bytes = JsonBytes::map(file);
    auto index = RepoDataIndex::make(bytes, origin.shown);
    return make(std::unique_ptr<State>(
        new State{.origin = std::move(origin), .bytes = std::move(bytes), .file = {}, .index = std::move(index)}));
}

std::shared_ptr<const RepoData> RepoData::load_indexed(const fs::path& file, Origin origin) {
    const auto stamp = RepoDataIndex::Stamp::of(file);
    if (!stamp) throw_errno("read", file);
    if (auto index = RepoDataIndex::open(fs::path(file.string() + ".index"), *stamp)) {
        UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        if (!fd) throw_errno("read", file);
        return make(std::unique_ptr<State>(new State{
            .origin = std::move(origin), .bytes = std::nullopt, .file = std::move(fd), .index = std::move(*index)}));
    }
    auto data = load(file, std::move(origin));
    data->save_index(file);
    return data;
}

void RepoData::save_index(const fs::path& file) const {
    try {
        if (const auto stamp = RepoDataIndex::Stamp::of(file))
            state_->index.save(fs::path(file.string() + ".index"), *stamp);
    } catch (const Error&) {
        return;
    }
}

std::shared_ptr<const RepoData> RepoData::from_bytes(std::string text, Origin origin) {
    JsonBytes bytes(std::move(text));
    auto index = RepoDataIndex::make(bytes, origin.shown);
    return make(std::unique_ptr<State>(
        new State{.origin = std::move(origin), .bytes = std::move(bytes), .file = {}, .index = std::move(index)}));
}

std::shared_ptr<const RepoData> RepoData::empty(Origin origin) {
    return from_bytes(R"({"packages":{}})", std::move(origin));
}

std::vector<PackageRecord> RepoData::records(std::string_view name) const {
    const auto entries = state_->index.entries(name);
    if (entries.empty()) return {};
    const RecordText text(entries, state_->bytes ? &*state_->bytes : nullptr, state_->file, state_->origin.shown);
    std::vector<std::string_view> conda_stems;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (text.file_name(i).ends_with(".conda")) conda_stems.push_back(stem(text.file_name(i)));
    }
    std::sort(conda_stems.begin(), conda_stems.end());

    std::vector<PackageRecord> records;
    records.reserve(entries.size());
    RecordParser parser(state_->origin, state_->base_url);
    Skipped skipped;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string_view file = text.file_name(i);
        if (!file.ends_with(".conda") && std::binary_search(conda_stems.begin(), conda_stems.end(), stem(file)))
            continue;
        if (state_->index.is_removed(file)) continue;
        auto record = parser.parse(file, text.json(i), text.capacity(i));
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
    return state_->index.names();
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
    return !state_->index.entries(name).empty();
}

std::size_t RepoData::size() const {
    return state_->index.count();
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
