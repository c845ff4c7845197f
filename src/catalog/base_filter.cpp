#include "catalog/base_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/strings.hpp"

namespace envbuild::catalog {

namespace {

constexpr std::string_view kNone = "none";

// "8" holds for 8 and 8.9.6, not for 80.
bool version_begins(std::string_view version, std::string_view prefix) {
    return version == prefix || (version.starts_with(prefix) && version.size() > prefix.size() &&
                                 (version[prefix.size()] == '.' || version[prefix.size()] == '-'));
}

bool cuda_fits(const BaseImageEntry& entry, const std::string& asked) {
    if (asked.empty()) return true;
    if (entry.cuda.empty() || asked == kNone) return entry.cuda.empty() && asked == kNone;
    return value_or_throw(CudaVersion::parse(entry.cuda)).fits(value_or_throw(CudaVersion::parse(asked)));
}

bool cudnn_fits(const BaseImageEntry& entry, const std::string& asked) {
    if (asked.empty()) return true;
    if (asked == kNone) return entry.cudnn.empty();
    return version_begins(entry.cudnn, asked);
}

// "ubuntu" holds for ubuntu22.04, "ubuntu22.04" for itself alone.
bool os_fits(const BaseImageEntry& entry, const std::string& asked) {
    const auto name = to_lower(asked);
    if (entry.os == name) return true;
    return !name.empty() && entry.os.starts_with(name) && std::isdigit(static_cast<unsigned char>(name.back())) == 0;
}

bool publisher_fits(const BaseImageEntry& entry, const std::string& asked) {
    const auto name = to_lower(asked);
    return publisher_of(entry) == name || entry.image.starts_with(name + "/");
}

using Values = std::vector<std::string>;

// A filter that no image of the catalogue could pass is a slip, and says which values there are.
template <class Value>
void check_known(const BaseImageCatalog& catalog, std::string_view option, const std::string& asked, bool known,
                 Value&& value) {
    if (asked.empty() || known) return;
    std::set<std::string> there;
    for (const auto& entry : catalog.images()) {
        if (auto text = value(entry); !text.empty()) there.insert(std::move(text));
    }
    throw Error(ErrorKind::InvalidInput, fmt::format("no base image of the catalogue has {} {}", option, asked))
        .with_hint("it has: " + join(Values(there.begin(), there.end()), ", "));
}

std::vector<const BaseImageEntry*> filter_or_throw(const BaseImageCatalog& catalog, const BaseFilter& filter) {
    if (!filter.cuda.empty() && filter.cuda != kNone) (void)value_or_throw(CudaVersion::parse(filter.cuda));
    const auto any = [&](auto&& fits) { return std::ranges::any_of(catalog.images(), fits); };
    check_known(catalog, "CUDA", filter.cuda, any([&](const auto& e) { return cuda_fits(e, filter.cuda); }),
                [](const auto& e) {
                    return e.cuda.empty() ? std::string() : value_or_throw(CudaVersion::parse(e.cuda)).major_minor();
                });
    check_known(catalog, "cuDNN", filter.cudnn, any([&](const auto& e) { return cudnn_fits(e, filter.cudnn); }),
                [](const auto& e) { return e.cudnn.substr(0, e.cudnn.find('.')); });
    check_known(catalog, "the system", filter.os, any([&](const auto& e) { return os_fits(e, filter.os); }),
                [](const auto& e) { return e.os; });
    check_known(catalog, "the flavor", filter.flavor, any([&](const auto& e) { return e.flavor == filter.flavor; }),
                [](const auto& e) { return e.flavor; });
    check_known(catalog, "the publisher", filter.publisher,
                any([&](const auto& e) { return publisher_fits(e, filter.publisher); }), publisher_of);
    check_known(catalog, "MPI", filter.mpi, any([&](const auto& e) { return e.mpi.starts_with(filter.mpi); }),
                [](const auto& e) { return e.mpi; });

    std::vector<const BaseImageEntry*> found;
    for (const auto& entry : catalog.images()) {
        if (entry.deprecated && !filter.deprecated) continue;
        if (!cuda_fits(entry, filter.cuda) || !cudnn_fits(entry, filter.cudnn)) continue;
        if (!filter.os.empty() && !os_fits(entry, filter.os)) continue;
        if (!filter.flavor.empty() && entry.flavor != filter.flavor) continue;
        if (!filter.publisher.empty() && !publisher_fits(entry, filter.publisher)) continue;
        if (!filter.mpi.empty() && !entry.mpi.starts_with(filter.mpi)) continue;
        if (!filter.platform.empty() && std::ranges::find(entry.platforms, filter.platform) == entry.platforms.end())
            continue;
        found.push_back(&entry);
    }
    return found;
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

}  // namespace

Expected<std::vector<const BaseImageEntry*>> filter_images(const BaseImageCatalog& catalog, const BaseFilter& filter) {
    try {
        return filter_or_throw(catalog, filter);
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

std::string publisher_of(const BaseImageEntry& entry) {
    const auto parts = split(entry.image, '/');
    return parts.size() > 2 ? std::string(parts[1]) : std::string(parts.front());
}

Json to_json(const BaseImageEntry& entry) {
    Json json = Json::object();
    json.set("image", entry.image)
        .set("publisher", publisher_of(entry))
        .set("cuda", text_or_null(entry.cuda))
        .set("cudnn", text_or_null(entry.cudnn))
        .set("flavor", text_or_null(entry.flavor))
        .set("os", text_or_null(entry.os))
        .set("glibc", text_or_null(entry.glibc))
        .set("mpi", text_or_null(entry.mpi))
        .set("python", text_or_null(entry.python))
        .set("min_driver", text_or_null(entry.min_driver))
        .set("platforms", entry.platforms)
        .set("deprecated", entry.deprecated)
        .set("digest", text_or_null(entry.digest))
        .set("digest_source", text_or_null(entry.digest_source))
        .set("source", entry.source)
        .set("date", entry.date);
    return json;
}

std::vector<std::string> table_of(const std::vector<const BaseImageEntry*>& images) {
    using Row = std::array<std::string, 8>;
    std::vector<Row> rows{{"IMAGE", "CUDA", "CUDNN", "OS", "GLIBC", "MPI", "DRIVER", ""}};
    const auto dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
    for (const auto* entry : images) {
        auto note = entry->deprecated ? std::string("deprecated") : std::string();
        if (!entry->digest.empty()) note += (note.empty() ? "" : " ") + entry->digest;
        rows.push_back({entry->image, dash(entry->cuda), dash(entry->cudnn), entry->os, entry->glibc, dash(entry->mpi),
                        entry->min_driver.empty() ? "-" : ">=" + entry->min_driver, std::move(note)});
    }
    std::array<std::size_t, 8> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        while (line.ends_with(' ')) line.pop_back();
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace envbuild::catalog
