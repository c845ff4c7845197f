// Writes conda packages: good ones from a list of files, and `.conda` containers with any fault that a test asks for.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "support/tar_writer.hpp"

namespace envbuild::testing {

struct ZipMember {
    std::string name, data;
    std::function<void(std::string& header)> tamper_local, tamper_central;
    std::string extra_local, extra_central;
};

class ZipWriter {
  public:
    ZipWriter& add(ZipMember member) {
        members_.push_back(std::move(member));
        return *this;
    }
    ZipWriter& add(std::string name, std::string data) {
        return add(ZipMember{std::move(name), std::move(data), {}, {}, {}, {}});
    }

    [[nodiscard]] std::string finish(std::string_view before_directory = "") const {
        std::string out;
        std::string directory;
        for (const auto& member : members_) {
            const std::size_t offset = out.size();
            const std::string fields = number(0, 2) + number(0, 2) + number(0, 2) + number(33, 2) +
                                       number(crc(member.data), 4) + number(member.data.size(), 4) +
                                       number(member.data.size(), 4) + number(member.name.size(), 2);
            std::string local = "PK\x03\x04" + number(20, 2) + fields + number(member.extra_local.size(), 2);
            if (member.tamper_local) member.tamper_local(local);
            std::string central = "PK\x01\x02" + number(0x0314, 2) + number(20, 2) + fields +
                                  number(member.extra_central.size(), 2) + number(0, 2) + number(0, 2) + number(0, 2) +
                                  number(0, 4) + number(offset, 4);
            if (member.tamper_central) member.tamper_central(central);
            out += local + member.name + member.extra_local + member.data;
            directory += central + member.name + member.extra_central;
        }
        out += before_directory;
        const std::size_t at = out.size();
        out += directory + "PK\x05\x06" + number(0, 4) + number(members_.size(), 2) + number(members_.size(), 2) +
               number(directory.size(), 4) + number(at, 4) + number(0, 2);
        return out;
    }

    static std::string number(std::uint64_t value, int width) {
        std::string text;
        for (int i = 0; i < width; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
        return text;
    }
    static std::uint32_t crc(std::string_view data) {
        std::uint32_t crc = ~0U;
        for (const char c : data) {
            crc ^= static_cast<unsigned char>(c);
            for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
        }
        return ~crc;
    }

  private:
    std::vector<ZipMember> members_;
};

inline std::string conda_container(std::string_view payload_tar, std::string_view info_tar,
                                   const std::string& stem = "demo-1.0-0") {
    return ZipWriter()
        .add("metadata.json", R"({"conda_pkg_format_version": 2})")
        .add("pkg-" + stem + ".tar.zst", zstd(payload_tar))
        .add("info-" + stem + ".tar.zst", zstd(info_tar))
        .finish();
}

// A package in the making. What paths.json says follows from the items; a test changes it through `adjust_paths`.
class PackageWriter {
  public:
    std::string name = "demo", version = "1.0", build = "0";
    std::string noarch;
    std::vector<std::string> entry_points;
    std::function<void(Json& paths)> adjust_paths;               // the list of paths
    std::vector<std::pair<std::string, std::string>> more_info;  // further files in info/

    PackageWriter() = default;
    explicit PackageWriter(std::string package_name) : name(std::move(package_name)) {}

    PackageWriter& file(const std::string& path, const std::string& content, unsigned mode = 0644,
                        const std::string& placeholder = "", const std::string& file_mode = "text") {
        items_.push_back({.name = path, .content = content, .mode = mode});
        record(path, "hardlink", content);
        if (!placeholder.empty()) paths_.back().set("prefix_placeholder", placeholder).set("file_mode", file_mode);
        return *this;
    }
    PackageWriter& symlink(const std::string& path, const std::string& target) {
        items_.push_back({.name = path, .type = '2', .link = target, .mode = 0777});
        record(path, "softlink", "");
        return *this;
    }
    PackageWriter& hardlink(const std::string& path, const std::string& target, const std::string& content) {
        items_.push_back({.name = path, .type = '1', .link = target});
        record(path, "hardlink", content);
        return *this;
    }
    // An entry with no word of it in paths.json.
    PackageWriter& unlisted(TarItem item) {
        items_.push_back(std::move(item));
        return *this;
    }

    [[nodiscard]] std::string dist() const { return name + "-" + version + "-" + build; }

    [[nodiscard]] std::string payload_tar() const {
        TarWriter tar;
        for (const auto& item : items_) tar.add(item);
        return tar.finish();
    }
    [[nodiscard]] std::string info_tar() const { return info(TarWriter()).finish(); }
    [[nodiscard]] std::string conda() const { return conda_container(payload_tar(), info_tar(), dist()); }
    [[nodiscard]] std::string tar_bz2() const {
        TarWriter tar;
        for (const auto& item : items_) tar.add(item);
        return bzip2(info(std::move(tar)).finish());
    }

  private:
    void record(const std::string& path, const char* type, const std::string& content) {
        Json entry = Json::object();
        entry.set("_path", path)
            .set("path_type", type)
            .set("sha256", sha256(content).hex())
            .set("size_in_bytes", std::uint64_t{content.size()});
        paths_.push_back(std::move(entry));
    }
    [[nodiscard]] TarWriter info(TarWriter tar) const {
        Json index = Json::object();
        index.set("name", name)
            .set("version", version)
            .set("build", build)
            .set("build_number", 0)
            .set("depends", Json::array());
        index.set("license", "MIT")
            .set("timestamp", std::int64_t{1700000000000})
            .set("subdir", noarch.empty() ? "linux-64" : "noarch");
        if (!noarch.empty()) index.set("noarch", noarch);
        tar.file("info/index.json", index.dump(2));
        Json paths(paths_);
        if (adjust_paths) adjust_paths(paths);
        tar.file("info/paths.json", Json::object().set("paths", paths).set("paths_version", 1).dump(2));
        if (noarch == "python") {
            Json link = Json::object().set("type", "python").set("entry_points", Json(entry_points));
            tar.file("info/link.json", Json::object().set("noarch", link).set("package_metadata_version", 1).dump());
        }
        for (const auto& [path, text] : more_info) tar.file("info/" + path, text);
        return tar;
    }

    std::vector<TarItem> items_;
    Json::Array paths_;
};

}  // namespace envbuild::testing
