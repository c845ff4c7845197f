#include "build/pip_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pypi/requirement_line.hpp"

namespace envbuild::build {

namespace {

Expected<Digest> sha256_of(const Json& archive, const std::string& name) {
    auto hex = archive["hashes"].string_or("sha256", "");
    // Before pip 23 there was only "hash": "sha256=…".
    if (const auto old = archive.string_or("hash", ""); hex.empty() && old.starts_with("sha256=")) hex = old.substr(7);
    if (hex.empty())
        return fail(ErrorKind::InvalidInput, fmt::format("pip knows no sha256 of the file it would take for {}", name));
    return Digest::from_hex(hex);
}

Expected<lock::PipPackage> read_item(const Json& item) {
    const auto& metadata = item["metadata"];
    lock::PipPackage package;
    package.name = pypi::normalize_name(metadata.string_or("name", ""));
    package.version = metadata.string_or("version", "");
    if (package.name.empty() || package.version.empty())
        return fail(ErrorKind::Corrupt, "pip's report has a package without name or version");
    const auto& download = item["download_info"];
    if (!download["archive_info"].is_object()) {
        return fail(ErrorKind::InvalidInput,
                    fmt::format("pip would take {} from {}, which is no file that could be pinned", package.name,
                                redact(download.string_or("url", "an unknown place"))));
    }
    const auto sha256 = sha256_of(download["archive_info"], package.name);
    if (!sha256) return std::unexpected(sha256.error());
    const auto url = Url::parse(download.string_or("url", ""));
    if (!url) return fail(ErrorKind::Corrupt, fmt::format("pip's report has no URL for {}", package.name));
    package.url = url->without_user_info().without_fragment().to_string();
    package.sha256 = *sha256;
    package.file_name = url->filename();
    package.subdirectory = download.string_or("subdirectory", "");
    package.requested = item.bool_or("requested", false);
    package.direct = item.bool_or("is_direct", false);
    if (metadata["requires_dist"].is_array()) {
        for (const auto& requirement : metadata["requires_dist"].as_array()) {
            if (requirement.is_string()) package.requires_dist.push_back(requirement.as_string());
        }
    }
    return package;
}

}  // namespace

Expected<std::vector<lock::PipPackage>> read_pip_report(const Json& report) {
    if (report.string_or("version", "") != "1" && report.string_or("version", "") != "0") {
        return fail(ErrorKind::Corrupt, fmt::format("pip's report has version '{}', and envbuild reads version 1",
                                                    report.string_or("version", "")));
    }
    if (!report["install"].is_array()) return fail(ErrorKind::Corrupt, "pip's report has no list of packages");
    std::vector<lock::PipPackage> packages;
    for (const auto& item : report["install"].as_array()) {
        auto package = read_item(item);
        if (!package) return std::unexpected(package.error());
        packages.push_back(std::move(*package));
    }
    std::ranges::sort(packages, {}, &lock::PipPackage::name);
    return packages;
}

}  // namespace envbuild::build
