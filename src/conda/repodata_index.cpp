#include "conda/repodata_index.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "conda/repodata_scan.hpp"

namespace envbuild::conda {

namespace {

// The last character is the version of this format; the number tells a machine of the other byte order.
constexpr std::array<char, 8> kMagic = {'e', 'b', 'i', 'n', 'd', 'e', 'x', '1'};
constexpr std::uint32_t kByteOrder = 0x01020304;

template <class T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

// The file: the header, then rows sorted by name, then entries, then the names of removed files, then characters.
struct RepoDataIndex::Header {
    std::array<char, 8> magic = kMagic;
    std::array<unsigned char, 32> sha256{};  // of all that follows this field
    std::uint64_t text_size = 0;
    std::int64_t text_modified = 0;
    std::uint32_t byte_order = kByteOrder;
    std::uint32_t rows = 0, entries = 0, removed = 0, unusable = 0, characters = 0;
    std::uint32_t base_url_offset = 0, base_url_length = 0;
};
struct RepoDataIndex::Text {
    std::uint32_t offset = 0, length = 0;
};
struct RepoDataIndex::Row {
    Text name;
    std::uint32_t first = 0, count = 0;
};

namespace {

constexpr std::size_t kHashedFrom = 8 + 32;

}  // namespace

std::optional<RepoDataIndex::Stamp> RepoDataIndex::Stamp::of(const std::filesystem::path& file) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) return std::nullopt;
    return Stamp{static_cast<std::uint64_t>(status.st_size),
                 status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec};
}

RepoDataIndex RepoDataIndex::make(const JsonBytes& text, std::string_view shown) {
    const auto scan = scan_repodata(text, shown);
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
        rows += bytes_of(Row{add(name), header.entries, static_cast<std::uint32_t>(own.size())});
        entries.append(reinterpret_cast<const char*>(own.data()), own.size() * sizeof(Entry));
        header.entries += static_cast<std::uint32_t>(own.size());
    }
    for (const auto& file : scan.removed) removed += bytes_of(add(file));
    const auto base_url = add(scan.base_url);
    header.rows = static_cast<std::uint32_t>(names.size());
    header.removed = static_cast<std::uint32_t>(scan.removed.size());
    header.unusable = static_cast<std::uint32_t>(scan.unusable);
    header.characters = static_cast<std::uint32_t>(characters.size());
    header.base_url_offset = base_url.offset;
    header.base_url_length = base_url.length;
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
        const auto digest = sha256(bytes.substr(kHashedFrom)).bytes();
        if (!std::ranges::equal(digest, header.sha256)) return std::nullopt;
        return index;
    } catch (const Error&) {
        return std::nullopt;
    }
}

void RepoDataIndex::save(const std::filesystem::path& file, const Stamp& stamp) const {
    auto header = this->header();
    header.text_size = stamp.size;
    header.text_modified = stamp.modified;
    const auto rest = bytes_.text().substr(sizeof(Header));
    Sha256 hash;
    hash.update(bytes_of(header).substr(kHashedFrom));
    hash.update(rest);
    std::ranges::copy(hash.finish().bytes(), header.sha256.begin());
    AtomicFile out(file);
    out.write(bytes_of(header));
    out.write(rest);
    out.commit();
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

std::span<const RepoDataIndex::Entry> RepoDataIndex::entries(std::string_view name) const {
    const auto found = std::ranges::lower_bound(rows(), name, {}, [&](const Row& row) { return text(row.name); });
    if (found == rows().end() || text(found->name) != name) return {};
    return all_entries().subspan(found->first, found->count);
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

std::size_t RepoDataIndex::count() const {
    return header().entries + header().unusable;
}

std::size_t RepoDataIndex::unusable() const {
    return header().unusable;
}

}  // namespace envbuild::conda
