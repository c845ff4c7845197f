#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "layer/image_files.hpp"
#include "layer/tar_parser.hpp"

namespace envbuild::layer {

namespace {

using Node = LayerScan::Node;
using Kind = LayerScan::Kind;

// All layers as one tree of paths. Points into the scans.
class Tree {
  public:
    explicit Tree(std::span<const LayerScan> layers) {
        for (const LayerScan& layer : layers) {
            // Whiteouts hide what is below, never what comes in the same layer (image-spec, layer.md).
            for (const auto& folder : layer.opaque) remove_below(folder);
            for (const auto& path : layer.whiteouts) {
                remove_below(path);
                nodes_.erase(path);
            }
            for (const auto& [path, node] : layer.nodes) {
                const auto found = nodes_.find(path);
                if (found != nodes_.end() && found->second->kind == Kind::Directory && node.kind != Kind::Directory)
                    remove_below(path);
                nodes_[path] = &node;
            }
        }
    }

    struct Found {
        std::string path;
        const Node* node;
    };

    // What is at `path` once every link on the way and at its end is followed; nothing where that leads nowhere.
    [[nodiscard]] std::optional<Found> resolve(std::string_view path) const {
        std::string done;
        std::string rest(path);
        for (int links = 0; links < 40;) {
            rest = normal_tar_path(rest);
            if (rest.empty()) break;
            const auto slash = rest.find('/');
            const std::string part = rest.substr(0, slash);
            rest = slash == std::string::npos ? std::string() : rest.substr(slash + 1);
            if (part == "..") {
                done.resize(done.rfind('/') == std::string::npos ? 0 : done.rfind('/'));
                continue;
            }
            const std::string next = done.empty() ? part : done + "/" + part;
            const auto found = nodes_.find(next);
            if (found != nodes_.end() && found->second->kind == Kind::Symlink) {
                const std::string& target = found->second->link_target;
                if (target.starts_with('/')) done.clear();
                rest = rest.empty() ? target : target + "/" + rest;
                ++links;
            } else if (found != nodes_.end() && found->second->kind == Kind::Hardlink) {
                done.clear();
                rest = rest.empty() ? found->second->link_target : found->second->link_target + "/" + rest;
                ++links;
            } else {
                done = next;
            }
        }
        const auto found = nodes_.find(done);
        if (!rest.empty() || found == nodes_.end()) return std::nullopt;
        return Found{done, found->second};
    }

    [[nodiscard]] const std::map<std::string, const Node*, std::less<>>& nodes() const { return nodes_; }

  private:
    void remove_below(const std::string& folder) {
        if (folder.empty()) return nodes_.clear();
        const auto first = nodes_.lower_bound(folder + "/");
        const auto last = nodes_.lower_bound(folder + "0");  // '0' follows '/'
        nodes_.erase(first, last);
    }

    std::map<std::string, const Node*, std::less<>> nodes_;
};

// Where the dynamic linker looks: lib, lib64, … and the Debian way's lib/<triplet>, each also below usr.
bool is_library_folder(std::string_view folder) {
    if (folder.starts_with("usr/")) folder.remove_prefix(4);
    const auto parts = split(folder, '/');
    if (!parts[0].starts_with("lib")) return false;
    return parts.size() == 1 || (parts.size() == 2 && parts[1].find("-linux-gnu") != std::string_view::npos);
}

// "libc-2.31.so" -> "2.31": what libc.so.6 was a link to until glibc 2.34.
std::string version_in_name(std::string_view path) {
    std::string_view name = path.substr(path.rfind('/') + 1);
    if (!name.starts_with("libc-") || !name.ends_with(".so")) return {};
    name.remove_prefix(5);
    name.remove_suffix(3);
    const bool plain = std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    return plain ? std::string(name) : std::string();
}

struct Libc {
    std::string version;
    bool musl = false;
    std::string other_machine;  // of a glibc for another architecture
};

Libc find_libc(const Tree& tree, std::string_view architecture) {
    Libc libc;
    for (const auto& [path, node] : tree.nodes()) {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos) continue;
        const std::string_view folder = std::string_view(path).substr(0, slash);
        const std::string_view name = std::string_view(path).substr(slash + 1);
        if (!is_library_folder(folder)) continue;
        if (name.starts_with("ld-musl-")) libc.musl = true;
        if (name != "libc.so.6") continue;
        const auto found = tree.resolve(path);
        if (!found || found->node->kind != Kind::File) continue;
        if (found->node->machine != architecture) {
            if (!found->node->machine.empty()) libc.other_machine = found->node->machine;
            continue;
        }
        libc.version = !found->node->glibc.empty() ? found->node->glibc : version_in_name(found->path);
        if (!libc.version.empty()) return libc;
    }
    return libc;
}

// os-release(5): KEY=value, the value perhaps in quotes.
std::string os_release_value(std::string_view text, std::string_view key) {
    for (const auto line : split(text, '\n')) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || trim(line.substr(0, equals)) != key) continue;
        auto value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
            value = value.substr(1, value.size() - 2);
        }
        return std::string(value);
    }
    return {};
}

}  // namespace

