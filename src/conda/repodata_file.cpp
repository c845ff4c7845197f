#include "conda/repodata_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace envbuild::conda {

namespace {

// Records that lie so near to each other are read together.
constexpr std::uint32_t kGap = 1 << 14;

// "numpy-1.26.0-py311_0" of either archive.
std::string_view stem(std::string_view file_name) {
    return file_name.substr(0, file_name.size() - (file_name.ends_with(".conda")     ? 6
                                                   : file_name.ends_with(".tar.bz2") ? 8
                                                                                     : 0));
}

}  // namespace

void RepoDataFile::skip(const Error& reason) const {
    const std::lock_guard lock(mutex);
    if (skipped.count++ == 0 || skipped.first.empty()) skipped.first = reason.message();
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
            file_->skip(head.error());
        } else if (*head) {
            heads_.push_back(**head);
            texts_.push_back(text);
        }
    }
}

Expected<PackageRecord> RepoDataRecords::read(std::size_t place) const {
    const auto& text = texts_[place];
    const std::lock_guard lock(mutex_);
    auto record = parser_.parse(text.file_name, text.json, text.capacity);
    if (!record) file_->skip(record.error());
    return record;
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
