#include "install/direct_url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"

namespace envbuild::install {

namespace {

// RECORD's spelling of a hash (PEP 376, PEP 427): URL-safe base64 without padding.
std::string record_line(const std::string& path, const std::string& content) {
    Sha256 hash;
    hash.update(content);
    const auto digest = hash.finish().bytes();
    auto text = base64({reinterpret_cast<const char*>(digest.data()), digest.size()}, true);
    while (text.ends_with('=')) text.pop_back();
    return fmt::format("{},sha256={},{}", path, text, content.size());
}

void correct_record(const std::filesystem::path& record, const std::string& path, const std::string& content) {
    const auto text = read_file(record);
    std::string out;
    for (const auto line : split(text, '\n')) {
        if (line.empty()) continue;
        if (line.starts_with(path + ",")) {
            const std::string_view end = line.ends_with('\r') ? "\r\n" : "\n";
            if (!content.empty()) out += fmt::format("{}{}", record_line(path, content), end);
        } else {
            out += fmt::format("{}\n", line);
        }
    }
    write_file_atomic(record, out);
}

}  // namespace

void correct_direct_urls(const std::filesystem::path& site_packages, const std::vector<link::PipFile>& files) {
    for (const auto& entry : std::filesystem::directory_iterator(site_packages)) {
        const auto recorded = entry.path() / "direct_url.json";
        if (entry.path().extension() != ".dist-info" || !std::filesystem::is_regular_file(recorded)) continue;
        const auto json = value_or_throw(Json::parse(read_file(recorded)));
        const auto url = Url::parse(json.string_or("url", ""));
        const auto file =
            std::ranges::find_if(files, [&](const auto& one) { return url && one.file_name == url->filename(); });
        if (!url || url->scheme() != "file" || file == files.end()) continue;
        if (file->direct_url.empty()) {
            std::filesystem::remove(recorded);
        } else {
            write_file_atomic(recorded, file->direct_url);
        }
        correct_record(entry.path() / "RECORD", entry.path().filename().string() + "/direct_url.json",
                       file->direct_url);
    }
}

}  // namespace envbuild::install