Expected<BaseFacts> base_facts(std::span<const LayerScan> layers, std::string_view architecture,
                               std::string_view image) {
    const Tree tree(layers);
    BaseFacts facts;
    for (const LayerScan& layer : layers) facts.layers.push_back({layer.diff_id, layer.uncompressed_size});

    const Libc libc = find_libc(tree, architecture);
    facts.glibc = libc.version;
    if (facts.glibc.empty() && libc.musl) {
        return std::unexpected(
            Error(ErrorKind::InvalidInput,
                  fmt::format("the base image {} has musl as its C library, and conda packages need glibc", image))
                .with_hint("take a base image made from Debian, Ubuntu, Red Hat UBI or the like"));
    }
    if (facts.glibc.empty() && !libc.other_machine.empty()) {
        return std::unexpected(
            Error(ErrorKind::NotFound, fmt::format("the base image {} has a C library for {}, none for {}", image,
                                                   libc.other_machine, architecture))
                .with_hint("name a base image of the platform that is asked for"));
    }
    if (facts.glibc.empty()) {
        return std::unexpected(
            Error(ErrorKind::NotFound,
                  fmt::format("the base image {} has no C library (libc.so.6), and conda packages need glibc", image))
                .with_hint("take a base image made from Debian, Ubuntu, Red Hat UBI or the like"));
    }
    for (const std::string_view path : {"etc/os-release", "usr/lib/os-release"}) {
        const auto found = tree.resolve(path);
        if (!found || found->node->text.empty()) continue;
        facts.os_id = os_release_value(found->node->text, "ID");
        facts.os_version = os_release_value(found->node->text, "VERSION_ID");
        break;
    }
    const auto shell = tree.resolve("bin/sh");
    facts.has_shell = shell && shell->node->kind == Kind::File;
    return facts;
}

Json BaseFacts::to_json() const {
    Json list = Json::array();
    for (const LayerFacts& layer : layers) {
        Json item = Json::object();
        item.set("diff_id", layer.diff_id.to_string());
        item.set("size", layer.uncompressed_size);
        list.push(std::move(item));
    }
    Json json = Json::object();
    json.set("glibc", glibc);
    json.set("os_id", os_id);
    json.set("os_version", os_version);
    json.set("has_shell", has_shell);
    json.set("layers", std::move(list));
    return json;
}

Expected<BaseFacts> BaseFacts::from_json(const Json& json) {
    try {
        BaseFacts facts;
        facts.glibc = json["glibc"].as_string();
        facts.os_id = json["os_id"].as_string();
        facts.os_version = json["os_version"].as_string();
        facts.has_shell = json["has_shell"].as_bool();
        for (const Json& item : json["layers"].as_array()) {
            facts.layers.push_back({value_or_throw(Digest::parse(item["diff_id"].as_string())),
                                    static_cast<std::uint64_t>(item["size"].as_int())});
        }
        if (facts.glibc.empty()) return fail(ErrorKind::Corrupt, "the facts of a base image name no glibc");
        return facts;
    } catch (const Error& error) {
        return fail(ErrorKind::Corrupt, fmt::format("the facts of a base image are damaged: {}", error.message()));
    }
}

}  // namespace envbuild::layer
