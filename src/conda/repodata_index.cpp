#include "conda/repodata_index.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/fs.hpp"
#include "conda/quick_sum.hpp"
#include "conda/repodata_scan.hpp"

namespace envbuild::conda {

namespace {

// The last character is the version of this format; the number tells a machine of the other byte order.
constexpr std::array<char, 8> kMagic = {'e', 'b', 'i', 'n', 'd', 'e', 'x', '3'};
constexpr std::uint32_t kByteOrder = 0x01020304;

template <class T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

// The file: the header, then rows sorted by name, then entries, then the names of removed files, then characters. The
// header's sum is checked when the file is opened, a row's when its entries are asked for: they are nine tenths of the
// file, of which a run looks at little.
struct RepoDataIndex::Header {
    std::array<char, 8> magic = kMagic;
    std::uint64_t sum = 0;  // of all that follows this field but the entries
    std::uint64_t text_size = 0;
    std::int64_t text_modified = 0;
    std::uint32_t byte_order = kByteOrder;
    std::uint32_t rows = 0, entries = 0, removed = 0, unusable = 0, characters = 0;
    std::uint32_t base_url_offset = 0, base_url_length = 0, subdir_offset = 0, subdir_length = 0;
};
struct RepoDataIndex::Text {
    std::uint32_t offset = 0, length = 0;
};
struct RepoDataIndex::Row {
    Text name;
    std::uint32_t first = 0, count = 0;
    std::uint64_t sum = 0;  // of its entries
};

namespace {

constexpr std::size_t kSummedFrom = 8 + 8;

}  // namespace

std::optional<RepoDataIndex::Stamp> RepoDataIndex::Stamp::of(const std::filesystem::path& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) return std::nullopt;
    return Stamp{static_cast<std::uint64_t>(status.st_size),
                 status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec};
}

RepoDataIndex RepoDataIndex::make(const RepoDataScan& scan) {
    std::vector<std::string_view> names;
    names.reserve(scan.names.size());
    for (const auto& [name, entries] : scan.names) names.push_back(name);
    std::ranges::sort(names);

    Header header;
    std::string rows, entries, removed, characters;
    const auto add = [&](std::string_view word) {
        const Text place{static_cast<std::uint32_t>(characters.size()), static_cast<std::uint32_t>(word.size())};
        characters += word;
        return place;
    };
    for (const auto name : names) {
        const auto& own = scan.names.find(name)->second;
        const auto bytes = bytes_of(std::span<const Entry>(own));
        rows += bytes_of(Row{add(name), header.entries, static_cast<std::uint32_t>(own.size()), quick_sum(bytes)});
        entries += bytes;
        header.entries += static_cast<std::uint32_t>(own.size());
    }
    for (const auto& file : scan.removed) removed += bytes_of(add(file));
    const auto base_url = add(scan.base_url);
    const auto subdir = add(scan.subdir);
    header.rows = static_cast<std::uint32_t>(names.size());
    header.removed = static_cast<std::uint32_t>(scan.removed.size());
    header.unusable = static_cast<std::uint32_t>(scan.unusable);
    header.characters = static_cast<std::uint32_t>(characters.size());
    header.base_url_offset = base_url.offset;
    header.base_url_length = base_url.length;
    header.subdir_offset = subdir.offset;
    header.subdir_length = subdir.length;
    std::string bytes(bytes_of(header));
    bytes.reserve(bytes.size() + rows.size() + entries.size() + removed.size() + characters.size() +
                  JsonBytes::kPadding);
    for (const auto* part : {&rows, &entries, &removed, &characters}) bytes += *part;
    return RepoDataIndex(JsonBytes(std::move(bytes)));
}

std::optional<RepoDataIndex> RepoDataIndex::open(const std::filesystem::path& file, const Stamp& stamp) {
    try {
        RepoDataIndex index(JsonBytes::map(file));
        const auto bytes = index.bytes_.text();
        if (bytes.size() < sizeof(Header)) return std::nullopt;
        const auto& header = index.header();
        if (header.magic != kMagic || header.byte_order != kByteOrder) return std::nullopt;
        if (header.text_size != stamp.size || header.text_modified != stamp.modified) return std::nullopt;
        const std::uint64_t size = sizeof(Header) + std::uint64_t{header.rows} * sizeof(Row) +
                                   std::uint64_t{header.entries} * sizeof(Entry) +
                                   std::uint64_t{header.removed} * sizeof(Text) + header.characters;
        if (size != bytes.size()) return std::nullopt;
        if (index.sum_with(header) != header.sum) return std::nullopt;
        return index;
    } catch (const Error&) {
        return std::nullopt;
    }
}

void RepoDataIndex::save(const std::filesystem::path& file, const Stamp& stamp) const {
    auto header = this->header();
    header.text_size = stamp.size;
    header.text_modified = stamp.modified;
    header.sum = sum_with(header);
    AtomicFile out(file);
    out.write(bytes_of(header));
    out.write(bytes_.text().substr(sizeof(Header)));
    out.commit(fs::perms(0644), false);  // one that a crash damages is not used
}

std::uint64_t RepoDataIndex::sum_with(const Header& header) const {
    const auto entries = bytes_of(all_entries());
    const auto behind = static_cast<std::size_t>(entries.data() + entries.size() - bytes_.text().data());
    const auto sum = quick_sum(bytes_of(rows()), quick_sum(bytes_of(header).substr(kSummedFrom)));
    return quick_sum(bytes_.text().substr(behind), sum);
}

const RepoDataIndex::Header& RepoDataIndex::header() const {
    return *reinterpret_cast<const Header*>(bytes_.text().data());
}

std::span<const RepoDataIndex::Row> RepoDataIndex::rows() const {
    return {reinterpret_cast<const Row*>(bytes_.text().data() + sizeof(Header)), header().rows};
}

std::span<const RepoDataIndex::Entry> RepoDataIndex::all_entries() const {
    return {reinterpret_cast<const Entry*>(rows().data() + rows().size()), header().entries};
}

std::span<const RepoDataIndex::Text> RepoDataIndex::removed() const {
    const auto entries = all_entries();
    return {reinterpret_cast<const Text*>(entries.data() + entries.size()), header().removed};
}

std::string_view RepoDataIndex::text(const Text& text) const {
    const auto gone = removed();
    return {reinterpret_cast<const char*>(gone.data() + gone.size()) + text.offset, text.length};
}

const RepoDataIndex::Row* RepoDataIndex::row(std::string_view name) const {
    const auto found = std::ranges::lower_bound(rows(), name, {}, [&](const Row& row) { return text(row.name); });
    return found == rows().end() || text(found->name) != name ? nullptr : &*found;
}

bool RepoDataIndex::has(std::string_view name) const {
    return row(name) != nullptr;
}

std::optional<std::span<const RepoDataIndex::Entry>> RepoDataIndex::entries(std::string_view name) const {
    const auto* const found = row(name);
    if (found == nullptr) return std::span<const Entry>();
    const auto entries = all_entries().subspan(found->first, found->count);
    if (quick_sum(bytes_of(entries)) != found->sum) return std::nullopt;
    return entries;
}

std::vector<std::string> RepoDataIndex::names() const {
    std::vector<std::string> names;
    names.reserve(rows().size());
    for (const auto& row : rows()) names.emplace_back(text(row.name));
    return names;
}

bool RepoDataIndex::is_removed(std::string_view file_name) const {
    return std::ranges::binary_search(removed(), file_name, {}, [&](const Text& file) { return text(file); });
}

std::string_view RepoDataIndex::base_url() const {
    return text({header().base_url_offset, header().base_url_length});
}

std::string_view RepoDataIndex::subdir() const {
    return text({header().subdir_offset, header().subdir_length});
}

std::size_t RepoDataIndex::count() const {
    return header().entries + header().unusable;
}

}  // namespace envbuild::conda
