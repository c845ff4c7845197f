#include "link/link_support.hpp"

#include <stdexcept>

namespace envbuild::link {

void MemorySink::add(const std::string& path, MemoryEntry entry) {
    const auto slash = path.rfind('/');
    if (slash != std::string::npos) {
        const auto parent = entries.find(path.substr(0, slash));
        if (parent == entries.end() || parent->second.kind != 'd') throw std::logic_error("no folder for " + path);
    }
    if (!entries.emplace(path, std::move(entry)).second) throw std::logic_error(path + " was given twice");
}

void MemorySink::directory(const std::string& path, std::uint32_t mode, std::int64_t mtime) {
    const MemoryEntry entry{'d', mode, mtime, ""};
    const auto found = entries.find(path);
    if (found == entries.end()) {
        add(path, entry);
    } else if (!(found->second == entry)) {
        throw std::logic_error(path + " is two things");
    }
}

void MemorySink::file(const std::string& path, std::uint32_t mode, std::int64_t mtime, std::uint64_t size,
                      conda::ContentReader& content) {
    MemoryEntry entry{'f', mode, mtime, content.read_all()};
    if (entry.content.size() != size) throw std::logic_error(path + " has another size than was told");
    add(path, std::move(entry));
}

void MemorySink::symlink(const std::string& path, const std::string& target, std::int64_t mtime) {
    add(path, {'s', 0, mtime, target});
}

void MemorySink::hardlink(const std::string& path, const std::string& target) {
    if (!entries.contains(target) || entries.at(target).kind != 'f')
        throw std::logic_error(path + " is a hard link to nothing");
    add(path, {'h', 0, 0, target});
}

PackageSource source(const testing::PackageWriter& package, bool old_format) {
    LinkPackage record;
    record.file_name = package.dist() + (old_format ? ".tar.bz2" : ".conda");
    record.name = package.name;
    record.version = package.version;
    record.build = package.build;
    record.subdir = package.noarch.empty() ? "linux-64" : "noarch";
    record.channel = "https://conda.example/forge";
    record.url = "https://conda.example/forge/" + record.subdir + "/" + record.file_name;
    std::string bytes = old_format ? package.tar_bz2() : package.conda();
    record.sha256 = sha256(bytes);
    record.size = bytes.size();
    return {record, conda::CondaArchive::open(record.file_name, conda::ArchiveSource::from_bytes(std::move(bytes)))};
}

LinkPlan plan(const std::vector<testing::PackageWriter>& packages, const LinkTarget& target) {
    std::vector<PackageSource> sources;
    for (const auto& package : packages) sources.push_back(source(package));
    return LinkPlan::make(target, std::move(sources), 2);
}

MemorySink link_all(const LinkPlan& plan, const std::vector<std::string>& specs) {
    MemorySink sink;
    std::vector<LinkedPackage> linked;
    for (std::size_t i = 0; i < plan.size(); ++i) linked.push_back(plan.emit(i, sink));
    plan.emit_metadata(linked, specs, sink);
    return sink;
}

}  // namespace envbuild::link
