#include "conda/repodata_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "conda/repodata_scan.hpp"

namespace envbuild::conda {

namespace {

constexpr std::size_t kReadAtOnce = 1 << 17;
// Records that lie so near to each other are read together.
constexpr std::uint32_t kGap = 1 << 14;

// "numpy-1.26.0-py311_0" of either archive.
std::string_view stem(std::string_view file_name) {
    return file_name.substr(0, file_name.size() - (file_name.ends_with(".conda")     ? 6
                                                   : file_name.ends_with(".tar.bz2") ? 8
                                                                                     : 0));
}

}  // namespace

std::span<const RepoDataIndex::Entry> RepoDataFile::entries(std::string_view name) const {
    if (const auto found = index.entries(name)) return *found;
    std::call_once(damaged, [&] {
        made_again.emplace(index_of(file, origin.shown));
        if (!path.empty()) save_index_beside(*made_again, path);
    });
    return made_again->entries(name).value();
}

fs::path index_path(const fs::path& file) {
    return file.string() + ".index";
}

void save_index_beside(const RepoDataIndex& index, const fs::path& file) {
    try {
        if (const auto stamp = RepoDataIndex::Stamp::of(file)) index.save(index_path(file), *stamp);
    } catch (const Error&) {
        return;
    }
}

void read_in_pieces(const UniqueFd& file, const std::string& shown, const std::function<void(std::string_view)>& take) {
    std::vector<char> buffer(kReadAtOnce);
    std::uint64_t offset = 0;
    while (const auto got = read_at(file, offset, buffer, shown)) {
        take({buffer.data(), got});
        offset += got;
    }
}

RepoDataIndex index_of(const UniqueFd& file, const std::string& shown) {
    RepoDataScanner scanner(shown);
    read_in_pieces(file, shown, [&](std::string_view bytes) { scanner.feed(bytes); });
    return RepoDataIndex::make(scanner.finish());
}

RepoDataRecords::RepoDataRecords(std::shared_ptr<const RepoDataFile> file, std::string_view name,
                                 std::span<const RepoDataIndex::Entry> entries)
    : file_(std::move(file)), parser_(file_->origin, file_->base_url) {
    const auto all = texts(entries);
    std::vector<std::string_view> conda_stems;
    for (const auto& text : all) {
        if (text.file_name.ends_with(".conda")) conda_stems.push_back(stem(text.file_name));
    }
    std::sort(conda_stems.begin(), conda_stems.end());
    texts_.reserve(all.size());
    heads_.reserve(all.size());
    for (const auto& text : all) {
        if (!text.file_name.ends_with(".conda") && std::ranges::binary_search(conda_stems, stem(text.file_name)))
            continue;
        if (file_->index.is_removed(text.file_name)) continue;
        const auto head = parser_.parse_head(name, text.file_name, text.json, text.capacity, storage_);
        if (!head) {
            if (left_out_.count++ == 0) left_out_.first = head.error().message();
        } else if (*head) {
            heads_.push_back(**head);
            texts_.push_back(text);
        }
    }
}

Expected<PackageRecord> RepoDataRecords::read(std::size_t place) const {
    const auto& text = texts_[place];
    const std::lock_guard lock(mutex_);
    return parser_.parse(text.file_name, text.json, text.capacity);
}

bool RepoDataRecords::may_hold(std::size_t place, std::string_view text) const {
    const auto json = texts_[place].json;
    return ::memmem(json.data(), json.size(), text.data(), text.size()) != nullptr ||
           json.find('\\') != std::string_view::npos;
}

// In the text that is held, or read from the file in as few pieces as they lie in.
std::vector<RepoDataRecords::Text> RepoDataRecords::texts(std::span<const RepoDataIndex::Entry> entries) {
    std::vector<Text> texts;
    texts.reserve(entries.size());
    for (std::size_t first = 0, last = 0; first < entries.size(); first = last) {
        for (last = first + 1; last < entries.size(); ++last) {
            const auto end = entries[last - 1].end();
            if (entries[last].key_offset < end || entries[last].key_offset - end > kGap) break;
        }
        const auto begin = entries[first].key_offset;
        const auto bytes = piece(begin, entries[last - 1].end());
        for (const auto& entry : entries.subspan(first, last - first)) {
            const auto json = entry.json_offset - begin;
            texts.push_back({bytes.substr(entry.key_offset - begin, entry.key_length),
                             bytes.substr(json, entry.json_length), bytes.size() - json + JsonBytes::kPadding});
        }
    }
    return texts;
}

std::string_view RepoDataRecords::piece(std::uint32_t begin, std::uint32_t end) {
    if (file_->bytes) return file_->bytes->text().substr(begin, end - begin);
    const std::size_t size = end - begin;
    auto& bytes = pieces_.emplace_back(size + JsonBytes::kPadding, '\0');
    if (read_at(file_->file, begin, std::span(bytes).first(size), file_->origin.shown) != size)
        throw Error(ErrorKind::Corrupt, fmt::format("the cached repodata of {} is cut off", file_->origin.shown));
    return std::string_view(bytes).substr(0, size);
}

}  // namespace envbuild::conda
